// What keeps entries on this device: its interface, and an implementation in memory.

/** What a storage keeps entries by. */
export interface Kept {
  key: string
  person: string
}

/** Every function may reject: without room, or where the browser allows no storage. */
export interface KeptStorage<Entry extends Kept> {
  all(person: string): Promise<Entry[]>
  put(entry: Entry): Promise<void>
  remove(key: string): Promise<void>
  /** MUST be one transaction: puts `entry` in the place of the one under `key`; `false` where that is gone already. */
  claim(key: string, entry: Entry): Promise<boolean>
}

/** Lasts as long as the object: for tests, and for programs that are no pages. */
export function createMemory<Entry extends Kept>(): KeptStorage<Entry> {
  const entries = new Map<string, Entry>()
  return {
    all: async (person) => [...entries.values()].filter((entry) => entry.person === person),
    put: async (entry) => void entries.set(entry.key, structuredClone(entry)),
    remove: async (key) => void entries.delete(key),
    async claim(key, entry) {
      if (!entries.delete(key)) return false
      entries.set(entry.key, structuredClone(entry))
      return true
    },
  }
}
