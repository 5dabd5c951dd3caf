// Names of the rooms that events go to, and what all watchers of one record share: its address and its room's name.
// Invariant: each part is percent-encoded and the tenant comes from the session, so no text of a client's can name or
// reach a room that isn't its own. Shared entries are kept once, not by watcher, and no more than so many.
import type { RecordAddress, Scope } from '../protocol/index.ts'
import type { TrackedType } from '../tables/catalogue.ts'
import type { KnownType } from '../tables/known-type.ts'

const PLAIN = /^[A-Za-z0-9_-]*$/

const part = (text: string) => (PLAIN.test(text) ? text : encodeURIComponent(text.toWellFormed()))

/** The room of one record's watchers. Joined: a concatenated string would keep its pieces in memory. */
export const recordRoom = (tenantId: string, type: string, id: string): string =>
  ['tenant', part(tenantId), 'record', type, part(id)].join(':')

/** The room of a list's watchers: all records of a type, or those below one parent. */
export const listRoom = (tenantId: string, type: string, scope: Scope = {}): string => {
  const [column] = Object.keys(scope)
  const below = column === undefined ? '' : `:${part(column)}=${part(scope[column] ?? '')}`
  return `tenant:${part(tenantId)}:list:${type}${below}`
}

/** The room of one person's connections. */
export const userRoom = (tenantId: string, userId: string): string =>
  ['tenant', part(tenantId), 'user', part(userId)].join(':')

/**
 * The scopes that a change concerns: all of its type, each parent that it has, and each that it had before. What somebody
 * wrote into the log by hand and is none is left out.
 */
export const scopesOf = (
  { names }: Pick<TrackedType, 'names'>,
  scopes: Record<string, unknown> | null,
): Scope[] => [
  {},
  ...Object.entries(scopes ?? {}).flatMap(([column, values]) =>
    Array.isArray(values) ? values.map((value) => ({ [names.fieldOf(column)]: String(value) })) : [],
  ),
]

/** What of a type and of a change says which rooms it concerns. */
type Place = Pick<KnownType, 'type' | 'names' | 'ownTenant'>
interface PlacedChange {
  id: string
  tenantId: string | null
  scopes: Record<string, unknown> | null
}

/** The rooms that a change of this type concerns, the record's own first. */
export const roomsOf = (
  known: Place,
  { id, tenantId: logged, scopes }: PlacedChange,
  lists = true,
): string[] => {
  const { name } = known.type
  const tenantId = known.ownTenant ?? logged ?? ''
  const own = recordRoom(tenantId, name, id)
  return lists ? [own, ...scopesOf(known, scopes).map((scope) => listRoom(tenantId, name, scope))] : [own]
}

/** Whether there is one of them. A change that can't be read is left to its delivery, which logs what is wrong. */
export const concerns = (
  known: Place,
  change: PlacedChange,
  rooms: { has(room: string): boolean },
): boolean => {
  try {
    return roomsOf(known, change).some((room) => rooms.has(room))
  } catch {
    return true
  }
}

/** The ids in the names of this type's record rooms. */
export const recordIdsIn = (rooms: Iterable<string>, tenantId: string, type: string): string[] => {
  const start = recordRoom(tenantId, type, '')
  const ids: string[] = []
  for (const room of rooms) if (room.startsWith(start)) ids.push(decodeURIComponent(room.slice(start.length)))
  return ids
}

/** The list rooms of this type, each with its scope. */
export const listRoomsIn = (rooms: Iterable<string>, tenantId: string, type: string): Map<string, Scope> => {
  const whole = listRoom(tenantId, type)
  const found = new Map<string, Scope>()
  for (const room of rooms) {
    if (room === whole) found.set(room, {})
    else if (room.startsWith(`${whole}:`)) {
      const [column = '', value = ''] = room.slice(whole.length + 1).split('=')
      found.set(room, { [decodeURIComponent(column)]: decodeURIComponent(value) })
    }
  }
  return found
}

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
