// `watch` and `unwatch`: letting a watcher into rooms.
// Invariant: join first, read after, answer with what was read, so that nothing falls between. Whoever may not read is
// out again before the answer, and was told nothing meanwhile (delivery asks again, with the row in hand). An
// `unwatch`, a revocation or a disconnect that comes while a `watch` is being answered wins.
import type { Actor, PermissionRecord } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import type { RecordAddress, WatchAnswer, WatchedRecord } from '../protocol/index.ts'
import { batchedRows, batchedVersions } from '../records/batched-reads.ts'
import { readTombstones } from '../records/read.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalId, canonicalScope } from '../tables/record-id.ts'
import { tenantOf } from '../tables/tenant.ts'
import type { Current } from '../tables/version-sql.ts'
import type { WatchRequest } from './client-messages.ts'
import { type RoomEntry, roomEntriesOf } from './room-entries.ts'
import { listRoom, recordRoom } from './rooms.ts'
import { type WatchOptions, watchLists } from './watch-lists.ts'
import type { Watcher } from './watchers.ts'

/** Tells one `watch` message from others. */
let subscriptionCount = 0

/** A room's entry while it is being asked for. Once it is answered the entry is the record's own, which all share. */
interface PendingSubscription {
  record: RecordAddress
  admitted: boolean
  pendingSubscription: number
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
  roomEntryOf(id: string): RoomEntry
  ids: string[]
  roomEntries: RoomEntry[]
  pendingSubscriptions: PendingSubscription[]
  /** Where in the message. */
  at: number[]
}

const leave = (watcher: Watcher, room: string) => {
  watcher.data.watching.delete(room)
  watcher.leave(room)
}

/** How a record stands: `null` where this person may not read it, `undefined` where it isn't there. */
type Standing = Current | null | undefined

/** How a record that is there stands for this person. */
const standingFor = (
  actor: Actor,
  known: KnownType,
  { current, row }: { current: Current; row: PermissionRecord },
) => (known.mayRead(actor, row) ? current : null)

/** Where permission depends on the record, each is judged with its row in hand. */
const readJudged = async (
  database: Database,
  known: KnownType,
  watcher: Watcher,
  tenantId: string,
  ids: string[],
): Promise<Standing[]> => {
  const found = await batchedRows(database)(known, tenantId, ids)
  return ids.map((id) => {
    const now = found.get(id)
    return now && standingFor(watcher.data.actor, known, now)
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
  const mayReadAll = () => staticPermission(known.type, watcher.data.actor, 'read')
  const tenantId = tenantOf(known, actor)
  const verdict = mayReadAll()
  if (verdict === null) return readJudged(database, known, watcher, tenantId, ids)
  const refused = () => ids.map(() => null)
  if (!verdict) return refused()
  const current = await batchedVersions(database)(known, tenantId, ids)
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
  const tombstones =
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
    const tombstone = now === undefined ? tombstones?.get(canonical) : undefined
    if (!tombstone) return undefined
    const { version, updatedAt: updated_at, updatedBy: updated_by } = tombstone
    return { type, id, ok: true, version, updated_at, updated_by, deleted: true }
  })
}

/** Joins the rooms of what can be there, and refuses the rest at once. */
const requestRecords = (
  database: Database,
  watcher: Watcher,
  asked: RecordAddress[],
  most: number,
  answers: WatchedRecord[],
): { pendingSubscription: number; groups: Group[] } => {
  const { actor, watching } = watcher.data
  subscriptionCount += 1
  const pendingSubscription = subscriptionCount
  const groups = new Map<string, Group>()
  const joined: string[] = []
  const groupOf = (type: string): Group | null => {
    const known = database.typeOf(type)
    if (!known) return null
    const roomEntryOf = roomEntriesOf(tenantOf(known, actor), known.type.name)
    const group = { known, roomEntryOf, ids: [], roomEntries: [], pendingSubscriptions: [], at: [] }
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
    const place = group.roomEntryOf(id)
    const before = watching.get(place.room)
    if (!before && watching.size >= most) {
      answers[at] = { type: address.type, id: address.id, ok: false, code: 'rate_limited' }
      continue
    }
    const pendingSubscriptions: PendingSubscription =
      before?.pendingSubscription === undefined
        ? { record: place.record, admitted: before?.admitted ?? false, pendingSubscription }
        : (before as PendingSubscription)
    pendingSubscriptions.pendingSubscription = pendingSubscription
    if (pendingSubscriptions !== before) watching.set(place.room, pendingSubscriptions)
    if (!before) joined.push(place.room)
    group.ids.push(id)
    group.roomEntries.push(place)
    group.pendingSubscriptions.push(pendingSubscriptions)
    group.at.push(at)
  }
  if (joined.length > 0) watcher.join(joined)
  return { pendingSubscription, groups: [...groups.values()] }
}

const watchRecords = async (
  database: Database,
  watcher: Watcher,
  asked: RecordAddress[],
  { most, fresh }: WatchOptions,
): Promise<WatchedRecord[]> => {
  const { watching } = watcher.data
  const answers: WatchedRecord[] = new Array(asked.length)
  const { pendingSubscription, groups } = requestRecords(database, watcher, asked, most, answers)
  const drop = (room: string, pendingSubscriptions: PendingSubscription) => {
    if (
      watching.get(room) === pendingSubscriptions &&
      pendingSubscriptions.pendingSubscription === pendingSubscription
    )
      leave(watcher, room)
  }
  const read: (WatchedRecord | undefined)[][] = []
  try {
    for (const group of groups) read.push(await readGroup(database, watcher, group, asked))
  } catch (error) {
    for (const { roomEntries, pendingSubscriptions } of groups)
      for (const [n, { room }] of roomEntries.entries())
        drop(room, pendingSubscriptions[n] as PendingSubscription)
    throw error
  }
  for (const [number, { at, roomEntries, pendingSubscriptions: all }] of groups.entries()) {
    for (let n = 0; n < at.length; n += 1) {
      const place = roomEntries[n] as RoomEntry
      const pendingSubscriptions = all[n] as PendingSubscription
      const where = at[n] as number
      const answer = read[number]?.[n]
      const now = watching.get(place.room)
      // Without a wish it is the record's own: a later message has been answered meanwhile.
      const isPendingSubscription =
        watcher.connected &&
        now !== undefined &&
        (now === pendingSubscriptions || now.pendingSubscription === undefined)
      answers[where] = (isPendingSubscription && answer) || refusedRecord(asked[where] as RecordAddress)
      if (now !== pendingSubscriptions) continue
      if (!answer) drop(place.room, pendingSubscriptions)
      else if (isPendingSubscription) {
        if (!pendingSubscriptions.admitted) fresh?.push(place.room)
        pendingSubscriptions.admitted = true
        if (pendingSubscriptions.pendingSubscription === pendingSubscription) watching.set(place.room, place)
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
