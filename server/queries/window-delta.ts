// What became of a part of a list, from one position to another, since a cursor: the records that changed and stand in it now, each with
// the row before it, and the ids of those that changed and stand elsewhere or nowhere.
// Invariant: a client that takes the latter out of what it held, and puts the former behind the rows that they are behind, has the rows
// of a fresh read in its order, which the database alone decides. Where that can't be said in one answer there is none: the part is read anew.

import type { Actor } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import type { AnswerBudget } from '../pacing/large-answers.ts'
import type { ListDelta } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { SMALL_BYTES, sendSized } from '../tables/sized-query.ts'
import { hasJoinedOrLeft } from './changed-for.ts'
import { needsRecheck } from './list.ts'
import { changedSince, type DeltaAsked } from './list-delta.ts'
import { readPosition, stretchOf, writePosition } from './list-position.ts'
import { placesQuery, type WindowAsked } from './list-query.ts'

/** Changed records of the whole list that one answer looks for in the window. */
const MOST_CHANGED = 5_000

interface WindowDeltaAsked extends DeltaAsked {
  sort: string
  window: WindowAsked
}

/** The delta; `null`: the window is to be read anew, because the cursor has expired or too much has changed. */
export const windowDelta = async (
  shared: Database,
  known: KnownType,
  actor: Actor,
  { filter, cursor, limit, sort, window }: WindowDeltaAsked,
  budget: AnswerBudget,
): Promise<ListDelta | null> => {
  // Rows that are authorized one by one are read anew: which row is before another depends on who asks.
  if (staticPermission(known.openType, actor, 'read') === null) return null
  const database = shared.forActor(actor)
  if (await hasJoinedOrLeft(database, known, actor, cursor)) return null
  const since = await changedSince(database, known, actor, { cursor, limit: MOST_CHANGED }, budget.gone)
  if (!since || since.more) return null
  const ids = [...since.from.keys()]
  const answer = {
    cursor: database.cursors.encode(since.cursor, known.rights),
    more: false,
    ...(needsRecheck(known, actor) && { recheck: true as const }),
  }
  if (ids.length === 0) return { data: [], removed: [], ...answer, positions: [], behind: [] }
  budget.gone.throwIfAborted()
  const stretch = stretchOf(window, readPosition)
  const query = placesQuery(known, actor, { ...filter, sort }, { stretch, limit }, ids)
  const bytes = Math.min(SMALL_BYTES, budget.bytes)
  const { rows, isCut } = await sendSized(database, query, { bytes })
  if (isCut || rows.some((row) => row.noclobber_place > limit)) return null
  const data = rows.map((row) => known.sql.toRecord(row))
  const there = new Set(data.map(({ id }) => id))
  return {
    data,
    removed: ids.filter((id) => !there.has(id)),
    ...answer,
    positions: rows.map((row, at) => writePosition([row.noclobber_sort, data[at]?.id ?? ''])),
    behind: rows.map((row) => row.noclobber_before),
  }
}
