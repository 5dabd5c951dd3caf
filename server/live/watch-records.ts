// `watch` and `unwatch`: letting a watcher into rooms.
// Invariant: join first, read after, answer with what was read, so that nothing falls between. A watcher that may not read
// a record is out of its room again before the answer, and was sent nothing meanwhile (delivery asks again, with the row in
// hand). An `unwatch`, a revocation or a disconnect that comes while a `watch` is being answered wins.
import { addTo } from '../base/groups.ts'
import type { RecordAddress, WatchAnswer, WatchedRecord } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalId, canonicalScope } from '../tables/record-id.ts'
import { tenantOf } from '../tables/tenant.ts'
import type { WatchRequest } from './client-messages.ts'
import { type RecordState, readStates } from './record-states.ts'
import { listRoom, type RoomEntry, recordRoom, roomEntriesOf } from './rooms.ts'
import { type WatchOptions, watchLists } from './watch-lists.ts'
import { rightsOf, type Watched, type Watcher } from './watchers.ts'

/** A record's entry while it is being asked for. Once that is answered the entry is the one that all watchers share. */
interface PendingSubscription {
  record: RecordAddress
  admitted: boolean
  /** The last message that asks for it. */
  pendingSubscription: symbol
}

/** One record that a message asks for, and its watcher's entry. */
interface AskedRecord {
  /** As the message has it. */
  address: RecordAddress
  known: KnownType
  /** Canonical. */
  id: string
  entry: RoomEntry
  pending: PendingSubscription
}

const refused = (
  { type, id }: RecordAddress,
  code: 'not_found' | 'rate_limited' = 'not_found',
): WatchedRecord => ({ type, id, ok: false, code })

const leave = (watcher: Watcher, room: string) => {
  watcher.data.watching.delete(room)
  watcher.leave(room)
}

const isPending = (watched: Watched | undefined): watched is PendingSubscription =>
  watched?.pendingSubscription !== undefined

/** Joins the rooms of what can be there, and refuses the rest at once; in the message's order. */
const joinRecords = (
  database: Database,
  watcher: Watcher,
  message: symbol,
  addresses: RecordAddress[],
  most: number,
): (AskedRecord | WatchedRecord)[] => {
  const { actor, watching } = watcher.data
  const joined: string[] = []
  const types = new Map<string, { known: KnownType; entryOf(id: string): RoomEntry } | null>()
  const typeOf = (name: string) => {
    const before = types.get(name)
    if (before !== undefined) return before
    const known = database.typeOf(name, actor.tenantId)
    const type = known ? { known, entryOf: roomEntriesOf(tenantOf(known, actor), name) } : null
    types.set(name, type)
    return type
  }
  const asked = addresses.map((address) => {
    const type = typeOf(address.type)
    const id = type && canonicalId(type.known.key.kind, address.id)
    if (!type || id === null) return refused(address)
    const entry = type.entryOf(id)
    const before = watching.get(entry.room)
    if (!before && watching.size >= most) return refused(address, 'rate_limited')
    const pending: PendingSubscription = isPending(before)
      ? before
      : { record: entry.record, admitted: before?.admitted ?? false, pendingSubscription: message }
    pending.pendingSubscription = message
    if (pending !== before) watching.set(entry.room, pending)
    if (!before) joined.push(entry.room)
    return { address, known: type.known, id, entry, pending }
  })
  if (joined.length > 0) watcher.join(joined)
  return asked
}

/** Leaves a room again, unless a later message asks for it or something else has ended the subscription. */
const drop = (watcher: Watcher, message: symbol, { entry, pending }: AskedRecord) => {
  if (watcher.data.watching.get(entry.room) === pending && pending.pendingSubscription === message)
    leave(watcher, entry.room)
}

/** Admits the watcher where the record may be read, and answers; `state` is undefined where it may not. */
const settle = (
  watcher: Watcher,
  message: symbol,
  asked: AskedRecord,
  state: RecordState | undefined,
  fresh: string[] | undefined,
): WatchedRecord => {
  const { address, entry, pending } = asked
  const { watching } = watcher.data
  const now = watching.get(entry.room)
  // An entry that isn't pending is the shared one: a later message has been answered meanwhile.
  const isWatching = watcher.connected && now !== undefined && (now === pending || !isPending(now))
  if (now === pending && !state) drop(watcher, message, asked)
  else if (now === pending && isWatching) {
    if (!pending.admitted) fresh?.push(entry.room)
    pending.admitted = true
    if (pending.pendingSubscription === message) watching.set(entry.room, entry)
  }
  return isWatching && state ? { type: address.type, id: address.id, ok: true, ...state } : refused(address)
}

const watchRecords = async (
  database: Database,
  watcher: Watcher,
  addresses: RecordAddress[],
  { most, fresh }: WatchOptions,
): Promise<WatchedRecord[]> => {
  const message = Symbol('watch')
  const answers = joinRecords(database, watcher, message, addresses, most)
  const idsByType = new Map<KnownType, string[]>()
  for (const answer of answers) {
    if ('known' in answer) addTo(idsByType, answer.known, answer.id)
  }
  const states = new Map<KnownType, Map<string, RecordState>>()
  try {
    for (const [known, ids] of idsByType) states.set(known, await readStates(database, known, watcher, ids))
  } catch (error) {
    for (const answer of answers) if ('known' in answer) drop(watcher, message, answer)
    throw error
  }
  return answers.map((answer) =>
    'known' in answer
      ? settle(watcher, message, answer, states.get(answer.known)?.get(answer.id), fresh)
      : answer,
  )
}

/** Lets a watcher into the rooms that it asks for and may be in. */
export const watch = async (
  database: Database,
  watcher: Watcher,
  { records, lists }: WatchRequest,
  options: WatchOptions,
): Promise<WatchAnswer> => {
  await database.ready(undefined, watcher.data.actor.tenantId)
  const history = database.history()
  const age = database.age()
  watcher.data.rights = rightsOf(database, watcher.data.actor)
  return {
    ...age,
    ...(history && { history }),
    records: await watchRecords(database, watcher, records, options),
    lists: await watchLists(database, watcher, lists, options),
  }
}

/** Takes a watcher out of rooms. Leaving a room that it isn't in does nothing. */
export const unwatch = async (
  database: Database,
  watcher: Watcher,
  request: WatchRequest,
): Promise<WatchAnswer> => {
  await database.ready(undefined, watcher.data.actor.tenantId)
  const { actor } = watcher.data
  for (const { type, id } of request.records) {
    const known = database.typeOf(type, actor.tenantId)
    const canonical = known && canonicalId(known.key.kind, id)
    if (known && canonical) leave(watcher, recordRoom(tenantOf(known, actor), type, canonical))
  }
  for (const { type, scope } of request.lists) {
    const known = database.typeOf(type, actor.tenantId)
    const canonical = known && canonicalScope(known, scope)
    if (canonical) leave(watcher, listRoom(tenantOf(known, actor), type, canonical))
  }
  return { records: [], lists: [] }
}
