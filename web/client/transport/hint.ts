// What reaches a client of one version of a record, whatever brought it: an event, an acknowledgement, a poll or an answer.

import type { WireRecord, Writer } from '../../../server/protocol/index.ts'

/** What an event, an acknowledgement, a poll or an answer says of a version: perhaps late, doubled or out of order. */
export interface Hint {
  version: number
  /** The fields that this one version changed; `null` where the teller does not know. */
  changedFields: string[] | null
  by: Writer | null
  /** When it was written, in this machine's milliseconds. */
  at: number
  /** The same person wrote it, elsewhere. */
  isOwn: boolean
  deleted: boolean
  /** The whole record at that version, where it came along. */
  record?: WireRecord
}
