// Many records of one type and tenant in one query, and a deleted record as it last was.
// Invariant: records read in a caller's transaction never enter the cache: it may be rolled back.
import type { Knex } from 'knex'
import { bare, hide } from '../base/hidden-fields.ts'
import type { PermissionRecord } from '../base/record-type.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { TrackedType } from './catalogue.ts'
import type { Database, KnownType } from './database.ts'
import { tenantOf, tenantParameter } from './tenant.ts'

/** Where the records are, and what becomes of them. */
export interface ReadRecordsOptions {
  /** `null` for a table without a tenant column. */
  tenantId: string | null
  transaction?: Knex.Transaction | undefined
  /** Puts them into the record cache. Leave it out for sets that would push out what is used. */
  toCache?: boolean
}

/** The records by id, as they are now; an id that has none is left out. Permission is the caller's to check. */
export const readRecords = async (
  database: Database,
  known: KnownType,
  ids: string[],
  { tenantId, transaction, toCache = false }: ReadRecordsOptions,
): Promise<Map<string, WireRecord>> => {
  const records = new Map<string, WireRecord>()
  if (ids.length === 0) return records
  const partition = tenantOf(known, { tenantId: tenantId ?? '' })
  const isStill = database.recordCache.mark()
  const values = [ids, ...tenantParameter(known, { tenantId })]
  for (const row of await database.send(known.sql.readMany, values, transaction)) {
    const record = known.sql.toRecord(row)
    records.set(record.id, record)
    if (toCache && !transaction) database.recordCache.put(partition, record, isStill)
  }
  return records
}

/** A record whose only trace is the row that the log kept of its deletion. A field that the row lacks is undefined. */
export const recordFromOldRow = (
  { type, fieldNames, names }: TrackedType,
  {
    id,
    version,
    oldRow,
  }: { id: string; version: number; oldRow: Record<string, unknown> | null | undefined },
): PermissionRecord => {
  const wasIn = (column: string) => (oldRow && Object.hasOwn(oldRow, column) ? oldRow[column] : undefined)
  const fields = Object.fromEntries(fieldNames.map((name) => [name, wasIn(names.columnOf(name))]))
  hide(fields, type.hidden)
  const record = { type: type.name, id, version, fields }
  return oldRow ? record : bare(record)
}
