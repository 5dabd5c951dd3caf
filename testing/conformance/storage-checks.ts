// What a storage of unsent edits must do by itself. Imports nothing that a browser hasn't got: it runs in a page as well.
import type { EditStorage, UnsentEntry } from 'noclobber/offline'

/** Opens the storage of a name; opened twice under one name, both see the same entries. */
export type OpenStorage = (name: string) => EditStorage

const entry = (person: string, id: string, tab: string, name: string): UnsentEntry => ({
  key: JSON.stringify([person, 'document', id, tab]),
  person,
  tab,
  type: 'document',
  id,
  at: 1,
  changedAt: 2,
  trouble: null,
  edits: {
    base: null,
    draft: { name, nested: { list: [1, null, 'ü'] } },
    kept: null,
    unanswered: null,
    next: null,
  },
})

const sorted = (entries: UnsentEntry[]) => [...entries].sort((a, b) => (a.key < b.key ? -1 : 1))

/** Objects of the same content in whatever order of their keys. */
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_key, part) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )

const holds = async (storage: EditStorage, person: string, ...entries: UnsentEntry[]): Promise<void> => {
  const [held, wanted] = [await storage.all(person), entries].map((list) => textOf(sorted(list)))
  if (held !== wanted) throw new Error(`The storage has ${held} of ${person}, and should have ${wanted}.`)
}

/** By name; each gets a storage of its own. */
export const STORAGE_CHECKS: Record<string, (open: OpenStorage, name: string) => Promise<void>> = {
  'keeps every entry that was put, as it was': async (open, name) => {
    const storage = open(name)
    const entries = ['1', '2', '3'].map((id) => entry('a', id, 't', `Name ${id}`))
    for (const each of entries) await storage.put(each)
    await holds(storage, 'a', ...entries)
  },
  'keeps it for the next page': async (open, name) => {
    const one = entry('a', '1', 't', 'One')
    await open(name).put(one)
    await holds(open(name), 'a', one)
  },
  'has the last of two that were put under one key': async (open, name) => {
    const storage = open(name)
    await storage.put(entry('a', '1', 't', 'One'))
    await storage.put(entry('a', '1', 't', 'Two'))
    await holds(storage, 'a', entry('a', '1', 't', 'Two'))
  },
  'shows nobody the edits of another person': async (open, name) => {
    const storage = open(name)
    await storage.put(entry('a', '1', 't', 'Mine'))
    await storage.put(entry('b', '1', 't', 'Theirs'))
    await holds(storage, 'a', entry('a', '1', 't', 'Mine'))
    await holds(storage, 'c')
  },
  'is not changed by what becomes of an object that was put': async (open, name) => {
    const storage = open(name)
    const one = entry('a', '1', 't', 'One')
    await storage.put(one)
    one.edits.draft.name = 'changed afterwards'
    await holds(storage, 'a', entry('a', '1', 't', 'One'))
  },
  'removes one entry, and nothing else': async (open, name) => {
    const storage = open(name)
    const [one, two] = [entry('a', '1', 't', 'One'), entry('a', '2', 't', 'Two')]
    await storage.put(one)
    await storage.put(two)
    await storage.remove(one.key)
    await storage.remove('none of these')
    await holds(storage, 'a', two)
  },
  'gives an entry to one page that claims it, and to no other': async (open, name) => {
    const left = entry('a', '1', 'closed', 'One')
    await open(name).put(left)
    const tabs = ['t1', 't2', 't3', 't4']
    const claims = await Promise.all(
      tabs.map((tab) => open(name).claim(left.key, entry('a', '1', tab, 'One'))),
    )
    if (claims.filter(Boolean).length !== 1)
      throw new Error(`The claims of ${tabs.length} pages were answered ${claims.join(', ')}.`)
    await holds(open(name), 'a', entry('a', '1', tabs[claims.indexOf(true)] as string, 'One'))
  },
}
