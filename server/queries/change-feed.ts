// The change feed for programs: what was committed after a cursor, as far as the asker may see it.
// Invariant: whoever follows the cursors gets each change that he may see exactly once, whatever the page size, the
// filter and the order in which transactions began; where that can't be promised (pruned, restored, another
// database) the answer is a reset, never silence.

import type { Actor } from '../base/record-type.ts'
import { type Connection, sendOn, statement } from '../db/statement.ts'
import type { Told } from '../log/change-waiters.ts'
import { type Cursor, type SnapshotParts, snapshotParts } from '../log/cursor.ts'
import { createLogReader, type Page } from '../log/log-reader.ts'
import type { AnswerBudget } from '../pacing/large-answers.ts'
import type { ChangedValues, ChangesAnswer, WireChange } from '../protocol/index.ts'
import { valuesWithin } from '../records/history-values.ts'
import { type TypedChange, visibleTo } from '../records/visible-changes.ts'
import type { Database } from '../tables/database.ts'

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

/** Rows of the log that one answer may pass over to find an entry for the asker. */
const MOST_PASSED = 10_000
/** Rows that are read for each entry wanted, as far as a page is the better for it; where none is for the asker, as many times more. */
const SPARE = 5
const GOOD_PAGE = 500
const MOST_READ = 2_000
/** Of deletions an answer's page of the log holds the rows as they were: so many bytes of them, or one. */
const OLD_ROW_BYTES = 2_000_000
/** Changes that are judged at a time, at least. */
const LEAST_PART = 50

/** A change, and its place in its page of the log. */
type PlacedChange = TypedChange & { place: number }

const STATE = statement(`
select noclobber.epoch() as epoch, pg_current_snapshot()::text as snapshot, h.xid::text as xid, h.seq::text as seq
from noclobber.log_horizon h`)

/** Where the log stands, and how far it was pruned. */
interface LogState {
  here: Cursor
  xid: bigint
  seq: bigint
}

const hasLost = ({ xmax, open }: SnapshotParts, { xid }: LogState) =>
  xid >= xmax || open.some((still) => still <= xid)

/** Is something gone that was ahead of this cursor, or was it never a cursor of this history? */
const isExpired = ({ epoch, snapshot, rest }: Cursor, state: LogState): boolean => {
  const from = snapshotParts(snapshot) as SnapshotParts
  const now = snapshotParts(state.here.snapshot) as SnapshotParts
  if (epoch !== state.here.epoch || from.xmax > now.xmax) return true
  if (!rest) return hasLost(from, state)
  const end = snapshotParts(rest.snapshot) as SnapshotParts
  if (end.xmax > now.xmax || hasLost(end, state)) return true
  return hasLost(from, state) && state.seq > BigInt(rest.afterSeq)
}

const stateOn = async (connection: Connection, driver: unknown, named: boolean): Promise<LogState> => {
  const [row] = (await sendOn(connection, driver, STATE, [], named)).rows
  if (!row) throw new Error('The change log has no horizon: its one row in noclobber.log_horizon is gone.')
  return {
    here: { epoch: row.epoch, snapshot: row.snapshot },
    xid: BigInt(row.xid),
    seq: BigInt(row.seq),
  }
}

/** Can't this cursor be gone on from? Asked after a read, it vouches for what was read. */
export const hasExpired = async (connection: Connection, driver: unknown, named: boolean, cursor: Cursor) =>
  isExpired(cursor, await stateOn(connection, driver, named))

/** Holds one of the pool's connections for the time of `use`, which asks for no other. */
const onConnection = async <T>(
  { knex, namesStatements }: Database,
  use: (connection: Connection, driver: unknown, named: boolean) => Promise<T>,
): Promise<T> => {
  const connection = await knex.client.acquireConnection()
  try {
    return await use(connection, knex.client.driver, namesStatements())
  } finally {
    await knex.client.releaseConnection(connection)
  }
}

/** The present: what is committed from now on is ahead of it. */
export const presentCursor = async (database: Database): Promise<Cursor> =>
  (await onConnection(database, stateOn)).here

/** The beginning: all that the log still holds is ahead of it. */
export const firstCursor = async (database: Database): Promise<Cursor> => {
  const { here, xid } = await onConnection(database, stateOn)
  const first = (xid & 0xffff_ffffn) === 0xffff_ffffn ? xid + 2n : xid + 1n
  return { epoch: here.epoch, snapshot: `${first}:${first}:` }
}

/** One page of the log; `null` where the cursor has expired. What was pruned is looked up after what is left. */
export const readLog = (database: Database, cursor: Cursor, size: number): Promise<Page | null> =>
  onConnection(database, async (connection, driver, named) => {
    const { epoch, snapshot, rest } = cursor
    const page = await createLogReader(connection, driver, named).changesAfter(
      { epoch, snapshot },
      size,
      rest && { upTo: { epoch, snapshot: rest.snapshot }, afterSeq: rest.afterSeq },
      OLD_ROW_BYTES,
    )
    return (await hasExpired(connection, driver, named, cursor)) ? null : page
  })

/**
 * Where a page read at a cursor is gone on from: after the number in it, or `null`, after all of it. That need not be the
 * present: the rest of a batch ends where that batch did.
 */
export const goOn = ({ epoch, snapshot }: Cursor, page: Page, afterSeq: string | null): Cursor =>
  afterSeq === null ? page.cursor : { epoch, snapshot, rest: { snapshot: page.cursor.snapshot, afterSeq } }

/** Which tab wrote is told to its own person alone, and of types without tenants to nobody: ids are a tenant's own. */
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
  changed_fields: change.changedFields.filter((name) => known.changeNames.includes(name)),
  updated_at: change.updatedAt,
  updated_by: change.updatedBy,
  tab_id: isOwnWrite(change, actor) ? change.tabId : null,
  ...(values && { values }),
})

/** Might this change be of interest to this asker? Cheap; permission is judged later, with the row in hand. */
export const concerns = (database: Database, actor: Actor, types: string[], change: Told) => {
  const known = database.typeOfSource(change.source)
  if (!known || (types.length > 0 && !types.includes(known.type.name))) return undefined
  return !known.tenantColumn || change.tenantId === actor.tenantId ? known : undefined
}

/** Reads a page of the log; `null` where the cursor has expired. */
export type ReadPage = (cursor: Cursor, size: number) => Promise<Page | null>

/** Where a page is gone on from before its entry at this place. */
const before = (at: Cursor, page: Page, place: number): Cursor => {
  const previous = page.changes[place - 1]
  return previous ? goOn(at, page, previous.seq) : at
}

/**
 * What was committed after a cursor. Passes over what the asker may not see, as far as one answer's work allows; `more`
 * counts only what they may see, unless that work is done.
 */
export const changesAfter = async (
  database: Database,
  actor: Actor,
  cursor: Cursor,
  { types, limit }: ChangesQuery,
  budget: AnswerBudget,
  read: ReadPage = (at, size) => readLog(database, at, size),
): Promise<ChangesPage> => {
  await database.ready()
  const data: WireChange[] = []
  let bytes = 0
  let size = Math.max(limit, Math.min(SPARE * limit, GOOD_PAGE))
  let at = cursor
  for (let passed = 0; passed < MOST_PASSED; passed += size, size = Math.min(SPARE * size, MOST_READ)) {
    budget.gone.throwIfAborted()
    const page = await read(at, size)
    if (!page && data.length > 0) return { data, cursor: at, more: true }
    if (!page) return { data: [], cursor: await presentCursor(database), more: false, reset: true }
    const candidates: PlacedChange[] = []
    for (const [place, change] of page.changes.entries()) {
      const known = concerns(database, actor, types, change)
      if (known) candidates.push({ change, known, place })
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
    at = goOn(at, page, page.more ? (page.changes.at(-1)?.seq ?? null) : null)
  }
  return { data, cursor: at, more: true }
}

/** As the wire has it. */
export const toAnswer = ({ cursors }: Database, { cursor, ...page }: ChangesPage): ChangesAnswer => ({
  ...page,
  cursor: cursors.encode(cursor),
})
