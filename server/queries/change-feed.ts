// The change feed for programs: what was committed after a cursor, as far as the caller may read it.
// Invariant: a program that follows the cursors gets each change that it may read exactly once, whatever the page size, the
// filter and the order in which transactions began. Where that can't be promised (pruned, restored, another database) the
// response is a reset.

import type { Actor } from '../base/record-type.ts'
import type { ChangeSource } from '../log/change-waiters.ts'
import type { Cursor } from '../log/cursor.ts'
import type { LogFilter, Page } from '../log/log-reader.ts'
import { continueAfter, presentCursor, readLog } from '../log/read-log.ts'
import type { AnswerBudget } from '../pacing/large-answers.ts'
import type { ChangedValues, ChangesAnswer, WireChange } from '../protocol/index.ts'
import { valuesWithin } from '../records/history-values.ts'
import { type TypedChange, visibleTo } from '../records/visible-changes.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { changesOf, ofOwnTenant } from '../tables/tenant.ts'

/** What is asked for. */
export interface ChangesQuery {
  /** Type names; none for all types. */
  types: string[]
  /** Most entries of an answer. */
  limit: number
}

/** An answer, with its cursor to go on from. */
export interface ChangesPage extends Omit<ChangesAnswer, 'cursor'> {
  cursor: Cursor
}

/** Changes of the caller's tenant that one response may pass over to find an entry that the caller may read. */
const MOST_PASSED = 10_000
/** Those read for each entry wanted, up to `GOOD_PAGE`. After a page without any entry for the caller, the next is so many times larger. */
const SPARE = 5
const GOOD_PAGE = 500
const MOST_READ = 2_000
/** Least number of changes whose permission is checked at a time. */
const LEAST_PART = 50

/** A change, and its place in its page of the log. */
type PlacedChange = TypedChange & { place: number }

/** Only the user who wrote may see from which tab. For types without tenants nobody may: user ids are unique within a tenant only. */
const isOwnWrite = ({ tenantId, updatedBy }: TypedChange['change'], actor: Actor) =>
  tenantId !== null &&
  tenantId === actor.tenantId &&
  updatedBy?.id === actor.id &&
  updatedBy.kind !== 'database'

const wireChange = (
  actor: Actor,
  { change, known }: TypedChange,
  values: ChangedValues | undefined,
): WireChange => ({
  event: change.event,
  tenant_id: change.tenantId,
  type: known.type.name,
  id: change.id,
  version: change.version,
  changed_fields: change.changedFields
    .map(known.names.fieldOf)
    .filter((name) => known.changeNames.includes(name)),
  updated_at: change.updatedAt,
  updated_by: change.updatedBy,
  tab_id: isOwnWrite(change, actor) ? change.tabId : null,
  ...(change.restoredFrom !== null && { restored_from: change.restoredFrom }),
  ...(values && { values }),
})

/** The change's type, if this caller may have asked for it. Cheap; permission is checked later, by the row. */
export const matchingType = (database: Database, actor: Actor, types: string[], change: ChangeSource) => {
  const known = database.typeOfSource(change.source)?.forActor(actor)
  if (!known || (types.length > 0 && !types.includes(known.type.name))) return undefined
  if (known.ownTenant !== null) return known.ownTenant === actor.tenantId ? known : undefined
  return !known.tenantColumn || change.tenantId === actor.tenantId ? known : undefined
}

/** Reads a page of the log; `null` where the cursor has expired. */
export type ReadPage = (cursor: Cursor, size: number, only: LogFilter) => Promise<Page | null>

/** The cursor just before a page's entry at this place. */
const before = (at: Cursor, page: Page, place: number): Cursor => {
  const previous = page.changes[place - 1]
  return previous ? continueAfter(at, page, previous.seq) : at
}

/**
 * What was committed after a cursor. Passes over what the caller may not read, as far as the work of one response allows;
 * `more` counts only what they may read, unless that work is done.
 */
export const changesAfter = async (
  shared: Database,
  actor: Actor,
  cursor: Cursor,
  { types, limit }: ChangesQuery,
  budget: AnswerBudget,
  read: ReadPage = (...page) => readLog(shared, ...page),
): Promise<ChangesPage> => {
  const database = shared.forActor(actor)
  await database.ready(undefined, actor.tenantId)
  const isAsked = ({ type }: KnownType) => types.length === 0 || types.includes(type.name)
  const only = changesOf(database.types(actor.tenantId).filter(isAsked), actor)
  const data: WireChange[] = []
  let bytes = 0
  let size = Math.max(limit, Math.min(SPARE * limit, GOOD_PAGE))
  let at = cursor
  for (let passed = 0; passed < MOST_PASSED; passed += size, size = Math.min(SPARE * size, MOST_READ)) {
    budget.gone.throwIfAborted()
    const page = await read(at, size, only)
    if (!page && data.length > 0) return { data, cursor: at, more: true }
    if (!page) return { data: [], cursor: await presentCursor(database), more: false, reset: true }
    const candidates: PlacedChange[] = []
    for (const [place, change] of page.changes.entries()) {
      const known = matchingType(database, actor, types, change)
      if (known) candidates.push({ change: ofOwnTenant(known, change), known, place })
    }
    for (let begun = 0; begun < candidates.length; ) {
      budget.gone.throwIfAborted()
      const part = candidates.slice(begun, begun + Math.max(LEAST_PART, limit + 1 - data.length))
      begun += part.length
      const visible = await visibleTo(database, actor, part, budget.gone)
      const wanted = visible.slice(0, limit - data.length)
      const left = { bytes: budget.bytes - bytes, admit: budget.admit }
      const fitting = await valuesWithin(database, actor, wanted, left)
      const isBegun = data.length > 0
      const count = isBegun && fitting.bytes > left.bytes ? 0 : fitting.count
      data.push(...wanted.slice(0, count).map((one) => wireChange(actor, one.entry, fitting.values.get(one))))
      bytes += fitting.bytes
      const next = visible[count]
      if (next) return { data, cursor: before(at, page, next.entry.place), more: true }
    }
    if (!page.more && !at.rest) return { data, cursor: page.cursor, more: false }
    at = continueAfter(at, page, page.more ? (page.changes.at(-1)?.seq ?? null) : null)
  }
  return { data, cursor: at, more: true }
}

/** As the wire has it. */
export const toAnswer = ({ cursors }: Database, { cursor, ...page }: ChangesPage): ChangesAnswer => ({
  ...page,
  cursor: cursors.encode(cursor),
})
