// What keeps edits beyond the page, as the client asks for it. The client itself keeps nothing: `noclobber/offline` does,
// and an app that needs no more than the tab's own memory never loads it.

import type { Fields, RecordAddress } from '../../../server/protocol/index.ts'
import type { Clock, Page, Stop } from '../base/clock.ts'
import type { RemoveOutcome, SaveOutcome } from '../http/outcomes.ts'
import type { Mutation, RecordState, UnsentEdits } from './state.ts'

/** What the keeper may do with the client that it belongs to. */
export interface KeptClient {
  tabId: string
  /** Whose edits these are; `null` while nobody is known: then nothing is kept and nothing brought back. */
  userId(): string | null
  clock: Clock
  page: Page
  /** Brings kept edits back and sends what was asked to be saved; resolves when that has its answer. */
  resume(address: RecordAddress): Promise<RecordState>
  /** Sends it as it was asked for, past the record's editor. */
  send(address: RecordAddress, mutation: Mutation): Promise<SaveOutcome<Fields> | RemoveOutcome>
  /** Puts edits back that were thrown away. */
  bringBack(address: RecordAddress, edits: UnsentEdits): void
  /** Throws its edits away; `false` where the record is not open here. */
  discard(address: RecordAddress): boolean
}

/** Keeps edits; made by `createOffline`. Never rejects: storage that fails is a state, not an error. */
export interface EditKeeper {
  /** Called once by the client. */
  open(client: KeptClient): Stop
  /**
   * Edits of a page that is no more, if the record as it stands then has room for them; asked before the first load, and
   * again until there are none.
   */
  recall(address: RecordAddress, stateNow: () => RecordState): Promise<UnsentEdits | null>
  /** After each change of an open record. */
  keep(address: RecordAddress, state: RecordState): void
  /** What is typed now would outlive the page. */
  isKeeping(): boolean
  /** Somebody else is here: what is shown is theirs. What the one before left is kept for them. */
  leave(): void
  /** The server can be reached again, as it seems. */
  reachable(): void
}
