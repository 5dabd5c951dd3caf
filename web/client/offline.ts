// The door `noclobber/offline`: edits that outlive the page, and saves that wait for the server. Apart from the client,
// because it brings IndexedDB along.

export type { EditStorage, UnsentEntry, UnsentState, UnsentTrouble } from './edit-storage.ts'
export { createMemoryStorage, isAsked } from './edit-storage.ts'
export { createIndexedDbStorage } from './indexeddb-storage.ts'
export type { Offline, OfflineOptions } from './offline-queue.ts'
export { createOffline } from './offline-queue.ts'
export type { Tabs } from './tabs.ts'
export { createBrowserTabs } from './tabs.ts'
