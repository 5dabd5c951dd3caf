// What became of a list since a cursor: records that changed and belong to it now, and the ids of those that changed
// and don't. Invariant: whoever lays the deltas over what he held has what a fresh list gives him, as far as he may read;
// `removed` names only what he may read as it is now, or could read when it was deleted. Whoever loses the right to read a
// record is not told so here, since that would tell of it to those who never had it: `recheck` says when to ask.

import type { Actor } from '../base/record-type.ts'
import type { Cursor } from '../log/cursor.ts'
import type { ListDelta, WireRecord } from '../protocol/index.ts'
import { rowsInHand, type TypedChange } from '../records/permission-rows.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalId } from '../tables/record-id.ts'
import { type ChangesPage, goOn, readLog } from './change-feed.ts'
import { needsRecheck, sendQuery } from './list.ts'
import { type ListFilter, matchQuery } from './list-query.ts'

/** Rows of the log read at a time, and the most that one answer passes over. */
const PAGE = 1_000
const MOST_PASSED = 20_000

/** The newest change of each record of the type, up to `limit` records, and where to go on. `null`: expired. */
const changedSince = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  from: Cursor,
  limit: number,
): Promise<(Pick<ChangesPage, 'cursor' | 'more'> & { changed: Map<string, TypedChange> }) | null> => {
  const changed = new Map<string, TypedChange>()
  let at = from
  for (let passed = 0; passed < MOST_PASSED; passed += PAGE) {
    const page = await readLog(database, at, PAGE)
    if (!page) return null
    let before: string | null = null
    for (const change of page.changes) {
      const isOfList =
        change.source === known.source &&
        (!known.tenantColumn || change.tenantId === actor.tenantId) &&
        canonicalId(known.key.kind, change.id) !== null
      if (isOfList && changed.size === limit && !changed.has(change.id))
        return { changed, cursor: before === null ? at : goOn(at, page, before), more: true }
      if (isOfList) changed.set(change.id, { change, known })
      before = change.seq
    }
    if (!page.more && !at.rest) return { changed, cursor: page.cursor, more: false }
    at = goOn(at, page, page.more ? before : null)
  }
  return { changed, cursor: at, more: true }
}

/** Ids of records that are gone, as far as the asker could read them when they were deleted. */
const readableGraves = async (database: Database, actor: Actor, gone: TypedChange[]): Promise<string[]> => {
  if (gone.length === 0) return []
  const rows = await rowsInHand(database, gone)
  return gone.flatMap((entry) => {
    const row = rows.get(entry)
    return row && entry.known.mayRead(actor, row) ? entry.change.id : []
  })
}

/** The delta since a cursor, in one answer or, `more`, in several; `null` where the cursor has expired. */
export const listDelta = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  filter: ListFilter,
  cursor: Cursor,
  limit: number,
): Promise<ListDelta | null> => {
  const since = await changedSince(database, known, actor, cursor, limit)
  if (!since) return null
  const { changed, more } = since
  const data: WireRecord[] = []
  const removed: string[] = []
  const there = new Set<string>()
  const query = matchQuery(known, actor, filter, [...changed.keys()])
  for (const row of await sendQuery(database, query)) {
    const record = known.sql.toRecord(row)
    there.add(record.id)
    if (!known.mayRead(actor, record)) continue
    if (row.noclobber_matches) data.push(record)
    else removed.push(record.id)
  }
  const gone = [...changed.values()].filter(({ change }) => !there.has(change.id))
  removed.push(...(await readableGraves(database, actor, gone)))
  return {
    data,
    removed,
    cursor: database.cursors.encode(since.cursor),
    more,
    ...(needsRecheck(known, actor) && { recheck: true }),
  }
}

/** Can the log still tell what came after this cursor? */
export const isReadable = async (database: Database, cursor: Cursor): Promise<boolean> =>
  (await readLog(database, cursor, 1)) !== null
