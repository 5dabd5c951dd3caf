// Lists of records: filtered by declared columns, sorted, page by page by key, each page within a budget of bytes.
// Invariant: nothing of an answer, not its rows, not its length, not where its next page begins, and not the work that
// it took, reveals what is in a record that the caller may not read.

import type { Actor } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import type { AnswerBudget } from '../pacing/large-answers.ts'
import type { ListAnswer } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { listAuthorized } from './authorized-list.ts'
import { restOf, WHOLE } from './list-order.ts'
import { readPage } from './list-page.ts'
import { readPosition, stretchOf, writePosition } from './list-position.ts'
import type { ListQuery } from './list-query.ts'

/**
 * Does permission depend on the record? Then `removed` can't name what the caller may no longer read, and those who hold
 * records have to ask for them by their ids.
 */
export const needsRecheck = (known: KnownType, actor: Actor): boolean =>
  staticPermission(known.type, actor, 'read') === null

/** One page of a list, and the position in the change log at which it was read. */
export const listRecords = async (
  shared: Database,
  known: KnownType,
  actor: Actor,
  query: ListQuery,
  budget: AnswerBudget,
): Promise<ListAnswer> => {
  const database = shared.forActor(actor)
  const verdict = staticPermission(known.openType, actor, 'read')
  if (verdict === null) return listAuthorized(database, known, actor, query, budget)
  // Who may read none of them gets what the query says of none.
  const limit = verdict ? query.limit + 1 : 0
  const { window } = query
  const stretch = window
    ? stretchOf(window, readPosition)
    : query.after === undefined
      ? WHOLE
      : restOf(WHOLE, readPosition(query.after))
  const { found, isCut, here } = await readPage(database, known, actor, { query, stretch, limit }, budget)
  const page = found.slice(0, query.limit)
  const last = page.at(-1)
  const goOn = (isCut || found.length > query.limit) && last ? writePosition(last.position) : null
  if (stretch.isBackward) page.reverse()
  return {
    data: page.map(({ record }) => record),
    cursor: database.cursors.encode(here, known.rights),
    next: stretch.isBackward ? null : goOn,
    ...(stretch.isBackward && { previous: goOn }),
    ...(window && { positions: page.map(({ position }) => writePosition(position)) }),
  }
}
