// Batched reads: what many requests read at one moment is one query. In a reconnect storm clients join thousands of rooms
// within a second, and hundreds of pages poll one node.
// Invariant: a read is sent after everything that was done before it was requested. So the version for a room that was joined
// first misses nothing.

import type { PermissionRecord } from '../base/record-type.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { readRecords } from '../tables/read-records.ts'
import { tenantParameter } from '../tables/tenant.ts'
import { type Current, currentOf } from '../tables/version-sql.ts'

/** Reads by ids; what isn't there is left out. */
type ReadMany<Found> = (known: KnownType, tenantId: string, ids: string[]) => Promise<Map<string, Found>>

/** What is read of the records of one batch. */
type Read<Found> = (database: Database, ...asked: Parameters<ReadMany<Found>>) => ReturnType<ReadMany<Found>>

const MOST_IDS = 1_000
/** Queries for one tenant's records of a type at a time: while these are answered, what else is asked becomes one more. */
const MOST_AT_ONCE = 2

interface Batch<Found> {
  ids: Set<string>
  found: Promise<Map<string, Found>>
}

/** Reads of one tenant's records of a type. */
interface ReadQueue<Found> {
  /** Still takes ids in. */
  open: Batch<Found> | null
  underWay: number
  waiting: (() => void)[]
}

const createBatchedReads = <Found>(database: Database, readMany: Read<Found>): ReadMany<Found> => {
  const queues = new Map<KnownType, Map<string, ReadQueue<Found>>>()

  const queueOf = (known: KnownType, tenantId: string): ReadQueue<Found> => {
    const tenants = queues.get(known) ?? new Map<string, ReadQueue<Found>>()
    queues.set(known, tenants)
    const queue = tenants.get(tenantId) ?? { open: null, underWay: 0, waiting: [] }
    tenants.set(tenantId, queue)
    return queue
  }

  const begin = (known: KnownType, tenantId: string, queue: ReadQueue<Found>): Batch<Found> => {
    const ids = new Set<string>()
    const read = async () => {
      if (queue.open?.ids === ids) queue.open = null
      queue.underWay += 1
      try {
        return await readMany(database, known, tenantId, [...ids])
      } finally {
        queue.underWay -= 1
        const next = queue.waiting.shift()
        if (next) next()
        else if (queue.underWay === 0 && !queue.open) queues.get(known)?.delete(tenantId)
      }
    }
    const found = new Promise<Map<string, Found>>((resolve) => {
      const send = () => resolve(read())
      // Whatever came in with the same turn of the event loop: nobody waits for anybody.
      if (queue.underWay < MOST_AT_ONCE) setImmediate(send)
      else queue.waiting.push(send)
    })
    return { ids, found }
  }

  return (known, tenantId, ids) => {
    const queue = queueOf(known, tenantId)
    const { open } = queue
    const batch = open && open.ids.size + ids.length <= MOST_IDS ? open : begin(known, tenantId, queue)
    queue.open = batch
    for (const id of ids) batch.ids.add(id)
    return batch.found
  }
}

const readVersions: Read<Current> = async (database, known, tenantId, ids) => {
  const found = new Map<string, Current>()
  if (ids.length === 0) return found
  const values = [ids, ...tenantParameter(known, { tenantId })]
  for (const row of await database.send(known.versions.readVersions, values))
    found.set(row.noclobber_id, currentOf(row))
  return found
}

/** The version of a record, and the row that its readers are authorized by. */
export interface AuthorizationRow {
  current: Current
  row: PermissionRecord
}

/**
 * What this node has seen of a record is the row, if that is the version that is there now. Whatever it hasn't seen, or
 * has seen at another version, is read whole.
 */
const readAuthorized: Read<AuthorizationRow> = async (database, known, tenantId, ids) => {
  const found = new Map<string, AuthorizationRow>()
  const isStill = database.recordCache.mark()
  const readWhole = async (wanted: string[]) => {
    for (const record of (await readRecords(database, known, wanted, { tenantId, toCache: true })).values())
      found.set(record.id, { current: record, row: record })
  }
  const seenOf = database.recordCache.of(tenantId, known.type.name)
  const seen = new Map<string, WireRecord>()
  const unseen: string[] = []
  // Before anything is sent: what a revocation has put into the cache counts for every request after it.
  for (const id of ids) {
    const record = seenOf(id)
    if (record) seen.set(id, record)
    else unseen.push(id)
  }
  const [versions] = await Promise.all([
    readVersions(database, known, tenantId, [...seen.keys()]),
    readWhole(unseen),
  ])
  const changed: string[] = []
  for (const [id, current] of versions) {
    const record = seen.get(id)
    if (isStill() && record?.version === current.version) found.set(id, { current, row: record })
    else changed.push(id)
  }
  await readWhole(changed)
  return found
}

const ofDatabases = <Found>(read: Read<Found>) => {
  const made = new WeakMap<Database, ReadMany<Found>>()
  return (database: Database): ReadMany<Found> => {
    const known = made.get(database) ?? createBatchedReads(database, read)
    made.set(database, known)
    return known
  }
}

/** Batched reads of records' versions. */
export const batchedVersions = ofDatabases(readVersions)

/** Batched reads of records' versions, each with the row by which permission is checked. */
export const batchedRows = ofDatabases(readAuthorized)
