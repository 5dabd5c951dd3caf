// The entry point `noclobber/offline`: edits that outlive the page, and writes that wait for the server. A separate one, because it
// contains the IndexedDB code.

export type { Tabs } from '../device/browser-tabs.ts'
export { createBrowserTabs } from '../device/browser-tabs.ts'
export type { CreatedId } from './created-ids.ts'
export type { LateAnswer, QueuedRequest, UnsentEntry, UnsentState, UnsentTrouble } from './draft-storage.ts'
export { isAsked } from './draft-storage.ts'
export type { Offline, OfflineOptions } from './options.ts'
export { createOffline } from './queue.ts'
export type { QueuedBulk, QueuedRow, RowToSave } from './queued-bulk.ts'
export type {
  QueuedCreateOptions,
  QueuedCreateOutcome,
  QueuedRemoveOutcome,
  QueuedSaveManyOutcome,
  QueuedWrite,
  QueuedWrites,
} from './queued-writes.ts'
export type { EditStorage } from './storages.ts'
export { createIndexedDbStorage, createMemoryStorage } from './storages.ts'
