// Where entries are kept: on this device, or in memory alone. The IndexedDB code is here, so what a page draws imports none of it.

import { createIndexedDb } from '../device/indexeddb-storage.ts'
import { createMemory, type Kept, type KeptStorage } from '../device/storage.ts'
import type { UnsentEntry } from './draft-storage.ts'

/** Where entries of unsent edits are kept; of other things too. */
export type EditStorage<Entry extends Kept = UnsentEntry> = KeptStorage<Entry>

/** Lasts as long as the object: for tests, and for programs that are no pages. */
export const createMemoryStorage: <Entry extends Kept = UnsentEntry>() => EditStorage<Entry> = createMemory

/** In IndexedDB; opened on first use. `name` is the database's name in this origin, by default `noclobber`. */
export const createIndexedDbStorage: <Entry extends Kept = UnsentEntry>(name?: string) => EditStorage<Entry> =
  createIndexedDb
