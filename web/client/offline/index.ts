// The entry point `noclobber/offline`: edits that outlive the page, and saves that wait for the server. A separate one, because it
// contains the IndexedDB code.

export type { Tabs } from './browser-tabs.ts'
export { createBrowserTabs } from './browser-tabs.ts'
export type { EditStorage, QueuedRequest, UnsentEntry, UnsentState, UnsentTrouble } from './draft-storage.ts'
export { createMemoryStorage, isAsked } from './draft-storage.ts'
export { createIndexedDbStorage } from './indexeddb-storage.ts'
export type { Offline, OfflineOptions } from './queue.ts'
export { createOffline } from './queue.ts'
export type { LateAnswer } from './request-queue.ts'
