// What an app may choose for what it keeps beyond the page, and what it gets.

import type { Stop } from '../base/clock.ts'
import type { Readable } from '../base/store.ts'
import type { Tabs } from '../device/browser-tabs.ts'
import type { Kept } from '../device/storage.ts'
import type { ListOverlay } from '../list/store-options.ts'
import type { DraftPersistence } from '../record/draft-persistence.ts'
import type { CreatedId } from './created-ids.ts'
import type { LateAnswer, QueuedRequest, UnsentState } from './draft-storage.ts'
import type { QueuedWrites } from './queued-writes.ts'
import { createIndexedDbStorage, createMemoryStorage, type EditStorage } from './storages.ts'

/** Edits that outlive the page, and saves that wait for the server. */
export interface Offline extends DraftPersistence, QueuedWrites {
  /** What is not on the server, of this person on this device. */
  unsent: Readable<UnsentState>
  /** What is not sent, over the lists of the client that it belongs to. */
  overlay: ListOverlay
  /** Tries to send what waits, now. */
  retry(): void
  /** Sends a request that the server has refused once more, as it was: see `unsent.requests`. */
  resend(key: string): void
  /**
   * Called with each answer to a request of the app's own that came after `client.fetch` had answered 202, perhaps to an earlier page.
   * Listen before the client is made.
   *
   * @example
   * offline.onAnswered(({ request, response }) => toast(`${request.label}: ${response.ok ? 'done' : 'refused'}`))
   */
  onAnswered(listener: (answer: LateAnswer) => void): Stop
  /** Discards one record's edits, or a request. Another page that has the record open keeps its own edits. */
  discard(key: string): Promise<void>
  /** Restores what was discarded on this page: see `unsent.discarded`. */
  undoDiscard(key: string): void
  /** Discards all that this person has unsent on this device: for a sign-out that leaves nothing behind. */
  clear(): Promise<void>
}

/** What {@link createOffline} takes. */
export interface OfflineOptions {
  /** Default: IndexedDB, database `noclobber`. */
  storage?: EditStorage
  /**
   * Where requests of the app's own wait. Default: IndexedDB, database `noclobber-requests`; with a `storage` of your own, memory
   * alone.
   */
  requests?: EditStorage<QueuedRequest>
  /**
   * Where it is kept which records new ones of this device have become. Default: IndexedDB, database `noclobber-created`; with a
   * `storage` of your own, memory alone.
   */
  created?: EditStorage<CreatedId>
  /** Which pages are alive. Default: by the browser’s locks. */
  tabs?: Tabs
}

/** Outside a browser there is no IndexedDB. A page that may not use it sees that it is `barred`. */
export const defaultStorage = <Entry extends Kept>(name?: string): EditStorage<Entry> =>
  typeof document === 'undefined' && typeof indexedDB === 'undefined'
    ? createMemoryStorage<Entry>()
    : createIndexedDbStorage<Entry>(name)
