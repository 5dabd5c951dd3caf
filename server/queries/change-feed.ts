// The change feed for programs: what was committed after a cursor, as far as the asker may see it.
// Invariant: whoever follows the cursors gets each change that he may see exactly once, whatever the page size, the
// filter and the order in which transactions began; where that can't be promised (pruned, restored, another
// database) the answer is a reset, never silence.

import type { Log } from '../base/options.ts'
import type { Actor, PermissionRecord } from '../base/record-type.ts'
import { type Connection, sendOn, statement } from '../db/statement.ts'
import type { Told } from '../log/change-waiters.ts'
import { type Cursor, type SnapshotParts, snapshotParts } from '../log/cursor.ts'
import { createLogReader, type Page } from '../log/log-reader.ts'
import type { ChangedValues, ChangesAnswer, WireChange } from '../protocol/index.ts'
import { shownValues, type WantedValues } from '../records/history-values.ts'
import { authorizationRows, type TypedChange } from '../records/permission-rows.ts'
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
  { knex, limits }: Database,
  use: (connection: Connection, driver: unknown, named: boolean) => Promise<T>,
): Promise<T> => {
  const connection = await knex.client.acquireConnection()
  try {
    return await use(connection, knex.client.driver, limits.namedStatements)
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

/** Those of the changes that the asker may see. One that can't be judged or shown is skipped, and counted in the log. */
const visibleTo = async (database: Database, actor: Actor, changes: TypedChange[], log: Log) => {
  const rows = await authorizationRows(database, changes)
  const visible: (WantedValues & { entry: TypedChange })[] = []
  let skipped = 0
  for (const entry of changes) {
    const row: PermissionRecord | undefined = rows.get(entry)
    try {
      const { known, change } = entry
      if (row && known.type.can(actor, 'read', row))
        visible.push({ entry, known, id: change.id, version: change.version, now: row })
    } catch (error) {
      skipped += 1
      if (skipped === 1) log.error({ error, type: entry.known.type.name }, 'A change could not be judged.')
    }
  }
  if (skipped > 0) log.warn({ skipped }, 'Changes were left out of an answer.')
  const values = await shownValues(database, actor, visible)
  return visible.map((wanted) => wireChange(actor, wanted.entry, values.get(wanted)))
}

/** Reads a page of the log; `null` where the cursor has expired. */
export type ReadPage = (cursor: Cursor, size: number) => Promise<Page | null>

/** What was committed after a cursor. Passes over what the asker may not see, as far as one answer's work allows. */
export const changesAfter = async (
  database: Database,
  actor: Actor,
  cursor: Cursor,
  { types, limit }: ChangesQuery,
  log: Log,
  read: ReadPage = (at, size) => readLog(database, at, size),
): Promise<ChangesPage> => {
  await database.ready()
  let size = Math.max(limit, Math.min(SPARE * limit, GOOD_PAGE))
  let at = cursor
  for (let passed = 0; passed < MOST_PASSED; passed += size, size = Math.min(SPARE * size, MOST_READ)) {
    const page = await read(at, size)
    if (!page) return { data: [], cursor: await presentCursor(database), more: false, reset: true }
    const candidates: TypedChange[] = []
    for (const change of page.changes) {
      const known = concerns(database, actor, types, change)
      if (known) candidates.push({ change, known })
    }
    const taken = candidates.slice(0, limit)
    const last = candidates.length > limit ? taken.at(-1)?.change : page.more && page.changes.at(-1)
    const data = await visibleTo(database, actor, taken, log)
    if (!last && !at.rest) return { data, cursor: page.cursor, more: false }
    at = goOn(at, page, last ? last.seq : null)
    if (data.length > 0) return { data, cursor: at, more: true }
  }
  return { data: [], cursor: at, more: true }
}

/** As the wire has it. */
export const toAnswer = ({ cursors }: Database, { cursor, ...page }: ChangesPage): ChangesAnswer => ({
  ...page,
  cursor: cursors.encode(cursor),
})
