// What all watchers of one record share: its address and the name of its room, each of them kept once and not by watcher.
// Invariant: so many are kept and no more, whatever is asked for; one that isn't kept any more is made anew.
import type { RecordAddress } from '../protocol/index.ts'
import { recordRoom } from './rooms.ts'

/** A record as those watch it who have been let in. */
export interface RoomEntry {
  readonly record: RecordAddress
  readonly admitted: true
  readonly room: string
}

/** Some 10 MB. */
const MOST_ENTRIES = 50_000

/** By the start of their rooms' names, by id. */
const kept = new Map<string, Map<string, RoomEntry>>()
let count = 0

/** Finds the entries of one tenant's records of a type, by their canonical ids. */
export const roomEntriesOf = (tenantId: string, type: string): ((id: string) => RoomEntry) => {
  const start = recordRoom(tenantId, type, '')
  return (id) => {
    const known = kept.get(start)?.get(id)
    if (known) return known
    const entry: RoomEntry = { record: { type, id }, admitted: true, room: recordRoom(tenantId, type, id) }
    if (count >= MOST_ENTRIES) {
      kept.clear()
      count = 0
    }
    const roomEntries = kept.get(start) ?? new Map<string, RoomEntry>()
    kept.set(start, roomEntries.set(id, entry))
    count += 1
    return entry
  }
}
