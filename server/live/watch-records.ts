// `watch` and `unwatch`: letting a watcher into rooms.
// Invariant: join first, read after, answer with what was read, so that nothing falls between. Whoever may not read is
// out again before the answer, and was told nothing meanwhile (delivery asks again, with the row in hand). An
// `unwatch`, a revocation or a disconnect that comes while a `watch` is being answered wins.
import { blindVerdict } from '../base/static-permission.ts'
import type { RecordAddress, WatchAnswer, WatchedRecord } from '../protocol/index.ts'
import { gatheredJudged, gatheredVersions } from '../records/batched-reads.ts'
import { readTombstones, tenantOf } from '../records/read.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalId, canonicalScope } from '../tables/record-id.ts'
import type { Current } from '../tables/version-sql.ts'
import type { WatchRequest } from './client-messages.ts'
import { type Place, placesOf } from './room-entries.ts'
import { listRoom, recordRoom } from './rooms.ts'
import { type WatchOptions, watchLists } from './watch-lists.ts'
import type { Watcher } from './watchers.ts'

/** Tells one `watch` message from others. */
let wishCount = 0

/** A room's entry while it is being asked for. Once it is answered the entry is the record's own, which all share. */
interface Wished {
  record: RecordAddress
  admitted: boolean
  wish: number
}

const refusedRecord = ({ type, id }: RecordAddress): WatchedRecord => ({
  type,
  id,
  ok: false,
  code: 'not_found',
})

/** What one message asks for of one type; the n-th of each belong together. */
interface Group {
  known: KnownType
  placeOf(id: string): Place
  ids: string[]
  places: Place[]
  wished: Wished[]
  /** Where in the message. */
  at: number[]
}

const leave = (watcher: Watcher, room: string) => {
  watcher.data.watching.delete(room)
  watcher.leave(room)
}

/** How a record stands: `null` where this person may not read it, `undefined` where it isn't there. */
type Standing = Current | null | undefined

/** Where permission depends on the record, each is judged with its row in hand. */
const readJudged = async (
  database: Database,
  known: KnownType,
  watcher: Watcher,
  tenantId: string,
  ids: string[],
): Promise<Standing[]> => {
  const found = await gatheredJudged(database)(known, tenantId, ids)
  return ids.map((id) => {
    const now = found.get(id)
    if (!now) return undefined
    const { current, row } = now
    if (!known.mayRead(watcher.data.actor, row)) return null
    return current
  })
}

/** How the records stand, in their order; a gathered query for all askers. */
const readCurrent = async (
  database: Database,
  known: KnownType,
  watcher: Watcher,
  ids: string[],
): Promise<Standing[]> => {
  const { actor } = watcher.data
  const mayReadAll = () => blindVerdict(known.type, watcher.data.actor, 'read')
  const tenantId = tenantOf(known, actor)
  const verdict = mayReadAll()
  if (verdict === null) return readJudged(database, known, watcher, tenantId, ids)
  const refused = () => ids.map(() => null)
  if (!verdict) return refused()
  const current = await gatheredVersions(database)(known, tenantId, ids)
  if (watcher.data.actor !== actor && mayReadAll() !== true) return refused()
  return ids.map((id) => current.get(id))
}

/** Answers in the order of the group's records; `undefined` where one isn't there or may not be read. */
const readGroup = async (
  database: Database,
  watcher: Watcher,
  { known, ids, at }: Group,
  asked: RecordAddress[],
): Promise<(WatchedRecord | undefined)[]> => {
  const standing = await readCurrent(database, known, watcher, ids)
  const gone = ids.filter((_, n) => standing[n] === undefined)
  const graves =
    gone.length > 0
      ? await readTombstones(database, { known, actor: watcher.data.actor, transaction: undefined }, gone)
      : null
  return ids.map((canonical, n) => {
    const { type, id } = asked[at[n] as number] as RecordAddress
    const now = standing[n]
    if (now) {
      const { version, updated_at, updated_by } = now
      return { type, id, ok: true, version, updated_at, updated_by, deleted: false }
    }
    const grave = now === undefined ? graves?.get(canonical) : undefined
    if (!grave) return undefined
    const { version, updatedAt: updated_at, updatedBy: updated_by } = grave
    return { type, id, ok: true, version, updated_at, updated_by, deleted: true }
  })
}

/** Joins the rooms of what can be there, and refuses the rest at once. */
const wishForRecords = (
  database: Database,
  watcher: Watcher,
  asked: RecordAddress[],
  most: number,
  answers: WatchedRecord[],
): { wish: number; groups: Group[] } => {
  const { actor, watching } = watcher.data
  wishCount += 1
  const wish = wishCount
  const groups = new Map<string, Group>()
  const joined: string[] = []
  const groupOf = (type: string): Group | null => {
    const known = database.typeOf(type)
    if (!known) return null
    const placeOf = placesOf(tenantOf(known, actor), known.type.name)
    const group = { known, placeOf, ids: [], places: [], wished: [], at: [] }
    groups.set(type, group)
    return group
  }
  for (let at = 0; at < asked.length; at += 1) {
    const address = asked[at] as RecordAddress
    const group = groups.get(address.type) ?? groupOf(address.type)
    const id = group && canonicalId(group.known.key.kind, address.id)
    if (!group || id === null) {
      answers[at] = refusedRecord(address)
      continue
    }
    const place = group.placeOf(id)
    const before = watching.get(place.room)
    if (!before && watching.size >= most) {
      answers[at] = { type: address.type, id: address.id, ok: false, code: 'rate_limited' }
      continue
    }
    const wished: Wished =
      before?.wish === undefined
        ? { record: place.record, admitted: before?.admitted ?? false, wish }
        : (before as Wished)
    wished.wish = wish
    if (wished !== before) watching.set(place.room, wished)
    if (!before) joined.push(place.room)
    group.ids.push(id)
    group.places.push(place)
    group.wished.push(wished)
    group.at.push(at)
  }
  if (joined.length > 0) watcher.join(joined)
  return { wish, groups: [...groups.values()] }
}

const watchRecords = async (
  database: Database,
  watcher: Watcher,
  asked: RecordAddress[],
  { most, fresh }: WatchOptions,
): Promise<WatchedRecord[]> => {
  const { watching } = watcher.data
  const answers: WatchedRecord[] = new Array(asked.length)
  const { wish, groups } = wishForRecords(database, watcher, asked, most, answers)
  const drop = (room: string, wished: Wished) => {
    if (watching.get(room) === wished && wished.wish === wish) leave(watcher, room)
  }
  const read: (WatchedRecord | undefined)[][] = []
  try {
    for (const group of groups) read.push(await readGroup(database, watcher, group, asked))
  } catch (error) {
    for (const { places, wished } of groups)
      for (const [n, { room }] of places.entries()) drop(room, wished[n] as Wished)
    throw error
  }
  for (const [number, { at, places, wished: all }] of groups.entries()) {
    for (let n = 0; n < at.length; n += 1) {
      const place = places[n] as Place
      const wished = all[n] as Wished
      const where = at[n] as number
      const answer = read[number]?.[n]
      const now = watching.get(place.room)
      // Without a wish it is the record's own: a later message has been answered meanwhile.
      const isWished = watcher.connected && now !== undefined && (now === wished || now.wish === undefined)
      answers[where] = (isWished && answer) || refusedRecord(asked[where] as RecordAddress)
      if (now !== wished) continue
      if (!answer) drop(place.room, wished)
      else if (isWished) {
        if (!wished.admitted) fresh?.push(place.room)
        wished.admitted = true
        if (wished.wish === wish) watching.set(place.room, place)
      }
    }
  }
  return answers
}

/** Lets a watcher into the rooms that it asks for and may be in. */
export const watch = async (
  database: Database,
  watcher: Watcher,
  { records, lists }: WatchRequest,
  options: WatchOptions,
): Promise<WatchAnswer> => {
  await database.ready()
  return {
    records: await watchRecords(database, watcher, records, options),
    lists: await watchLists(database, watcher, lists, options),
  }
}

/** Takes a watcher out of rooms. A room that it isn't in is as well left. */
export const unwatch = async (
  database: Database,
  watcher: Watcher,
  request: WatchRequest,
): Promise<WatchAnswer> => {
  await database.ready()
  const { actor } = watcher.data
  for (const { type, id } of request.records) {
    const known = database.typeOf(type)
    const canonical = known && canonicalId(known.key.kind, id)
    if (known && canonical) leave(watcher, recordRoom(tenantOf(known, actor), type, canonical))
  }
  for (const { type, scope } of request.lists) {
    const known = database.typeOf(type)
    const canonical = known && canonicalScope(known, scope)
    if (canonical) leave(watcher, listRoom(tenantOf(known, actor), type, canonical))
  }
  return { records: [], lists: [] }
}
