// What became of a list since a cursor: records that changed and belong to it now, and the ids of those that changed
// and don't. Invariant: a client that applies the deltas to what it held has what a fresh list gives it, as far as its user may read;
// `removed` names only what they may read as it is now, or could read when it was deleted, and `more` counts only such. A user who
// loses the right to read a record does not learn it here, since that would show it to those who never had it: `recheck`
// says when to ask.

import type { Actor } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import type { Cursor } from '../log/cursor.ts'
import type { Change } from '../log/log-reader.ts'
import { continueAfter, readLog } from '../log/read-log.ts'
import type { AnswerBudget } from '../pacing/large-answers.ts'
import type { ListDelta, WireRecord } from '../protocol/index.ts'
import { authorizeByIds } from '../records/authorization-rows.ts'
import { readTombstones } from '../records/read.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalId } from '../tables/record-id.ts'
import { SMALL_BYTES, sendSized } from '../tables/sized-query.ts'
import { changesOf } from '../tables/tenant.ts'
import { hasJoinedOrLeft } from './changed-for.ts'
import { needsRecheck } from './list.ts'
import { type ListFilter, matchQuery } from './list-query.ts'

/** Changes of the type and tenant that are read at a time, and the most that one answer passes over. */
const PAGE = 1_000
const MOST_PASSED = 20_000

/** What is asked. */
export interface DeltaAsked {
  filter: ListFilter
  cursor: Cursor
  /** Records of one answer. */
  limit: number
}

/** Ids of records that changed, in the order of their first change, each with the position just before that. */
interface Changed {
  from: Map<string, Cursor>
  cursor: Cursor
  more: boolean
}

/** Which of these records may the caller know of? All where that doesn't depend on the record. */
export const knowable = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  ids: string[],
  gone: AbortSignal,
): Promise<Set<string>> => {
  const verdict = staticPermission(known.type, actor, 'read')
  if (verdict !== null) return new Set(verdict ? ids : [])
  const rows = await authorizeByIds(database, known, actor, ids, { gone })
  const missing = ids.filter((id) => !rows.has(id))
  const asked = { known, actor, transaction: undefined }
  const tombstones = missing.length > 0 ? await readTombstones(database, asked, missing) : new Map()
  return new Set([
    ...tombstones.keys(),
    ...[...rows].flatMap(([id, { allowed }]) => (allowed.length > 0 ? id : [])),
  ])
}

/** The records of the type that changed and that the caller may know of, up to `limit`. `null`: expired. */
export const changedSince = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  { cursor, limit }: Pick<DeltaAsked, 'cursor' | 'limit'>,
  gone: AbortSignal,
): Promise<Changed | null> => {
  const from = new Map<string, Cursor>()
  const isOfList = ({ source, tenantId, id }: Change) =>
    source === known.source &&
    (!known.tenantColumn || tenantId === actor.tenantId) &&
    canonicalId(known.key.kind, id) !== null
  const only = changesOf([known], actor)
  let at = cursor
  for (let passed = 0; passed < MOST_PASSED; passed += PAGE) {
    gone.throwIfAborted()
    const page = await readLog(database, at, PAGE, only)
    if (!page) return null
    const ids = [...new Set(page.changes.filter(isOfList).map(({ id }) => id))]
    const fresh = ids.filter((id) => !from.has(id))
    const knowables =
      fresh.length > 0 ? await knowable(database, known, actor, fresh, gone) : new Set<string>()
    let before: string | null = null
    for (const change of page.changes) {
      if (knowables.has(change.id) && !from.has(change.id) && isOfList(change)) {
        const here = before === null ? at : continueAfter(at, page, before)
        if (from.size === limit) return { from, cursor: here, more: true }
        from.set(change.id, here)
      }
      before = change.seq
    }
    if (!page.more && !at.rest) return { from, cursor: page.cursor, more: false }
    at = continueAfter(at, page, page.more ? before : null)
  }
  return { from, cursor: at, more: true }
}

/** The delta since a cursor, in one answer or, `more`, in several; `null` where the cursor has expired. */
export const listDelta = async (
  shared: Database,
  known: KnownType,
  actor: Actor,
  asked: DeltaAsked,
  budget: AnswerBudget,
): Promise<ListDelta | null> => {
  const database = shared.forActor(actor)
  if (await hasJoinedOrLeft(database, known, actor, asked.cursor)) return null
  const since = await changedSince(database, known, actor, asked, budget.gone)
  if (!since) return null
  let { cursor, more } = since
  let ids = [...since.from.keys()]
  const data: WireRecord[] = []
  const removed: string[] = []
  const there = new Set<string>()
  const take = async (from: string[], bytes: number, atLeastOne: boolean) => {
    budget.gone.throwIfAborted()
    const query = matchQuery(known, actor, asked.filter, from)
    const { rows, ...rest } = await sendSized(database, query, { bytes, atLeastOne })
    for (const row of rows) {
      const record = known.sql.toRecord(row)
      there.add(record.id)
      if (!known.mayRead(actor, record)) continue
      if (row.noclobber_matches) data.push(record)
      else removed.push(record.id)
    }
    return { ...rest, left: rest.isCut ? from.slice(rows.at(-1)?.noclobber_place ?? 0) : [] }
  }
  const small = await take(ids, Math.min(SMALL_BYTES, budget.bytes), false)
  if (small.isCut) {
    await budget.admit()
    const { left } = await take(small.left, budget.bytes - small.bytes, there.size === 0)
    // Deletions among the rest are reported with the rest.
    const [next] = left
    if (next !== undefined) {
      ids = ids.slice(0, -left.length)
      cursor = since.from.get(next) as Cursor
      more = true
    }
  }
  const gone = ids.filter((id) => !there.has(id))
  if (gone.length > 0) {
    const tombstones = await readTombstones(database, { known, actor, transaction: undefined }, gone)
    removed.push(...gone.filter((id) => tombstones.has(id)))
  }
  return {
    data,
    removed,
    cursor: database.cursors.encode(cursor, known.rights),
    more,
    ...(needsRecheck(known, actor) && { recheck: true }),
  }
}
