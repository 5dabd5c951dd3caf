// Reads of many askers at one moment, in one query: a herd that comes back joins thousands of rooms within a second.
// Invariant: a read is sent after everything that was done before it was asked for, so a room that was joined first is
// still answered with a version that misses nothing.
import type { Database, KnownType } from './db/database.ts'
import type { WireRecord } from './protocol.ts'

/** Reads records by their ids; those that aren't there are left out. */
export type ReadMany = (known: KnownType, tenantId: string, ids: string[]) => Promise<Map<string, WireRecord>>

const GATHER_MS = 2
const MOST_IDS = 500

interface Gathering {
  known: KnownType
  tenantId: string
  ids: Set<string>
  found: Promise<Map<string, WireRecord>>
}

const gatherers = new WeakMap<Database, ReadMany>()

const createGatheredReads = (database: Database): ReadMany => {
  const gatherings = new Map<string, Gathering>()

  const send = async (key: string, { known, tenantId, ids }: Gathering) => {
    if (gatherings.get(key)?.ids === ids) gatherings.delete(key)
    const tenant = known.tenantColumn ? [tenantId] : []
    const rows = await database.send(known.sql.readMany, [[...ids], ...tenant])
    const records = new Map(rows.map((row) => [row.noclobber_id as string, known.sql.toRecord(row)]))
    for (const record of records.values()) database.seen.put(tenantId, record)
    return records
  }

  return (known, tenantId, ids) => {
    const key = JSON.stringify([known.type.name, tenantId])
    let gathering = gatherings.get(key)
    if (!gathering || gathering.ids.size + ids.length > MOST_IDS) {
      const begun: Gathering = { known, tenantId, ids: new Set(), found: Promise.resolve(new Map()) }
      begun.found = new Promise<void>((resolve) => setTimeout(resolve, GATHER_MS)).then(() =>
        send(key, begun),
      )
      gatherings.set(key, begun)
      gathering = begun
    }
    for (const id of ids) gathering.ids.add(id)
    return gathering.found
  }
}

/** The gathered reads of a database. */
export const gatheredReads = (database: Database): ReadMany => {
  const known = gatherers.get(database) ?? createGatheredReads(database)
  gatherers.set(database, known)
  return known
}
