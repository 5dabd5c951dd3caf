// Reads of many askers at one moment, in one query: a herd that comes back joins thousands of rooms within a second,
// and hundreds of pages poll one node.
// Invariant: a read is sent after everything that was done before it was asked for, so a room that was joined first is
// still answered with a version that misses nothing.
import type { Database, KnownType } from './db/database.ts'
import type { Row, Statement } from './db/statement.ts'
import type { WireRecord } from './protocol.ts'
import type { Actor } from './record-type.ts'
import { type Current, currentOf } from './version-sql.ts'

/** Reads by ids; what isn't there is left out. */
export type ReadMany<Found> = (
  known: KnownType<never>,
  tenantId: string,
  ids: string[],
) => Promise<Map<string, Found>>

/** How reads of one kind are gathered. */
interface Kind<Found> {
  /** Waits for others to ask for the same. */
  gather(send: () => void): unknown
  statement(known: KnownType<never>): Statement
  found(database: Database<never>, known: KnownType<never>, tenantId: string, row: Row): Found
}

const MOST_IDS = 1_000
/** Queries for one tenant's records of a type at a time: while these are answered, what else is asked becomes one more. */
const MOST_AT_ONCE = 2

interface Gathering<Found> {
  ids: Set<string>
  found: Promise<Map<string, Found>>
}

/** Reads of one tenant's records of a type. */
interface Lane<Found> {
  /** Still takes ids in. */
  open: Gathering<Found> | null
  underWay: number
  waiting: (() => void)[]
}

const createGathered = <Found>(database: Database<never>, kind: Kind<Found>): ReadMany<Found> => {
  const lanes = new Map<KnownType<never>, Map<string, Lane<Found>>>()

  const laneOf = (known: KnownType<never>, tenantId: string): Lane<Found> => {
    const tenants = lanes.get(known) ?? new Map<string, Lane<Found>>()
    lanes.set(known, tenants)
    const lane = tenants.get(tenantId) ?? { open: null, underWay: 0, waiting: [] }
    tenants.set(tenantId, lane)
    return lane
  }

  const begin = (known: KnownType<never>, tenantId: string, lane: Lane<Found>): Gathering<Found> => {
    const ids = new Set<string>()
    const read = async () => {
      if (lane.open?.ids === ids) lane.open = null
      lane.underWay += 1
      try {
        const tenant = known.tenantColumn ? [tenantId] : []
        const rows = await database.send(kind.statement(known), [[...ids], ...tenant])
        const found = new Map<string, Found>()
        for (const row of rows) found.set(row.noclobber_id, kind.found(database, known, tenantId, row))
        return found
      } finally {
        lane.underWay -= 1
        const next = lane.waiting.shift()
        if (next) next()
        else if (lane.underWay === 0 && !lane.open) lanes.get(known)?.delete(tenantId)
      }
    }
    const found = new Promise<Map<string, Found>>((resolve) => {
      const send = () => resolve(read())
      if (lane.underWay < MOST_AT_ONCE) kind.gather(send)
      else lane.waiting.push(send)
    })
    return { ids, found }
  }

  return (known, tenantId, ids) => {
    const lane = laneOf(known, tenantId)
    const { open } = lane
    const gathering = open && open.ids.size + ids.length <= MOST_IDS ? open : begin(known, tenantId, lane)
    lane.open = gathering
    for (const id of ids) gathering.ids.add(id)
    return gathering.found
  }
}

const JOINS_MS = 2

const records: Kind<WireRecord> = {
  gather: (send) => setTimeout(send, JOINS_MS),
  statement: ({ sql }) => sql.readMany,
  found: (database, known, tenantId, row) => {
    const record = known.sql.toRecord(row)
    database.seen.put(tenantId, record)
    return record
  },
}

const versions: Kind<Current> = {
  // Whatever came in with the same turn of the event loop: nobody waits for anybody.
  gather: (send) => setImmediate(send),
  statement: ({ versions }) => versions.readVersions,
  found: (_database, _known, _tenantId, row) => currentOf(row),
}

const ofDatabases = <Found>(kind: Kind<Found>) => {
  const made = new WeakMap<Database<never>, ReadMany<Found>>()
  return <A extends Actor>(database: Database<A>): ReadMany<Found> => {
    const one = database as unknown as Database<never>
    const known = made.get(one) ?? createGathered(one, kind)
    made.set(one, known)
    return known
  }
}

/** The gathered reads of a database's records. */
export const gatheredReads = ofDatabases(records)

/** The gathered reads of how a database's records stand. */
export const gatheredVersions = ofDatabases(versions)
