// One version of a record as the client learns of it, by an event, an acknowledgement, a poll or an answer.

import type { WireRecord, Writer } from '../../../server/protocol/index.ts'

/** It may arrive late, twice or out of order. */
export interface RemoteVersion {
  version: number
  /** Of several versions that one transaction made, which this one stands for: the one before them. */
  previousVersion?: number
  /** The fields that this one version changed; `null` where the source does not know. */
  changedFields: string[] | null
  by: Writer | null
  /** When it was written, in this machine's milliseconds. */
  at: number
  /** The same person wrote it, elsewhere. */
  isOwn: boolean
  deleted: boolean
  /** The server was asked for it; events come by themselves. */
  isAnswer?: true
  /** The whole record at that version, where it came along. */
  record?: WireRecord
}

/** The newest version that is known and not shown. */
export interface NewerVersion {
  version: number
  by: Writer | null
  at: number
  isOwn: boolean
  /** Changed fields of each version that was received. */
  fieldsByVersion: Record<number, string[]>
}
