// The door `noclobber/offline`: edits that outlive the page, and saves that wait for the server. Apart from the client,
// because it brings IndexedDB along.

export type { Tabs } from './browser-tabs.ts'
export { createBrowserTabs } from './browser-tabs.ts'
export type { EditStorage, UnsentEntry, UnsentState, UnsentTrouble } from './draft-storage.ts'
export { createMemoryStorage, isAsked } from './draft-storage.ts'
export { createIndexedDbStorage } from './indexeddb-storage.ts'
export type { Offline, OfflineOptions } from './queue.ts'
export { createOffline } from './queue.ts'
