// Queries of records whose answer has a budget of bytes: PostgreSQL adds up what it finds, in order, and sends no more.
// Invariant: what comes is within the budget, or is one row alone; and with it comes the snapshot at which it was read.
import type { Knex } from 'knex'
import { refuse } from '../base/problems.ts'
import type { Row } from '../db/statement.ts'
import type { Cursor } from '../log/cursor.ts'
import type { Database } from './database.ts'

/** Bytes of rows that are read at a time to be authorized, or before an answer counts as a large one. */
export const SMALL_BYTES = 500_000

/** A statement's text and its values. */
export interface Query {
  text: string
  values: unknown[]
}

/** What came, in order. */
export interface SizedRows {
  rows: Row[]
  /** The rows' bytes. */
  bytes: number
  /** There are more than came. */
  isCut: boolean
  /** The snapshot of the query. */
  here: Cursor
}

/** How much may come. */
export interface SizeLimit {
  bytes: number
  /** The first row comes, however large it is. Default `true`. */
  atLeastOne?: boolean
}

/** `query` selects `noclobber_id` and `noclobber_bytes`, in the order in which the rows count. */
const sizedQuery = ({ text, values }: Query, { bytes, atLeastOne = true }: SizeLimit): Query => ({
  text: `with here as materialized (
      select pg_current_snapshot()::text as "noclobber_here", noclobber.epoch() as "noclobber_epoch"),
    sized as materialized (
      select p.*, sum(p."noclobber_bytes") over (rows unbounded preceding) as "noclobber_total" from (${text}) p)
    select here.*, (select pg_catalog.max(s."noclobber_total") from sized s) as "noclobber_sum", q.* from here left join sized q
      on q."noclobber_total" <= $${values.length + 1}${atLeastOne ? ' or q."noclobber_total" = q."noclobber_bytes"' : ''}`,
  values: [...values, bytes],
})

/** Sends a list's statement; a value that can't be one of its column is the caller's mistake. */
export const sendSized = async (
  database: Database,
  query: Query,
  limit: SizeLimit,
  transaction?: Knex.Transaction,
): Promise<SizedRows> => {
  const { text, values } = sizedQuery(query, limit)
  const found = await database.send({ name: '', text }, values, transaction).catch((error) => {
    if (/^22/.test(error?.code ?? '')) refuse('malformed', 'A filter or sort value does not fit its field.')
    throw error
  })
  const [first] = found as [Row]
  const rows = first.noclobber_id === null ? [] : found
  const bytes = Number(rows.at(-1)?.noclobber_total ?? 0)
  return {
    rows,
    bytes,
    isCut: Number(first.noclobber_sum ?? 0) > bytes,
    here: { snapshot: first.noclobber_here, epoch: first.noclobber_epoch },
  }
}
