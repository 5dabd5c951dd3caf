// Which records the new ones of this device have become. Kept for as long as something that waits, or an address that
// somebody has stored, may still name one by its id of before. Invariant: it is of the current person alone.

import type { RecordAddress, WireRecord } from '../../../server/protocol/index.ts'
import type { DraftClient } from '../record/draft-persistence.ts'
import { isLocalId } from './local-ids.ts'
import type { EditStorage } from './storages.ts'

const MOST_IDS = 1000
const KEPT_MS = 60 * 86_400_000

/** A new record of this device that is on the server. */
export interface CreatedId extends RecordAddress {
  /** In the storage. */
  key: string
  /** Whose it is. */
  person: string
  /** Its id of before. */
  local: string
  /** The version that it was created in. */
  version: number
  /** When it was created, in this machine's milliseconds. */
  at: number
}

interface CreatedIdsOptions {
  client: Pick<DraftClient, 'userId' | 'clock'>
  storage: EditStorage<CreatedId>
  /** Other pages have added these. */
  onFound: (found: readonly CreatedId[]) => void
}

export type CreatedIds = ReturnType<typeof keepCreatedIds>

export function keepCreatedIds({ client, storage, onFound }: CreatedIdsOptions) {
  let known = new Map<string, CreatedId>()
  let owner: string | null = null
  const unstored = new Set<string>()
  let loading: Promise<unknown> = Promise.resolve()
  let putting: Promise<void> = Promise.resolve()

  function ofPerson() {
    const person = client.userId()
    if (person !== owner) {
      owner = person
      known = new Map()
    }
    return known
  }

  const put = (created: CreatedId): Promise<void> => {
    unstored.add(created.local)
    putting = store(created)
    return putting
  }

  async function store(created: CreatedId) {
    try {
      await storage.put(created)
      unstored.delete(created.local)
    } catch {
      // It is in memory, and its creation stays in storage: see `isSafe`.
    }
  }

  /** Those that other pages have added. */
  async function load(): Promise<void> {
    const person = client.userId()
    if (person === null) return
    const found = await storage.all(person).catch((): CreatedId[] => [])
    if (person !== client.userId()) return
    const ids = ofPerson()
    const kept = found.toSorted((a, b) => b.at - a.at)
    const isOld = ({ at }: CreatedId, index: number) => index >= MOST_IDS || client.clock.now() - at > KEPT_MS
    // What stays is removed the next time.
    for (const { key } of kept.filter(isOld)) void storage.remove(key).catch(() => {})
    const fresh = kept.filter((one) => !ids.has(one.local))
    for (const one of fresh) ids.set(one.local, one)
    if (fresh.length > 0) onFound(fresh)
  }

  const find = (local: string): CreatedId | undefined => ofPerson().get(local)
  const idOf = (text: string): string => (isLocalId(text) ? (find(text)?.id ?? text) : text)

  return {
    find,
    /** The id of now, as far as it is known. */
    idOf,
    load() {
      const found = load()
      loading = found
      return found
    },
    /** What is kept of them is here. */
    loaded: () => loading,
    /** Resolves once it is stored, or can't be. */
    async add({ type, id: local }: RecordAddress, { id, version }: Pick<WireRecord, 'id' | 'version'>) {
      const person = client.userId()
      if (person === null || !isLocalId(local)) return
      const key = JSON.stringify([person, type, local])
      const created = { key, person, type, id, local, version, at: client.clock.now() }
      ofPerson().set(local, created)
      await put(created)
    },
    /** The creation may be forgotten: another page will find what it has become, or it has become nothing. */
    async isSafe(local: string): Promise<boolean> {
      await putting
      const created = known.get(local)
      if (created && unstored.has(local)) await put(created)
      return !unstored.has(local)
    },
  }
}
