// Watched lists: a watcher is admitted at once, and learns whether the list has changed since its cursor; each change of a
// record is authorized by itself when it is sent.
// Invariant: join first, read after. An `unwatch`, a revocation or a disconnect that comes meanwhile wins.

import type { Actor } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import { statement } from '../db/statement.ts'
import { type Cursor, rightsOfCursor } from '../log/cursor.ts'
import { numberOf, overAt } from '../log/log-sql.ts'
import { isReadable } from '../log/read-log.ts'
import type { ListAddress, Scope, WatchedList } from '../protocol/index.ts'
import { isChangedFor } from '../queries/changed-for.ts'
import { needsRecheck } from '../queries/list.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalScope } from '../tables/record-id.ts'
import { tenantOf } from '../tables/tenant.ts'
import type { WatchRequest } from './client-messages.ts'
import { listRoom } from './rooms.ts'
import type { Watcher } from './watchers.ts'

/** How a watcher may be let into rooms. */
export interface WatchOptions {
  /** Rooms that it may be in at most. */
  most: number
  /** Takes in the names of the rooms that it was newly let into. */
  fresh?: string[]
}

/** A change of a list, as `c`. */
const OF_LIST = `${numberOf('c.tenant_id', 'c.table_name')} = ${numberOf('$3::text', '$2::text')} and c.table_name = $2
    and ($3::text is null or c.tenant_id = $3) and ($4::text is null or c.scopes->$4 ? $5)`

const BEHIND = statement(`
select exists (select from noclobber.changes c where c.xid >= (select pg_snapshot_xmax($1::pg_snapshot)) and ${OF_LIST})
  or exists (select from noclobber.changes c where c.xid = any(${overAt('pg_current_snapshot()')}) and ${OF_LIST}) as behind`)

const HERE = statement('select pg_current_snapshot()::text as snapshot, noclobber.epoch() as epoch')

/** A list's entry. */
interface WatchedListRoom {
  list: ListAddress & { scope: Scope }
  admitted: true
  /** It has not been answered yet. */
  isNew: boolean
}

const isBehind = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  cursor: Cursor,
  scope: [string, string] | undefined,
) => {
  if (known.audience && staticPermission(known.openType, actor, 'read') !== null)
    return isChangedFor(database.forActor(actor), known, actor, cursor)
  if (needsRecheck(known, actor)) return true
  const tenant = known.tenantColumn ? actor.tenantId : null
  const [name, value = null] = scope ?? []
  const column = name === undefined ? null : known.names.columnOf(name)
  const [row] = await database.send(BEHIND, [cursor.snapshot, known.source, tenant, column, value])
  return row?.behind === true
}

/** Lets a watcher into the rooms of lists. */
export const watchLists = async (
  database: Database,
  watcher: Watcher,
  asked: WatchRequest['lists'],
  { most, fresh }: WatchOptions,
) => {
  const { actor, watching } = watcher.data
  const joined: string[] = []
  const pendingSubscriptions = asked.map(({ type, scope, cursor }) => {
    const refused = (code: 'not_found' | 'malformed' | 'rate_limited'): WatchedList => ({
      type,
      scope,
      ok: false,
      code,
    })
    const known = database.typeOf(type, actor.tenantId)?.forActor(actor)
    if (!known) return refused('not_found')
    if (Object.keys(scope).some((column) => !known.lists.includes(column))) return refused('malformed')
    // Events go by the values as the log writes them: under another spelling nothing would ever arrive.
    const canonical = canonicalScope(known, scope)
    if (!canonical) return refused('malformed')
    const room = listRoom(tenantOf(known, actor), type, canonical)
    const before = watching.get(room)
    if (!before && watching.size >= most) return refused('rate_limited')
    const watched = (before as WatchedListRoom) ?? { list: { type, scope }, admitted: true, isNew: true }
    if (!before) {
      watching.set(room, watched)
      joined.push(room)
    }
    return { room, watched, known, scope, canonical, cursor }
  })
  if (pendingSubscriptions.length === 0) return []
  if (joined.length > 0) watcher.join(joined)
  const [here] = await database.send(HERE, [])
  const answers: WatchedList[] = []
  for (const entry of pendingSubscriptions) {
    if (!('room' in entry)) {
      answers.push(entry)
      continue
    }
    const { room, watched, known, scope, canonical } = entry
    const cursor = database.cursors.decode(entry.cursor)
    const sameHistory = cursor !== null && cursor.epoch === here?.epoch
    const behind =
      entry.cursor !== undefined &&
      (!sameHistory ||
        rightsOfCursor(entry.cursor) !== known.rights ||
        (await isBehind(database, known, actor, cursor, Object.entries(canonical)[0])) ||
        !(await isReadable(database, cursor)))
    if (!watcher.connected || watching.get(room) !== watched) {
      answers.push({ type: known.type.name, scope, ok: false, code: 'not_found' })
      continue
    }
    if (watched.isNew) fresh?.push(room)
    watched.isNew = false
    answers.push({
      type: known.type.name,
      scope,
      ok: true,
      cursor: database.cursors.encode(here as Cursor, known.rights),
      behind,
    })
  }
  return answers
}
