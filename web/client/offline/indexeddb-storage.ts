// Unsent edits in the browser's IndexedDB: they outlive the page, the tab and the browser.

import { type DBSchema, openDB } from 'idb'
import type { EditStorage, UnsentEntry } from './draft-storage.ts'

interface Schema extends DBSchema {
  edits: { key: string; value: UnsentEntry; indexes: { person: string } }
}

/** Opened on first use. `name` is the database's name in this origin. */
export function createIndexedDbStorage(name = 'noclobber'): EditStorage {
  const open = () =>
    openDB<Schema>(name, 1, {
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
  const database = () => {
    opened ??= open()
    opened.catch(() => {
      opened = null
    })
    return opened
  }
  return {
    all: async (person) => (await database()).getAllFromIndex('edits', 'person', person),
    put: async (entry) => void (await (await database()).put('edits', entry)),
    remove: async (key) => (await database()).delete('edits', key),
    async claim(key, entry) {
      const transaction = (await database()).transaction('edits', 'readwrite')
      const isThere = (await transaction.store.getKey(key)) !== undefined
      if (isThere) {
        await transaction.store.delete(key)
        await transaction.store.put(entry)
      }
      await transaction.done
      return isThere
    },
  }
}
