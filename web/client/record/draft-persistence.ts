// The interface of what keeps edits beyond the page. The client itself keeps nothing: `noclobber/offline` does, and an app
// that needs no more than the tab's memory never loads it.

import type { Fields, RecordAddress } from '../../../server/protocol/index.ts'
import type { Clock, Page, Stop } from '../base/clock.ts'
import type { RemoveOutcome, SaveOutcome } from '../http/outcomes.ts'
import type { Mutation, RecordState, UnsentEdits } from './state.ts'

/** What the persistence of drafts may do with its client. */
export interface DraftClient {
  tabId: string
  /** The owner of the edits; `null` while unknown: then nothing is kept and nothing brought back. */
  userId(): string | null
  clock: Clock
  page: Page
  /** Brings kept edits back and sends what was asked to be saved; resolves when that has its answer. */
  resume(address: RecordAddress): Promise<RecordState>
  /** Sends it as it was asked for, past the record's editor. */
  send(address: RecordAddress, mutation: Mutation): Promise<SaveOutcome<Fields> | RemoveOutcome>
  /** Restores discarded edits. */
  bringBack(address: RecordAddress, edits: UnsentEdits): void
  /** Discards its edits; `false` where the record is not open here. */
  discard(address: RecordAddress): boolean
}

/** Keeps edits; made by `createOffline`. Never rejects: storage that fails is a state, not an error. */
export interface DraftPersistence {
  /** Called once by the client. */
  open(client: DraftClient): Stop
  /**
   * Edits of a page that is no more, if the record as it stands then has room for them; asked before the first load, and
   * again until there are none.
   */
  recall(address: RecordAddress, stateNow: () => RecordState): Promise<UnsentEdits | null>
  /** After each change of an open record. */
  keep(address: RecordAddress, state: RecordState): void
  /** Resolves soon: whether storage has this record's edits as they are now, so that they outlive the page. */
  isKept(address: RecordAddress): Promise<boolean>
  /** The person changes: shows the edits of the new one, and keeps those of the one before. */
  leave(): void
  /** The server seems reachable again. */
  reachable(): void
}
