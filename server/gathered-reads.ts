// Reads of many askers at one moment, in one query: a herd that comes back joins thousands of rooms within a second,
// and hundreds of pages poll one node.
// Invariant: a read is sent after everything that was done before it was asked for, so a room that was joined first is
// still answered with a version that misses nothing.
import type { Database, KnownType } from './db/database.ts'
import type { Row, Statement } from './db/statement.ts'
import type { WireRecord } from './protocol.ts'
import type { Actor } from './record-type.ts'

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

const MOST_IDS = 500

interface Gathering<Found> {
  ids: Set<string>
  found: Promise<Map<string, Found>>
}

const createGathered = <Found>(database: Database<never>, kind: Kind<Found>): ReadMany<Found> => {
  const gatherings = new Map<KnownType<never>, Map<string, Gathering<Found>>>()

  const begin = (known: KnownType<never>, tenantId: string): Gathering<Found> => {
    const tenants = gatherings.get(known) ?? new Map<string, Gathering<Found>>()
    gatherings.set(known, tenants)
    const ids = new Set<string>()
    const read = async () => {
      if (tenants.get(tenantId)?.ids === ids) tenants.delete(tenantId)
      const tenant = known.tenantColumn ? [tenantId] : []
      const rows = await database.send(kind.statement(known), [[...ids], ...tenant])
      return new Map(
        rows.map((row) => [row.noclobber_id as string, kind.found(database, known, tenantId, row)]),
      )
    }
    const found = new Promise<Map<string, Found>>((resolve) => kind.gather(() => resolve(read())))
    const gathering = { ids, found }
    tenants.set(tenantId, gathering)
    return gathering
  }

  return (known, tenantId, ids) => {
    const open = gatherings.get(known)?.get(tenantId)
    const gathering = open && open.ids.size + ids.length <= MOST_IDS ? open : begin(known, tenantId)
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

const versions: Kind<Row> = {
  // Whatever came in with the same turn of the event loop: nobody waits for anybody.
  gather: (send) => setImmediate(send),
  statement: ({ versions }) => versions.readVersions,
  found: (_database, _known, _tenantId, row) => row,
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

/** The gathered reads of a database's versions: rows of `readVersions`. */
export const gatheredVersions = ofDatabases(versions)
