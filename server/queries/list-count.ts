// How many records a list has: `count=exact`.
// Invariant: what the caller may not read is not counted. Where permission depends on the record, only what they may read is asked
// whether it belongs to the list, so no number and no waiting time reveals more.

import type { Actor } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import type { AnswerBudget } from '../pacing/large-answers.ts'
import { authorizeRows } from '../records/authorization-rows.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { SMALL_BYTES, sendSized } from '../tables/sized-query.ts'
import { lookingOrder } from './authorized-list.ts'
import { countQuery, type ListFilter, type Position, pageQuery } from './list-query.ts'

/** Rows that are looked at by one query. */
const WINDOW = 500

/** As many as there are now; `null` where that would take looking at more than `judgedRows` rows. */
export const countRecords = async (
  shared: Database,
  known: KnownType,
  actor: Actor,
  filter: ListFilter,
  { gone }: Pick<AnswerBudget, 'gone'>,
): Promise<number | null> => {
  const database = shared.forActor(actor)
  const count = async (ids?: string[]) => {
    gone.throwIfAborted()
    const { text, values } = countQuery(known, actor, filter, ids)
    const [row] = await database.send({ name: '', text }, values)
    return Number(row?.count)
  }
  const verdict = staticPermission(known.openType, actor, 'read')
  if (verdict !== null) return verdict ? count() : 0

  const { order } = lookingOrder(known, { ...filter, sort: 'id' })
  const most = Math.max(WINDOW, database.limits.judgedRows)
  let [sum, looked, after] = [0, 0, null as Position | null]
  for (;;) {
    gone.throwIfAborted()
    const page = pageQuery(known, actor, order, { after, limit: WINDOW, isLean: true })
    const { rows, isCut } = await sendSized(database, page, { bytes: SMALL_BYTES })
    const authorized = await authorizeRows(database, known, actor, rows, { gone })
    const readable = [...authorized].flatMap(([id, { allowed }]) => (allowed.length > 0 ? id : []))
    if (readable.length > 0) sum += await count(readable)
    looked += rows.length
    const last = rows.at(-1)
    if (!last || (!isCut && rows.length < WINDOW)) return sum
    if (looked >= most) return null
    after = [last.noclobber_sort, last.noclobber_id]
  }
}
