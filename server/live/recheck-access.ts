// Permission over time: a sign-in and a join are authorized when they happen, and then rechecked again and again.
// Invariant: who may no longer be here, or no longer read what they watch, is out within one round; who has more than
// their turn in a round takes several, and delays nobody else's.

import { addTo } from '../base/groups.ts'
import type { Authenticate, Logger } from '../base/options.ts'
import type { Actor } from '../base/record-type.ts'
import { createTimeSlices, type TimeSlices } from '../pacing/time-slices.ts'
import type { RevokedEvent } from '../protocol/index.ts'
import { readTombstones } from '../records/read.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { readRecords } from '../tables/read-records.ts'
import { tenantOf } from '../tables/tenant.ts'
import { createRecheckOrder, type WatchedRoom } from './recheck-order.ts'
import { type Audience, revoke, rightsOf, type Watcher } from './watchers.ts'

export interface AccessOptions {
  database: Database
  audience: Audience
  authenticate: Authenticate
  recheckMs: number
  /** Rooms that one round of the timer looks at. */
  recheckRooms: number
  log: Logger
}

/** Looking again at one audience. */
export interface Access {
  /** Looks now, at those who are chosen. What fails is logged. */
  look(isChosen?: (watcher: Watcher) => boolean): Promise<void>
  /** Looks now at what those who are chosen watch, and has them ask again for their lists. */
  refresh(isChosen: (watcher: Watcher) => boolean): void
  /** Ends connections without another look. */
  end(isChosen: (watcher: Watcher) => boolean): void
  /** Stops looking. */
  stop(): void
}

/** Records that one query reads. */
const CHUNK = 200

type Choice = (watcher: Watcher) => boolean

const chosen = ({ audience }: AccessOptions, isChosen: Choice) =>
  [...audience.watchers().values()].filter(isChosen)

/** What differs between two connections of one person. */
const OF_CONNECTION = /^(sec-websocket-.*|connection|upgrade|content-length|last-event-id)$/

/** A request doesn't change, and there are thousands of them. */
const credentials = new WeakMap<object, string>()

/** Everything by which somebody may have signed in: two connections that agree in it are looked up once. */
const credentialsOf = ({ data }: Watcher): string => {
  const { headers, url = '' } = data.request
  const known = credentials.get(data.request)
  if (known !== undefined) return known
  const query = new URLSearchParams(url.split('?')[1])
  for (const name of ['EIO', 'transport', 't', 'sid']) query.delete(name)
  const text = JSON.stringify([
    Object.entries(headers).filter(([name]) => !OF_CONNECTION.test(name)),
    query.toString(),
  ])
  credentials.set(data.request, text)
  return text
}

const end = (watcher: Watcher, why?: Pick<RevokedEvent, 'signed_out'>) => {
  revoke(watcher, [...watcher.data.watching.keys()], why)
  watcher.disconnect(true)
}

/** Who sees other fields than before asks again for what they show: no version says so. */
const renew = (database: Database, watcher: Watcher, actor: Actor) => {
  const { data } = watcher
  data.actor = actor
  if (data.rights === undefined) return
  const rights = rightsOf(database, actor)
  if (rights === data.rights) return
  data.rights = rights
  watcher.emit('Resync')
}

/** Looks at every connection's sign-in again; ends those that have none or belong to another tenant now. */
const recheckActors = async ({ database, authenticate, log }: AccessOptions, watchers: Iterable<Watcher>) => {
  const slices = createTimeSlices()
  const known = new Map<string, Promise<Actor | null>>()
  const failed: unknown[] = []
  for (const watcher of watchers) {
    if (slices.isOver()) await slices.rest()
    const signedInBy = credentialsOf(watcher)
    const looked = known.get(signedInBy) ?? Promise.resolve(watcher.data.request).then(authenticate)
    known.set(signedInBy, looked)
    try {
      const actor = await looked
      const { id, tenantId } = watcher.data.actor
      // Nothing was taken from who has to sign in again: the page keeps what it shows, and what is typed there.
      if (!actor) end(watcher, { signed_out: true })
      else if (actor.id !== id || actor.tenantId !== tenantId) end(watcher)
      else renew(database, watcher, actor)
    } catch (error) {
      failed.push(error)
    }
  }
  const [err] = failed
  if (failed.length > 0)
    log.warn(
      { err, count: failed.length },
      'Sign-ins could not be looked at again: `authenticate` threw. They stay.',
    )
}

interface Watch {
  watcher: Watcher
  room: string
}

type Groups = Map<KnownType, Map<string, Map<string, Watch[]>>>

/** The watched records of these rooms, by database session, type and tenant. */
const recordsIn = (database: Database, rooms: Iterable<WatchedRoom>): Map<Database, Groups> => {
  const sessions = new Map<Database, Groups>()
  for (const { watcher, room, watched } of rooms) {
    const { tenantId: ofActor } = watcher.data.actor
    const known = 'record' in watched ? database.typeOf(watched.record.type, ofActor) : undefined
    if (!known || !('record' in watched)) continue
    const session = database.forActor(watcher.data.actor)
    const groups: Groups = sessions.get(session) ?? new Map()
    sessions.set(session, groups)
    const tenants = groups.get(known) ?? new Map<string, Map<string, Watch[]>>()
    groups.set(known, tenants)
    const tenantId = tenantOf(known, watcher.data.actor)
    const ids = tenants.get(tenantId) ?? new Map<string, Watch[]>()
    tenants.set(tenantId, ids)
    const watches = ids.get(watched.record.id) ?? []
    ids.set(watched.record.id, watches)
    watches.push({ watcher, room })
  }
  return sessions
}

/**
 * Records that aren't there were deleted, which those who could read them may know; or they are another tenant's now, which
 * nobody here may. One query for each person.
 */
const recheckGone = async (
  database: Database,
  known: KnownType,
  watches: Map<string, Watch[]>,
  gone: Iterable<string>,
) => {
  const byActor = new Map<Actor, [id: string, Watch][]>()
  for (const id of gone)
    for (const watch of watches.get(id) ?? []) addTo(byActor, watch.watcher.data.actor, [id, watch])
  for (const [actor, own] of byActor) {
    const ids = [...new Set(own.map(([id]) => id))]
    const tombstones = await readTombstones(database, { known, actor, transaction: undefined }, ids)
    for (const [id, { watcher, room }] of own) if (!tombstones.has(id)) revoke(watcher, [room])
  }
}

/** Looks at some watched records of one type and tenant by their authorization rows: one query. */
const recheckChunk = async (
  database: Database,
  {
    known,
    tenantId,
    watches,
    ids,
  }: { known: KnownType; tenantId: string; watches: Map<string, Watch[]>; ids: string[] },
  slices: TimeSlices,
) => {
  const isSince = database.recordCache.mark()
  const records = await readRecords(database, known, ids, { tenantId })
  for (const record of records.values()) {
    if (slices.isOver()) await slices.rest()
    const verdicts = new Map<Actor, boolean>()
    for (const { watcher, room } of watches.get(record.id) ?? []) {
      const { actor } = watcher.data
      const verdict = verdicts.get(actor) ?? known.mayRead(actor, record)
      verdicts.set(actor, verdict)
      if (verdict) continue
      // A watcher that asks to be let in again must not be authorized by an older row.
      database.recordCache.put(tenantId, record, isSince)
      revoke(watcher, [room])
    }
  }
  const gone = ids.filter((id) => !records.has(id))
  await recheckGone(database, known, watches, gone)
}

/** Looks at watched records, some at a time. */
const recheckRecords = async (database: Database, groups: Groups) => {
  const slices = createTimeSlices()
  for (const [known, tenants] of groups)
    for (const [tenantId, watches] of tenants) {
      const all = [...watches.keys()]
      for (let at = 0; at < all.length; at += CHUNK)
        await recheckChunk(database, { known, tenantId, watches, ids: all.slice(at, at + CHUNK) }, slices)
    }
}

/** Rechecks every `recheckMs` until stopped. A round that fails is logged, and the next one tries again. */
export const recheckAccess = (options: AccessOptions): Access => {
  const { database, log, recheckRooms } = options
  let busy = false
  const inTurns = createRecheckOrder()
  const look = async (watchers: Iterable<Watcher>, rooms: () => Iterable<WatchedRoom>, isActors = true) => {
    try {
      if (isActors) await recheckActors(options, watchers)
      for (const [session, groups] of recordsIn(database, rooms())) await recheckRecords(session, groups)
    } catch (error) {
      log.warn({ err: error }, 'Permissions could not be looked at again.')
    }
  }
  const round = async () => {
    if (busy) return
    busy = true
    const all = () => options.audience.watchers().values()
    await look(inTurns.watchers(all(), credentialsOf), () => inTurns.rooms(all(), recheckRooms))
    busy = false
  }
  const timer = setInterval(round, options.recheckMs)
  timer.unref()
  return {
    look: async (isChosen = () => true) => {
      const watchers = chosen(options, isChosen)
      await look(watchers, () => createRecheckOrder().rooms(watchers, Number.POSITIVE_INFINITY))
    },
    refresh: (isChosen) => {
      const watchers = chosen(options, isChosen)
      const rooms = () => createRecheckOrder().rooms(watchers, Number.POSITIVE_INFINITY)
      look(watchers, rooms, false).finally(() => {
        for (const watcher of watchers) if (watcher.data.watching.size > 0) watcher.emit('Resync')
      })
    },
    end: (isChosen) => {
      for (const watcher of chosen(options, isChosen)) end(watcher)
    },
    stop: () => clearInterval(timer),
  }
}
