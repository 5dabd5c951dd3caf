// `watch` and `unwatch`: letting a watcher into rooms.
// Invariant: join first, read after, answer with what was read, so that nothing falls between. Whoever may not read is
// out again before the answer, and was told nothing meanwhile (delivery asks again, with the row in hand). An
// `unwatch`, a revocation or a disconnect that comes while a `watch` is being answered wins.
import { blindVerdict } from './blind-verdict.ts'
import type { Cursor } from './cursor.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { Database, KnownType } from './db/database.ts'
import { canonicalId } from './db/identity.ts'
import { statement } from './db/statement.ts'
import type { WatchRequest } from './frames.ts'
import { gatheredReads, gatheredVersions } from './gathered-reads.ts'
import { isReadable } from './list-delta.ts'
import { needsRecheck } from './lists.ts'
import type { RecordAddress, WatchAnswer, WatchedList, WatchedRecord, WireRecord } from './protocol.ts'
import { readTombstones, tenantOf } from './read.ts'
import type { Actor } from './record-type.ts'
import { listRoom, recordRoom } from './rooms.ts'
import type { Watched, Watcher } from './watchers.ts'

const BEHIND = statement(`
select exists (
  select from noclobber.record_changes c
  where (c.xid >= pg_snapshot_xmax($1::pg_snapshot) or c.xid = any(array(select pg_snapshot_xip($1::pg_snapshot))))
    and c.table_name = $2 and ($3::text is null or c.tenant_id = $3) and ($4::text is null or c.scopes->$4 ? $5)) as behind`)

const HERE = statement('select pg_current_snapshot()::text as snapshot, noclobber.epoch() as epoch')

/** One room that is being asked for. The entry tells whether the watcher still wants it after an await. */
interface Wish {
  room: string
  watched: Watched
  /** Tells this wish from others for the same room. */
  number: number
}

/** By entry, the last wish for its room: only that one's refusal takes the room away. */
const lastWishes = new WeakMap<Watched, number>()
let wishCount = 0

const wish = (watcher: Watcher, room: string, wanted: Watched): Wish => {
  const watched = watcher.data.watching.get(room) ?? wanted
  wishCount += 1
  watcher.data.watching.set(room, watched)
  lastWishes.set(watched, wishCount)
  watcher.join(room)
  return { room, watched, number: wishCount }
}

const stillWished = (watcher: Watcher, { room, watched }: Wish) =>
  watcher.connected && watcher.data.watching.get(room) === watched

const drop = (watcher: Watcher, wished: Wish) => {
  if (watcher.data.watching.get(wished.room) !== wished.watched) return
  if (lastWishes.get(wished.watched) !== wished.number) return
  watcher.data.watching.delete(wished.room)
  watcher.leave(wished.room)
}

const refusedRecord = ({ type, id }: RecordAddress): WatchedRecord => ({
  type,
  id,
  ok: false,
  code: 'not_found',
})

type KnownWish = Wish & { known: KnownType; id: string; asked: RecordAddress }

type Current = Pick<WireRecord, 'version' | 'updated_at' | 'updated_by'>

/** How those of the records stand that this person may read, and which aren't there; a gathered query for all askers. */
const readCurrent = async (database: Database, known: KnownType, watcher: Watcher, ids: string[]) => {
  const { actor } = watcher.data
  const mayReadAll = () => blindVerdict(known.type as never, watcher.data.actor, 'read')
  const tenantId = tenantOf(known as never, actor)
  const readable = new Map<string, Current>()
  const verdict = mayReadAll()
  if (verdict === true) {
    const rows = await gatheredVersions(database)(known, tenantId, ids)
    if (watcher.data.actor !== actor && mayReadAll() !== true) return { readable, gone: [] }
    for (const id of ids) {
      const row = rows.get(id)
      if (!row) continue
      const { noclobber_version: version, noclobber_updated_at: updated_at } = row
      readable.set(id, { version: Number(version), updated_at, updated_by: row.noclobber_updated_by ?? null })
    }
    return { readable, gone: ids.filter((id) => !readable.has(id)) }
  }
  if (verdict === false) return { readable, gone: [] }
  const records = await gatheredReads(database)(known, tenantId, ids)
  for (const id of ids) {
    const record = records.get(id)
    if (record && known.mayRead(watcher.data.actor, record)) readable.set(id, record)
  }
  return { readable, gone: ids.filter((id) => !records.has(id)) }
}

const answerRecords = async (database: Database, watcher: Watcher, wishes: KnownWish[]) => {
  const answers = new Map<KnownWish, WatchedRecord>()
  const byType = new Map<KnownType, KnownWish[]>()
  for (const wished of wishes) {
    const group = byType.get(wished.known)
    if (group) group.push(wished)
    else byType.set(wished.known, [wished])
  }
  for (const [known, group] of byType) {
    const wanted = new Set<string>()
    for (const { id } of group) wanted.add(id)
    const { readable, gone } = await readCurrent(database, known, watcher, [...wanted])
    const graves =
      gone.length > 0
        ? await readTombstones(database, { known, actor: watcher.data.actor, transaction: undefined }, gone)
        : null
    for (const wished of group) {
      const { type, id } = wished.asked
      const now = readable.get(wished.id)
      const grave = graves?.get(wished.id)
      if (now) {
        const { version, updated_at, updated_by } = now
        answers.set(wished, { type, id, ok: true, version, updated_at, updated_by, deleted: false })
      } else if (grave) {
        const { version, updatedAt: updated_at, updatedBy: updated_by } = grave
        answers.set(wished, { type, id, ok: true, version, updated_at, updated_by, deleted: true })
      } else answers.set(wished, refusedRecord(wished.asked))
    }
  }
  return answers
}

const watchRecords = async (database: Database, watcher: Watcher, asked: RecordAddress[], most: number) => {
  const { actor } = watcher.data
  const wishes = asked.map((address): KnownWish | WatchedRecord => {
    const known = database.typeOf(address.type)
    const id = known && canonicalId(known.key.kind, address.id)
    if (!known || id === null || id === undefined) return refusedRecord(address)
    const room = recordRoom(tenantOf(known as never, actor), known.type.name, id)
    if (!watcher.data.watching.has(room) && watcher.data.watching.size >= most) {
      return { type: address.type, id: address.id, ok: false, code: 'rate_limited' }
    }
    const wished = wish(watcher, room, { record: { type: known.type.name, id } })
    return Object.assign(wished, { known, id, asked: address })
  })
  const pending = wishes.filter((entry): entry is KnownWish => 'room' in entry)
  const forget = () => {
    for (const entry of pending) drop(watcher, entry)
  }
  const answers = await answerRecords(database, watcher, pending).catch((error) => {
    forget()
    throw error
  })
  return wishes.map((entry): WatchedRecord => {
    if (!('room' in entry)) return entry
    const answer = answers.get(entry) ?? refusedRecord(entry.asked)
    if (!stillWished(watcher, entry)) return refusedRecord(entry.asked)
    if (answer.ok) entry.watched.admitted = true
    else drop(watcher, entry)
    return answer
  })
}

const isBehind = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  cursor: Cursor,
  scope: [string, string] | undefined,
) => {
  const tenant = known.tenantColumn ? actor.tenantId : null
  const [column = null, value = null] = scope ?? []
  const [row] = await database.send(BEHIND, [cursor.snapshot, known.source, tenant, column, value])
  return row?.behind === true
}

const watchLists = async (
  database: Database,
  watcher: Watcher,
  asked: WatchRequest['lists'],
  most: number,
) => {
  const { actor } = watcher.data
  const wishes = asked.map(({ type, scope, cursor }) => {
    const refused = (code: 'not_found' | 'malformed' | 'rate_limited'): WatchedList => ({
      type,
      scope,
      ok: false,
      code,
    })
    const known = database.typeOf(type)
    if (!known) return refused('not_found')
    if (Object.keys(scope).some((column) => !known.lists.includes(column))) return refused('malformed')
    const room = listRoom(tenantOf(known as never, actor), type, scope)
    if (!watcher.data.watching.has(room) && watcher.data.watching.size >= most) return refused('rate_limited')
    return { ...wish(watcher, room, { list: { type, scope }, admitted: true }), known, scope, cursor }
  })
  if (wishes.length === 0) return []
  const [here] = await database.send(HERE, [])
  const answers: WatchedList[] = []
  for (const entry of wishes) {
    if (!('room' in entry)) {
      answers.push(entry)
      continue
    }
    const { known, scope } = entry
    const cursor = decodeCursor(entry.cursor)
    const sameHistory = cursor !== null && cursor.epoch === here?.epoch
    const behind =
      entry.cursor !== undefined &&
      (!sameHistory ||
        needsRecheck(known as never, actor) ||
        (await isBehind(database, known, actor, cursor, Object.entries(scope)[0])) ||
        !(await isReadable(database, cursor)))
    if (!stillWished(watcher, entry))
      answers.push({ type: known.type.name, scope, ok: false, code: 'not_found' })
    else
      answers.push({ type: known.type.name, scope, ok: true, cursor: encodeCursor(here as Cursor), behind })
  }
  return answers
}

/** Lets a watcher into the rooms that it asks for and may be in. At most `most` rooms in all. */
export const watch = async (
  database: Database,
  watcher: Watcher,
  { records, lists }: WatchRequest,
  most: number,
): Promise<WatchAnswer> => {
  await database.ready()
  return {
    records: await watchRecords(database, watcher, records, most),
    lists: await watchLists(database, watcher, lists, most),
  }
}

/** Takes a watcher out of rooms. A room that it isn't in is as well left. */
export const unwatch = async (
  database: Database,
  watcher: Watcher,
  request: WatchRequest,
): Promise<WatchAnswer> => {
  await database.ready()
  const { actor, watching } = watcher.data
  const leave = (room: string) => {
    watching.delete(room)
    watcher.leave(room)
  }
  for (const { type, id } of request.records) {
    const known = database.typeOf(type)
    const canonical = known && canonicalId(known.key.kind, id)
    if (known && canonical) leave(recordRoom(tenantOf(known as never, actor), type, canonical))
  }
  for (const { type, scope } of request.lists) {
    const known = database.typeOf(type)
    if (known) leave(listRoom(tenantOf(known as never, actor), type, scope))
  }
  return { records: [], lists: [] }
}
