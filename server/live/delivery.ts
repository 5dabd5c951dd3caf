// From changes of the log to events at this node's own sockets and streams.
// Invariant: no watcher is sent a record that it may not read at this moment, whatever room it is in: each watcher's
// permission is asked with the record's row. A watcher receives each change once, even where it is in several of its rooms.

import { setGoneAudience } from '../audience/gone-audience.ts'
import type { Actor, PermissionRecord } from '../base/record-type.ts'
import { wereTablesLookedUp } from '../base/table-changes.ts'
import { isUnavailable } from '../db/errors.ts'
import type { FeedBatch } from '../log/feed-batch.ts'
import {
  CHANGES_OF_RECORDS,
  type LargeTransaction,
  largeTransactionParameters,
  readChanges,
} from '../log/large-transactions.ts'
import type { Change, ChangeKey } from '../log/log-reader.ts'
import { mergedByTransaction } from '../log/merged-changes.ts'
import { createTimeSlices } from '../pacing/time-slices.ts'
import type { RecordEventName, WireRecord } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { readRecords, recordFromOldRow } from '../tables/read-records.ts'
import { canonicalId } from '../tables/record-id.ts'
import type { SavedChange } from '../tables/saved-changes.ts'
import { ofOwnTenant } from '../tables/tenant.ts'
import { createEarlyDeliveries } from './early-deliveries.ts'
import { deliverLargeToLists } from './large-transaction-delivery.ts'
import { eventOf } from './record-event.ts'
import { concerns, recordIdsIn, roomsOf } from './rooms.ts'
import { together } from './socket-broadcast.ts'
import {
  type Audience,
  byRights,
  echoOf,
  isWatching,
  isWriters,
  publishWritten,
  publishWrittenTo,
  revoke,
} from './watchers.ts'

const EVENT_NAMES: Record<Change['event'], RecordEventName> = {
  created: 'RecordCreated',
  updated: 'RecordUpdated',
  deleted: 'RecordDeleted',
}

/** A change of a declared type, and the rooms of this node that it goes to. */
interface RoutedChange {
  change: Change
  known: KnownType
  tenantId: string
  recordRoom: string
  rooms: string[]
}

/** Whether a watcher may receive an event of this record, as it is now or was when it was deleted. */
const mayReceive = (actor: Actor, { change, known }: RoutedChange, row: PermissionRecord): boolean =>
  change.event === 'deleted' ? known.mayReadDeleted(actor, row) : known.mayRead(actor, row)

/** Authorization rows, by the database session that they were read in; `undefined` where it sees none. */
type Rows = Map<Database, PermissionRecord | undefined>

/** Changes that are published before others get a turn, where these took long: fewer would cost each connection more writes. */
const STEP = 50

/** Records of a large transaction that are looked up at a time. */
const CHUNK = 500

/** What hands changes to the watchers of one audience. */
export type Delivery = ReturnType<typeof createDelivery>

/** Hands changes to the watchers of one audience. */
export const createDelivery = (database: Database, audience: Audience) => {
  /** One change that can't be handed on costs itself alone. */
  const each = ({ source }: Change, work: () => void) => {
    try {
      work()
    } catch (error) {
      database.skip(error, source, 1)
    }
  }

  /** Rows of one tenant's records; one by one where reading them together fails, unless the database can't be reached. */
  const readTogether = async (
    session: Database,
    known: KnownType,
    tenantId: string,
    ids: string[],
  ): Promise<Map<string, WireRecord>> => {
    try {
      return await readRecords(session, known, ids, { tenantId, toCache: true })
    } catch (error) {
      if (isUnavailable(error)) throw error
      if (await wereTablesLookedUp(error).catch(() => false)) {
        const now = database.typeOfSource(known.source)
        if (now && now !== known) return readTogether(session, now, tenantId, ids)
      }
      const [id, second] = ids
      if (second === undefined) {
        database.skip(error, known.source, id === undefined ? 0 : 1)
        return new Map()
      }
      const parts: [string, WireRecord][] = []
      for (const one of ids) parts.push(...(await readTogether(session, known, tenantId, [one])))
      return new Map(parts)
    }
  }

  const routesOf = (changes: Change[], { lists }: { lists: boolean }): RoutedChange[] => {
    const local = audience.rooms()
    const routedChanges: RoutedChange[] = []
    const look = (logged: Change) => {
      const known = database.typeOfSource(logged.source)
      if (!known || canonicalId(known.key.kind, logged.id) === null || !EVENT_NAMES[logged.event]) return
      const change = ofOwnTenant(known, logged)
      const all = roomsOf(known, change, lists)
      const rooms = all.filter((room) => local.has(room))
      const [own = ''] = all
      if (rooms.length > 0)
        routedChanges.push({ change, known, tenantId: change.tenantId ?? '', recordRoom: own, rooms })
    }
    for (const change of changes) each(change, () => look(change))
    return routedChanges
  }

  /** The database sessions of a change's watchers. */
  const sessionsOf = ({ rooms }: RoutedChange): Set<Database> => {
    if (!database.hasSessions) return new Set([database])
    const local = audience.rooms()
    const ids = new Set(rooms.flatMap((room) => [...(local.get(room) ?? [])]))
    const watchers = [...ids].flatMap((id) => audience.watchers().get(id) ?? [])
    return new Set(watchers.map(({ data }) => database.forActor(data.actor)))
  }

  /** The authorization rows in each session: of deletions as they were, else as they are now. */
  const rowsOf = async (routedChanges: RoutedChange[]): Promise<Map<RoutedChange, Rows>> => {
    const rows = new Map<RoutedChange, Rows>()
    const wanted = new Map<Database, Map<string, RoutedChange[]>>()
    for (const routed of routedChanges) {
      const { change, known, tenantId } = routed
      const type = known.type.name
      const own: Rows = new Map()
      rows.set(routed, own)
      for (const session of sessionsOf(routed)) {
        const seen = session.recordCache.get(tenantId, type, change.id)
        if (change.event === 'deleted') own.set(session, recordFromOldRow(known, change))
        else if (seen && seen.version >= change.version) own.set(session, seen)
        else {
          const key = JSON.stringify([tenantId, type])
          const groups = wanted.get(session) ?? new Map<string, RoutedChange[]>()
          wanted.set(session, groups.set(key, [...(groups.get(key) ?? []), routed]))
        }
      }
    }
    await setDeletedAudiences(rows)
    for (const [session, groups] of wanted)
      for (const group of groups.values()) {
        const [{ known, tenantId }] = group as [RoutedChange]
        const ids = [...new Set(group.map(({ change }) => change.id))]
        const records = await readTogether(session, known, tenantId, ids)
        for (const routed of group) rows.get(routed)?.set(session, records.get(routed.change.id))
      }
    return rows
  }

  /** Whom records were for that are deleted. */
  const setDeletedAudiences = async (all: Map<RoutedChange, Rows>) => {
    for (const [{ change, known }, rows] of all)
      if ((known.audience || known.hasPolicies) && change.event === 'deleted')
        for (const [session, record] of rows)
          if (record) await setGoneAudience(session.send, known, [{ ...change, record }])
  }

  const publish = (routed: RoutedChange, rows: Rows) => {
    const { change, known, rooms, tenantId } = routed
    const local = audience.rooms()
    const name = EVENT_NAMES[change.event]
    const denied = echoOf(audience, change)
    const own: string[] = []
    const verdicts = new Map<object, boolean>()
    for (const room of rooms) {
      for (const id of local.get(room) ?? []) {
        const watcher = audience.watchers().get(id)
        if (!watcher) continue
        if (!isWatching(known, watcher, room, tenantId)) {
          if (!rooms.some((other) => isWatching(known, watcher, other, tenantId))) denied.push(id)
          continue
        }
        const { actor } = watcher.data
        const session = database.forActor(actor)
        const row = rows.get(session)
        if (!row) {
          denied.push(id)
          // Its session has become another one while the rows were read.
          if (!rows.has(session)) watcher.emit('Resync')
          continue
        }
        const verdict = verdicts.get(actor) ?? mayReceive(actor, routed, row)
        verdicts.set(actor, verdict)
        if (verdict) {
          if (
            change.tabId !== null &&
            isWriters(watcher, change) &&
            !denied.includes(id) &&
            !own.includes(id)
          )
            own.push(id)
          continue
        }
        denied.push(id)
        revoke(watcher, [routed.recordRoom])
      }
    }
    if (!known.isGuarded)
      return publishWritten(audience, { rooms, except: denied, own }, name, eventOf(change, known))
    const allowed = new Set(rooms.flatMap((room) => [...(local.get(room) ?? [])]))
    for (const id of denied) allowed.delete(id)
    for (const [view, ids] of byRights(audience, known, allowed))
      publishWrittenTo(audience, { ids, own }, name, eventOf(change, view))
  }

  const publishAll = async (routedChanges: RoutedChange[]) => {
    const rows = await rowsOf(routedChanges)
    const ofChange = (routed: RoutedChange): Rows => rows.get(routed) ?? new Map()
    const readable = routedChanges.filter((routed) => [...ofChange(routed).values()].some(Boolean))
    const publishEach = (some: RoutedChange[]) => {
      for (const routed of some) each(routed.change, () => publish(routed, ofChange(routed)))
    }
    if (readable.length <= 1) return publishEach(readable)
    const slices = createTimeSlices()
    for (let at = 0; at < readable.length; at += STEP) {
      if (at > 0 && slices.isOver()) await slices.rest()
      together(() => publishEach(readable.slice(at, at + STEP)))
    }
  }

  /** Watchers of one of a large transaction's records receive that record's event; only those records are read. */
  const deliverLargeToRecords = async (large: LargeTransaction) => {
    const known = database.typeOfSource(large.source)
    if (!known) return
    const watched = recordIdsIn(
      audience.rooms().keys(),
      ofOwnTenant(known, large).tenantId ?? '',
      known.type.name,
    )
    for (let at = 0; at < watched.length; at += CHUNK) {
      const ids = watched.slice(at, at + CHUNK)
      const rows = await database.send(CHANGES_OF_RECORDS, [...largeTransactionParameters(large), ids])
      await publishAll(routesOf(mergedByTransaction(readChanges(rows)), { lists: false }))
    }
  }

  let early = createEarlyDeliveries()

  return {
    /** The database may have become another one: its changes are none of those that were delivered. */
    forget: (): void => {
      early = createEarlyDeliveries()
    },
    /** The feed has come to a change: does somebody here wait for it? `delivered`: they have it already. */
    wants: (key: ChangeKey): 'whole' | 'delivered' | null => {
      if (audience.watchers().size === 0) return null
      if (early.has(key)) return 'delivered'
      const known = database.typeOfSource(key.source)
      return known && concerns(known, key, audience.rooms()) ? 'whole' : null
    },
    /** Delivers what the feed brings, except what was delivered before. */
    deliver: async ({ changes, largeTransactions }: FeedBatch): Promise<void> => {
      if (audience.watchers().size === 0) return
      const undelivered = changes.filter((change) => !early.pass(change))
      await publishAll(routesOf(mergedByTransaction(undelivered), { lists: true }))
      for (const change of undelivered) early.done(change)
      for (const large of largeTransactions) {
        try {
          await deliverLargeToRecords(large)
          await deliverLargeToLists(database, audience, large)
        } catch (error) {
          if (isUnavailable(error)) throw error
          database.skip(error, large.source, large.count)
        }
      }
    },
    /**
     * Delivers a change that this node has just committed, without waiting for the feed to read it; unless another node's
     * may come before it. `isAlone`: the version before it is old.
     */
    deliverEarly: ({ change, row, isAlone }: SavedChange): void => {
      // Each session has to be asked whether it sees the row: that is the feed's to do.
      if (database.hasSessions || audience.watchers().size === 0) return
      const [routed] = routesOf([change], { lists: true })
      if (!routed || early.isLate(change) || !(isAlone || early.follows(change))) return
      publish(routed, new Map([[database, row]]))
      early.add(change)
    },
  }
}
