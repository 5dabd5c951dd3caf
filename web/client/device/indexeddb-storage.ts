// Unsent edits in the browser's IndexedDB: they outlive the page, the tab and the browser.

import { type DBSchema, type IDBPDatabase, openDB } from 'idb'
import { systemClock } from '../base/clock.ts'
import type { Kept, KeptStorage } from './storage.ts'

interface Schema<Entry> extends DBSchema {
  edits: { key: string; value: Entry; indexes: { person: string } }
}

/** Below the limit of one try: see browser-limits.ts. */
const OPEN_MS = 1900

/** Opened on first use. `name` is the database's name in this origin. */
export function createIndexedDb<Entry extends Kept>(name = 'noclobber'): KeptStorage<Entry> {
  const open = () =>
    openDB<Schema<Entry>>(name, 1, {
      upgrade(database) {
        database.createObjectStore('edits', { keyPath: 'key' }).createIndex('person', 'person')
      },
      blocking(_current, _wanted, event) {
        ;(event.target as IDBDatabase).close()
        opened = null
      },
      terminated() {
        opened = null
      },
    })
  let opened: ReturnType<typeof open> | null = null
  /** A connection that failed, or is not open after a try, is opened anew by the next. */
  const database = async () => {
    const current = opened ?? open()
    opened = current
    const forget = () => {
      if (opened === current) opened = null
    }
    const stop = systemClock.after(OPEN_MS, forget)
    try {
      return await current
    } catch (error) {
      forget()
      throw error
    } finally {
      stop()
    }
  }
  /** The connection of one that fails may be dead: the next try has another. */
  async function use<T>(work: (connection: IDBPDatabase<Schema<Entry>>) => Promise<T>): Promise<T> {
    const connection = await database()
    try {
      return await work(connection)
    } catch (error) {
      opened = null
      connection.close()
      throw error
    }
  }
  return {
    all: (person) => use((connection) => connection.getAllFromIndex('edits', 'person', person)),
    // It is committed whether or not the page is there to be answered: one that is left has no time for that.
    put: (entry) =>
      use(async (connection) => {
        const transaction = connection.transaction('edits', 'readwrite')
        const put = transaction.store.put(entry)
        transaction.commit?.()
        await Promise.all([put, transaction.done])
      }),
    remove: (key) => use((connection) => connection.delete('edits', key)),
    claim: (key, entry) =>
      use(async (connection) => {
        const transaction = connection.transaction('edits', 'readwrite')
        const isThere = (await transaction.store.getKey(key)) !== undefined
        if (isThere) {
          await transaction.store.delete(key)
          await transaction.store.put(entry)
        }
        await transaction.done
        return isThere
      }),
  }
}
