// One page of a list's rows, read within a budget of bytes: at first as many as are small together, so that most answers
// wait for nobody; the rest once a large answer has its place.

import type { Actor } from '../base/record-type.ts'
import type { Cursor } from '../log/cursor.ts'
import type { AnswerBudget } from '../pacing/large-answers.ts'
import { mapInSlices } from '../pacing/time-slices.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { type SizeLimit, SMALL_BYTES, sendSized } from '../tables/sized-query.ts'
import { type Position, restOf, type Stretch } from './list-order.ts'
import { type ListFilter, type ListQuery, pageQuery } from './list-query.ts'

/** Rows in order, as far as the budget reaches. */
export interface Page {
  found: { record: WireRecord; position: Position }[]
  /** There may be more. */
  isCut: boolean
  bytes: number
  here: Cursor
}

/** What is read of a list. */
export interface PageAsked {
  query: ListFilter & Pick<ListQuery, 'sort'>
  stretch: Stretch
  limit: number
  ids?: string[]
  /** Bytes of the budget that are used already. */
  used?: number
}

/** Reads up to `limit` rows: at first as many as are small together, and the rest once a large answer has its place. */
export const readPage = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  { query, stretch, limit, ids, used = 0 }: PageAsked,
  budget: AnswerBudget,
): Promise<Page> => {
  const read = async (within: Stretch, most: number, size: SizeLimit) => {
    budget.gone.throwIfAborted()
    const options = { stretch: within, limit: most, ...(ids ? { ids } : {}) }
    const page = pageQuery(known, actor, query, options)
    const { rows, ...rest } = await sendSized(database, page, size)
    const found = await mapInSlices(rows, (row) => {
      const record = known.sql.toRecord(row)
      return { record, position: [row.noclobber_sort, record.id] as Position }
    })
    return { found, ...rest }
  }
  const free = Math.max(0, Math.min(SMALL_BYTES, budget.bytes) - used)
  const first = await read(stretch, limit, { bytes: free, atLeastOne: false })
  const left = budget.bytes - used - first.bytes
  if (!first.isCut || left <= 0) return first
  await budget.admit()
  const last = first.found.at(-1)
  const isFirst = used === 0 && !last
  const second = await read(last ? restOf(stretch, last.position) : stretch, limit - first.found.length, {
    bytes: left,
    atLeastOne: isFirst,
  })
  return {
    found: [...first.found, ...second.found],
    isCut: second.isCut,
    bytes: first.bytes + second.bytes,
    here: first.here,
  }
}
