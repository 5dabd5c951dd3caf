// How many records a list has, and the sums of its fields: `count=exact`, `sum[NAME]=exact`.
// Invariant: what the caller may not read is not counted. Where permission depends on the record, only what they may read is asked
// whether it belongs to the list, so no number and no waiting time reveals more.

import type { Actor } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import { exactNumber } from '../db/exact-number.ts'
import type { AnswerBudget } from '../pacing/large-answers.ts'
import type { ListTotals } from '../protocol/index.ts'
import { authorizeRows } from '../records/authorization-rows.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { SMALL_BYTES, sendSized } from '../tables/sized-query.ts'
import { lookingOrder } from './authorized-list.ts'
import { restOf, WHOLE } from './list-order.ts'
import { type ListFilter, pageQuery, totalsQuery } from './list-query.ts'

/** Rows that are looked at by one query. */
const WINDOW = 500

/** Those that may be read among the records of a type; `null` where that would take looking at more than `judgedRows` rows. */
const readableIds = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  filter: ListFilter,
  gone: AbortSignal,
): Promise<string[] | null> => {
  const { order } = lookingOrder(known, { ...filter, sort: 'id' })
  const most = Math.max(WINDOW, database.limits.judgedRows)
  const ids: string[] = []
  let looked = 0
  let stretch = WHOLE
  for (;;) {
    gone.throwIfAborted()
    const page = pageQuery(known, actor, order, { stretch, limit: WINDOW, isLean: true })
    const { rows, isCut } = await sendSized(database, page, { bytes: SMALL_BYTES })
    const authorized = await authorizeRows(database, known, actor, rows, { gone })
    for (const [id, { allowed }] of authorized) if (allowed.length > 0) ids.push(id)
    looked += rows.length
    const last = rows.at(-1)
    if (!last || (!isCut && rows.length < WINDOW)) return ids
    if (looked >= most) return null
    stretch = restOf(stretch, [last.noclobber_sort, last.noclobber_id])
  }
}

/** As they are now; each `null` where that would take looking at more than `judgedRows` rows. A sum of no values is `null`. */
export const totalsOf = async (
  shared: Database,
  known: KnownType,
  actor: Actor,
  filter: ListFilter,
  sums: string[],
  { gone }: Pick<AnswerBudget, 'gone'>,
): Promise<ListTotals> => {
  const database = shared.forActor(actor)
  const verdict = staticPermission(known.openType, actor, 'read')
  const none = (count: number | null): ListTotals => ({
    count,
    ...(sums.length > 0 && { sums: Object.fromEntries(sums.map((name) => [name, null])) }),
  })
  // What can't be asked for is refused whatever there is to read.
  totalsQuery(known, actor, filter, sums)
  if (verdict === false) return none(0)
  const ids = verdict === null ? await readableIds(database, known, actor, filter, gone) : undefined
  if (ids === null) return none(null)
  if (ids?.length === 0) return none(0)
  gone.throwIfAborted()
  const { text, values } = totalsQuery(known, actor, filter, sums, ids)
  const [row] = await database.send({ name: '', text }, values)
  const sumOf = (at: number) => (row?.[`sum_${at}`] == null ? null : exactNumber(row[`sum_${at}`]))
  return {
    count: Number(row?.count),
    ...(sums.length > 0 && { sums: Object.fromEntries(sums.map((name, at) => [name, sumOf(at)])) }),
  }
}
