// Which of many records a user may read, where the permission depends on the record.
// Invariant: the work depends on the rows alone, never on what is asked for: no filter and no search has been applied to
// a row before its reader may see it. Large values are read only for permissions that look at them.
import type { Knex } from 'knex'
import type { Action, Actor } from '../base/record-type.ts'
import type { Row } from '../db/statement.ts'
import { createTimeSlices } from '../pacing/time-slices.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { SMALL_BYTES, sendSized } from '../tables/sized-query.ts'
import { tenantParameter } from '../tables/tenant.ts'

/** A record that may lack large values. */
interface LeanRecord {
  record: WireRecord
  /** Whether the permission has looked at a value that wasn't read. */
  isMissed(): boolean
}

const leanRecord = (known: KnownType, row: Row): LeanRecord => {
  const record = known.sql.toRecord(row)
  let missed = false
  for (const name of row.noclobber_omitted ?? [])
    Object.defineProperty(record.fields, name, {
      enumerable: true,
      get: () => {
        missed = true
        return undefined
      },
    })
  return { record, isMissed: () => missed }
}

/** A record, and what the user may do with it. */
export interface AuthorizedRow {
  record: Omit<WireRecord, 'fields'>
  /** Of the actions asked for, those that the user may do. */
  allowed: Action[]
}

/** How permissions are checked. */
export interface AuthorizeOptions {
  /** Default: `read` alone. */
  actions?: Action[]
  /** Default: by `can` and the record alone. */
  may?: (action: Action, record: WireRecord) => boolean
  /** Ends the reading. */
  gone?: AbortSignal | undefined
  transaction?: Knex.Transaction | undefined
}

/** Reads records by their ids, as many at a time as are small together; those that aren't there are left out. */
export const readById = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  ids: string[],
  { isLean, gone, transaction }: AuthorizeOptions & { isLean: boolean },
  take: (rows: Row[]) => void | Promise<void>,
) => {
  for (let left = ids; left.length > 0; ) {
    gone?.throwIfAborted()
    const text = isLean ? known.sql.leanByIds : known.sql.sizedByIds
    const values = [left, ...tenantParameter(known, actor)]
    const { rows, isCut } = await sendSized(database, { text, values }, { bytes: SMALL_BYTES }, transaction)
    await take(rows)
    left = isCut ? left.slice(rows.at(-1)?.noclobber_place) : []
  }
}

/** Checks permissions by rows that were read without their large values. */
export const authorizeRows = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  rows: Row[],
  options: AuthorizeOptions = {},
): Promise<Map<string, AuthorizedRow>> => {
  const { actions = ['read'] } = options
  const may = options.may ?? ((action: Action, record: WireRecord) => known.may(actor, action, record))
  const authorized = new Map<string, AuthorizedRow>()
  const missed: string[] = []
  const authorize = (record: WireRecord) => {
    const { fields: _, ...head } = record
    const allowed = actions.filter((action) => may(action, record))
    authorized.set(record.id, { record: head, allowed })
  }
  const slices = createTimeSlices()
  for (const row of rows) {
    // Other requests get their turn; but not while a transaction holds locks.
    if (!options.transaction && slices.isOver()) await slices.rest()
    const { record, isMissed } = leanRecord(known, row)
    authorize(record)
    if (isMissed()) missed.push(record.id)
  }
  for (const id of missed) authorized.delete(id)
  await readById(database, known, actor, missed, { ...options, isLean: false }, (whole) => {
    for (const row of whole) authorize(known.sql.toRecord(row))
  })
  return authorized
}

/** Checks permissions of records by id; an id that has none is left out. */
export const authorizeByIds = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  ids: string[],
  options: AuthorizeOptions = {},
): Promise<Map<string, AuthorizedRow>> => {
  const authorized = new Map<string, AuthorizedRow>()
  await readById(database, known, actor, ids, { ...options, isLean: true }, async (rows) => {
    for (const [id, row] of await authorizeRows(database, known, actor, rows, options))
      authorized.set(id, row)
  })
  return authorized
}
