// One `RecordsImported` to lists for a large transaction, instead of an event a record.
// Invariant: no user learns that a record changed which they may not read, nor how many there are. A user whose permission
// holds for every record of the type is sent all; one whose permission depends on the record is sent only those of their
// lists in which a record was found that they may read, and never a count.
import { setImmediate as giveWay } from 'node:timers/promises'
import { setGoneAudience } from '../audience/gone-audience.ts'
import type { Actor } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import {
  LARGE_TRANSACTION_PAGE,
  LARGE_TRANSACTION_PARENTS,
  type LargeTransaction,
  largeTransactionParameters,
  readChanges,
} from '../log/large-transactions.ts'
import type { ImportEvent, Scope } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { readRecords, recordFromOldRow } from '../tables/read-records.ts'
import { canonicalId } from '../tables/record-id.ts'
import { ofOwnTenant } from '../tables/tenant.ts'
import { listRoom, listRoomsIn, scopesOf } from './rooms.ts'
import { type Audience, echoOf, isWatching, isWriters, publishWritten } from './watchers.ts'

const PAGE = 500
/** Where the next page is, if its changes were made by one statement and so have numbers one after the other. */
const NEAR = 2_000n
const END = String(2n ** 63n - 1n)
const MAX_SCOPES = 10

/** As the log has it, which names no tenant where a schema does. */
const parametersOf = ({ ownTenant }: KnownType, large: LargeTransaction) =>
  largeTransactionParameters(ownTenant === null ? large : { ...large, tenantId: null })

/** The rooms of this node that a large transaction concerns, and the scopes that its event names. */
const listsOf = async (
  database: Database,
  known: KnownType,
  large: LargeTransaction,
  local: Map<string, Scope>,
) => {
  const watched = [...local.values()].flatMap((scope) => Object.entries(scope))
  const whole = listRoom(large.tenantId ?? '', known.type.name)
  const rooms = local.has(whole) ? [whole] : []
  if (known.lists.length === 0) return { rooms, scopes: [{}] as Scope[] }
  const parents = await database.send(LARGE_TRANSACTION_PARENTS, [
    ...parametersOf(known, large),
    watched.map(([name]) => known.names.columnOf(name)),
    watched.map(([, value]) => value),
  ])
  const shown: Scope[] = []
  for (const { name, value, watched } of parents) {
    const scope = { [known.names.fieldOf(name)]: value }
    if (watched) rooms.push(listRoom(large.tenantId ?? '', known.type.name, scope))
    else shown.push(scope)
  }
  return { rooms, scopes: shown.length > MAX_SCOPES ? [{}] : [{}, ...shown] }
}

/** A large transaction's changes page by page, each with the row by which it is authorized. */
async function* authorizedChanges(database: Database, known: KnownType, large: LargeTransaction) {
  const pageAfter = async (after: string) => {
    const read = (upTo: string) =>
      database.send(LARGE_TRANSACTION_PAGE, [...parametersOf(known, large), after, PAGE, upTo])
    const near = await read(String(BigInt(after) + NEAR))
    return near.length === PAGE ? near : read(END)
  }
  for (let after = '0'; ; ) {
    const rows = await pageAfter(after)
    const changes = readChanges(rows)
    const kept = changes.flatMap(({ event, id }) =>
      event === 'deleted' || canonicalId(known.key.kind, id) === null ? [] : [id],
    )
    const records = await readRecords(database, known, kept, { tenantId: large.tenantId })
    const pairs = changes.flatMap((change) => {
      const record = change.event === 'deleted' ? recordFromOldRow(known, change) : records.get(change.id)
      return record ? { change, record } : []
    })
    const deletions = pairs.filter(({ change }) => change.event === 'deleted')
    await setGoneAudience(
      database.send,
      known,
      deletions.map(({ change: { id, version }, record }) => ({ id, version, record })),
    )
    yield* pairs
    const last = changes.at(-1)
    if (!last || changes.length < PAGE) return
    after = last.seq
    await giveWay()
  }
}

/** What an actor may learn of a large transaction: in which of the rooms, and how many records where that is known. */
interface ReadablePart {
  rooms: Set<string>
  /** Of a type for an audience whose members may read all that is theirs; `null` of other types. */
  count: number | null
}

/** By actor, those of the rooms in which a record changed that the actor may read. Ends as soon as all is known. */
const readableRooms = async (
  database: Database,
  known: KnownType,
  large: LargeTransaction,
  wanted: Map<Actor, Set<string>>,
) => {
  const isCounted = (actor: Actor) =>
    known.audience !== null && staticPermission(known.openType, actor, 'read') === true
  const readable = new Map(
    [...wanted.keys()].map((actor): [Actor, ReadablePart] => [
      actor,
      { rooms: new Set(), count: isCounted(actor) ? 0 : null },
    ]),
  )
  const open = new Map([...wanted].map(([actor, rooms]) => [actor, new Set(rooms)]))
  for await (const { change, record } of authorizedChanges(database, known, large)) {
    const rooms = scopesOf(known, change.scopes).map((scope) =>
      listRoom(large.tenantId ?? '', known.type.name, scope),
    )
    for (const [actor, left] of open) {
      const part = readable.get(actor) as ReadablePart
      const asked = rooms.filter((room) => left.has(room))
      const isReadable = change.event === 'deleted' ? known.mayReadDeleted : known.mayRead
      if ((asked.length === 0 && part.count === null) || !isReadable(actor, record)) continue
      for (const room of asked) {
        left.delete(room)
        part.rooms.add(room)
      }
      if (part.count !== null) part.count += 1
      else if (left.size === 0) open.delete(actor)
    }
    if (open.size === 0) break
  }
  return readable
}

/** The same, by each actor's database session. */
const readableInSessions = async (
  database: Database,
  known: KnownType,
  large: LargeTransaction,
  wanted: Map<Actor, Set<string>>,
) => {
  const sessions = new Map<Database, Map<Actor, Set<string>>>()
  for (const [actor, rooms] of wanted) {
    const session = database.forActor(actor)
    sessions.set(session, (sessions.get(session) ?? new Map<Actor, Set<string>>()).set(actor, rooms))
  }
  const readable = new Map<Actor, ReadablePart>()
  for (const [session, own] of sessions)
    for (const [actor, part] of await readableRooms(session, known, large, own)) readable.set(actor, part)
  return readable
}

/** Sends this node's list watchers a large transaction's event. */
export const deliverLargeToLists = async (
  database: Database,
  audience: Audience,
  logged: LargeTransaction,
): Promise<void> => {
  const known = database.typeOfSource(logged.source)
  if (!known) return
  const large = ofOwnTenant(known, logged)
  const local = listRoomsIn(audience.rooms().keys(), large.tenantId ?? '', known.type.name)
  if (local.size === 0) return
  const { rooms, scopes } = await listsOf(database, known, large, local)

  const event: ImportEvent = {
    tenant_id: large.tenantId,
    type: known.type.name,
    scopes,
    count: large.count,
    import_id: large.importId ?? large.xid,
    updated_at: large.updatedAt,
    updated_by: large.updatedBy,
    tab_id: large.tabId,
  }
  const except = echoOf(audience, large)
  const [echo] = except
  const own: string[] = []
  const verdicts = new Map<Actor, boolean | null>()
  const wanted = new Map<Actor, Set<string>>()
  const unsure = new Map<string, Actor>()
  for (const room of rooms) {
    for (const id of audience.rooms().get(room) ?? []) {
      const watcher = audience.watchers().get(id)
      if (!watcher || id === echo) continue
      if (!isWatching(known, watcher, room, large.tenantId ?? '')) {
        if (!rooms.some((other) => isWatching(known, watcher, other, large.tenantId ?? ''))) except.push(id)
        continue
      }
      const { actor } = watcher.data
      const before = verdicts.get(actor)
      const verdict = before === undefined ? staticPermission(known.type, actor, 'read') : before
      verdicts.set(actor, verdict)
      if (verdict === true) {
        if (large.tabId !== null && isWriters(watcher, large) && !own.includes(id)) own.push(id)
        continue
      }
      except.push(id)
      if (verdict === false) continue
      unsure.set(id, actor)
      wanted.set(actor, (wanted.get(actor) ?? new Set()).add(room))
    }
  }
  if (rooms.length > 0) publishWritten(audience, { rooms, except, own }, 'RecordsImported', event)
  if (wanted.size === 0) return

  const readable = await readableInSessions(database, known, large, wanted)
  for (const [id, actor] of unsure) {
    const watcher = audience.watchers().get(id)
    const { rooms: readableOf = [], count = null } = readable.get(actor) ?? {}
    const changed = [...readableOf].filter(
      (room) => watcher && isWatching(known, watcher, room, large.tenantId ?? ''),
    )
    if (!watcher || changed.length === 0) continue
    const seen = changed.flatMap((room): Scope[] => [local.get(room) ?? {}])
    const tab_id = isWriters(watcher, large) ? event.tab_id : null
    watcher.emit('RecordsImported', { ...event, scopes: seen, count, tab_id })
  }
}
