// What is noted of a write, and what the client does with it.

import type { Fields, RecordAddress } from '../../../server/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import type { Writable } from '../base/store.ts'
import type { ImportFileOptions } from '../http/import-outcomes.ts'
import type { OwnSave } from '../http/own-writes.ts'
import type { Requests } from '../http/requests.ts'

/** An answered write that the server lost. `id`: of a bulk edit the first record's, of an import none. */
export type LostSave = OwnSave &
  RecordAddress & {
    what: 'save' | 'creation' | 'bulk' | 'import'
    /** How many records it wrote. */
    count: number
    /** The imported file's name. */
    fileName: string
  }

/** What was sent and answered, for finding out whether it is lost, and for making it again. */
export interface NotedWrite extends LostSave {
  /** Under which it is made again, or was made. */
  mutationId?: string
  bulk?: { options: Parameters<Requests['saveMany']>[1]; saved: { id: string; version: number }[] }
  /** `since`: when it was answered, in milliseconds of the clock that no one sets. */
  import?: { file: Blob; options: ImportFileOptions; since: number }
}

/** What they need of the client. */
export interface NotedWritesOptions {
  requests: Pick<Requests, 'create' | 'saveMany' | 'importFile' | 'versions' | 'history'>
  clock: Clock
  newId(): string
  localTime(iso: string | null): number
  checkPerson(): unknown
  epoch(): number
  /** What the record's editor has saved of it. */
  savedInEditor(address: RecordAddress): Fields
}

/** The noted writes of a client, and those of them that were lost. */
export interface NotedWrites {
  writes: readonly NotedWrite[]
  lost: Writable<readonly LostSave[]>
  note(write: Omit<NotedWrite, 'count' | 'fileName'> & Partial<NotedWrite>): void
  /** The client's requests; what is answered is noted. */
  requests: Pick<Requests, 'create' | 'saveMany' | 'importFile'>
  findLost(offer: (save: LostSave) => void): Promise<void>
  /** Makes it once more, and takes it out where that succeeds. */
  restore(save: LostSave): Promise<{ outcome: string } | null>
  dismiss(save: LostSave): void
  leave(): void
  close(): void
}
