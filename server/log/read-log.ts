// Reads the change log from a cursor, on a connection of the pool: its pages, its first and present positions.
// Invariant: a page is returned only if nothing that was ahead of its cursor had been pruned when it was read.
import type { Knex } from 'knex'
import type { LeftSettings } from '../db/left-settings.ts'
import { type Connection, sendOn, statement } from '../db/statement.ts'
import { type Cursor, type SnapshotParts, snapshotParts } from './cursor.ts'
import { createLogReader, type LogFilter, type Page } from './log-reader.ts'
import { PRESENT } from './log-sql.ts'

/** Where the log is read: the server's database. */
interface LogSource {
  knex: Knex
  namesStatements(): boolean
  on: LeftSettings['on']
}

/** How many bytes of deleted rows one page holds; the first row comes however large it is. */
const OLD_ROW_BYTES = 2_000_000

const STATE = statement(`
select ${PRESENT}, h.xid::text as xid, h.seq::text as seq
from noclobber.log_horizon h`)

/** Where the log stands, and how far it was pruned. */
interface LogState {
  here: Cursor
  xid: bigint
  seq: bigint
}

const hasLost = ({ xmax, open }: SnapshotParts, { xid }: LogState) =>
  xid >= xmax || open.some((still) => still <= xid)

/** Whether changes ahead of this cursor were pruned, or the cursor is of another history. */
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

/** Whether a read can't go on from this cursor. Asked after a read, so that it holds for what was read. */
export const hasExpired = async (connection: Connection, driver: unknown, named: boolean, cursor: Cursor) =>
  isExpired(cursor, await stateOn(connection, driver, named))

/** Runs `use` on one of the pool's connections; `use` must take no other. */
const onConnection = <T>(
  { knex, namesStatements, on }: LogSource,
  use: (connection: Connection, driver: unknown, named: boolean) => Promise<T>,
): Promise<T> => on((connection) => use(connection, knex.client.driver, namesStatements()))

/** The present position: everything committed from now on is ahead of it. */
export const presentCursor = async (database: LogSource): Promise<Cursor> =>
  (await onConnection(database, stateOn)).here

/** The first position: everything that the log still holds is ahead of it. */
export const firstCursor = async (database: LogSource): Promise<Cursor> => {
  const { here, xid } = await onConnection(database, stateOn)
  const first = (xid & 0xffff_ffffn) === 0xffff_ffffn ? xid + 2n : xid + 1n
  return { epoch: here.epoch, snapshot: `${first}:${first}:` }
}

/** One page of the log; `null` if the cursor has expired. The horizon is read after the page: pruning may run meanwhile. */
export const readLog = (
  database: LogSource,
  cursor: Cursor,
  size: number,
  only?: LogFilter,
): Promise<Page | null> =>
  onConnection(database, async (connection, driver, named) => {
    const { epoch, snapshot, rest } = cursor
    const page = await createLogReader(connection, driver, named).changesAfter({ epoch, snapshot }, size, {
      rest: rest && { upTo: { epoch, snapshot: rest.snapshot }, afterSeq: rest.afterSeq },
      oldRowBytes: OLD_ROW_BYTES,
      only,
    })
    return (await hasExpired(connection, driver, named, cursor)) ? null : page
  })

/** Does the log still hold everything that came after this cursor? */
export const isReadable = (database: LogSource, cursor: Cursor): Promise<boolean> =>
  onConnection(
    database,
    async (connection, driver, named) => !(await hasExpired(connection, driver, named, cursor)),
  )

/**
 * The cursor after a page that was read at `cursor`: after `afterSeq` in it or, for `null`, after all of it. That need not be
 * the present: the rest of a batch ends where the batch did.
 */
export const continueAfter = ({ epoch, snapshot }: Cursor, page: Page, afterSeq: string | null): Cursor =>
  afterSeq === null ? page.cursor : { epoch, snapshot, rest: { snapshot: page.cursor.snapshot, afterSeq } }
