// The SQL that reads the change log by snapshot. What is not visible in the last snapshot and visible in this one is
// exactly what was committed in between: none skipped, none twice, whatever order transactions began in.
// Invariant: one statement reads the changes and the snapshot that they are read at. Transactions still open are
// carried in the snapshot by name, so a long one delays nobody and is not scanned for again.

import { isoUtc, utcText } from '../db/iso-time.ts'
import { type Connection, type Row, type Statement, sendOn, statement } from '../db/statement.ts'
import type { HistoryEvent, Writer } from '../protocol/index.ts'
import type { Cursor } from './cursor.ts'
import { normalizedWriter } from './stored-writer.ts'

/** One row of the change log. */
export interface Change {
  /** The transaction that wrote it. */
  xid: string
  seq: string
  /** `schema.table`. */
  source: string
  id: string
  version: number
  /** Where it stands for several changes of one transaction: the version before the first. */
  previousVersion?: number
  event: HistoryEvent
  tenantId: string | null
  changedFields: string[]
  /** By list column: the parents that it had before and has now. */
  scopes: Record<string, string[]> | null
  updatedAt: string
  updatedBy: Writer | null
  tabId: string | null
  socketId: string | null
  importId: string | null
  /** The version whose values it brought back. */
  restoredFrom: number | null
  /** The row as it was, of a deletion. */
  oldRow: Row | null
}

/** A page of changes after a cursor. */
export interface Page {
  changes: Change[]
  /** Where the next read begins once `more` is false. */
  cursor: Cursor
  /** There is more up to `cursor`: read again with `after`. */
  more: boolean
  /** When the snapshot was taken, or a little before, by the database's clock; `null` of the rest of a page. */
  asOf: string | null
}

/** The rest of a page that was longer than the limit. */
export interface PageRest {
  upTo: Cursor
  afterSeq: string
  /** Transactions of a table to be left out: they are delivered as a whole. */
  without?: { xid: string; source: string }[]
}

/** Which changes are read: those of some tables, each of one tenant or, `null`, of whichever. */
export interface LogFilter {
  /** `schema.table`. */
  sources: string[]
  /** By the same place. */
  tenants: (string | null)[]
}

/** How a page is read. */
interface PageOptions {
  /** The rest of a longer page. */
  rest?: PageRest | undefined
  /** How many bytes of deleted rows it holds; the first row comes however large it is. */
  oldRowBytes?: number
  /** Default: everything. What a page costs then goes by what there is of these. */
  only?: LogFilter | undefined
}

/** A change's columns in the log as `c`. */
export const COLUMNS = `c.xid::text as xid, c.seq::text as seq, c.table_name, c.record_id, c.version, c.event, c.tenant_id,
  c.changed_fields, c.scopes, ${utcText('c.updated_at')} as updated_at, c.updated_by, c.tab_id, c.socket_id, c.import_id, c.restored_from, c.old_row`

/**
 * Those open at the snapshot in $1 that are over at a later one. Without the latter an import's rows, which nobody may see
 * before its commit, would be looked through by every read meanwhile.
 */
export const overAt = (later: string): string => `array(select x from pg_snapshot_xip($1::pg_snapshot) x
      where pg_visible_in_snapshot(x, ${later}))`

/** What more is asked of a row `c`. */
interface Further {
  condition: string
  /** How a bound of its transaction is written. */
  bound(value: string): string
}

/** Nothing. */
const ALL: Further = { condition: 'true', bound: (value) => value }

/** The number in the log's index by which a tenant's changes are found; of a table without tenants it is the table's. */
export const numberOf = (tenant: string, source: string) =>
  `hashtextextended(coalesce(${tenant}, ${source}), 0)`

/**
 * The rows of a {@link LogFilter}, given as two parameters. The number leads to them, and two may have the same one. Bounds are
 * hidden from the planner: by its statistics there is nothing yet of transactions so new, and it would read all of them.
 */
const ofFilter = (sources: string, tenants: string): Further => {
  const wanted = `unnest(${sources}::text[], ${tenants}::text[]) w(source, tenant)`
  return {
    condition: `${numberOf('c.tenant_id', 'c.table_name')} = any(array(select ${numberOf('w.tenant', 'w.source')} from ${wanted}))
    and exists (select from ${wanted} where w.source = c.table_name and (w.tenant is null or w.tenant = c.tenant_id))`,
    bound: (value) => `(select ${value})`,
  }
}

/** Rows of a log that `c` stands for, of transactions that were over at a later snapshot and not at that in $1. */
const begunSince = (columns: string, log: string, later: string, { condition, bound }: Further) => `
  select ${columns} from noclobber.${log} c
  where c.xid >= ${bound('pg_snapshot_xmax($1::pg_snapshot)')} and c.xid < ${bound(`pg_snapshot_xmax(${later})`)} and ${condition}
  union all
  select ${columns} from noclobber.${log} c
  where c.xid >= ${bound('pg_snapshot_xmin($1::pg_snapshot)')} and c.xid < ${bound('pg_snapshot_xmax($1::pg_snapshot)')}
    and c.xid = any(${overAt(later)}) and ${condition}`

/** With the place of each in the order of the log. */
const PLACED = `${COLUMNS}, c.seq as place`

const ahead = (further: Further) => begunSince(PLACED, 'changes', 'pg_current_snapshot()', further)

/**
 * The rows that may be ahead of the snapshot in $1: of transactions begun after it, and of those open at it. The upper
 * bounds exclude nothing; without them PostgreSQL takes a third of the log for a match and reads all of it.
 */
export const AHEAD = ahead(ALL)

/** The present position, as columns. */
export const PRESENT = 'pg_current_snapshot()::text as snapshot, noclobber.epoch() as epoch'

/**
 * How large a value of the log is, without reading it: what it takes on disk, times twenty where it is compressed (most
 * text is to a third, at the utmost to an eightieth).
 */
export const storedBytes = (column: string): string =>
  `coalesce(pg_column_size(${column})::bigint * case when pg_column_compression(${column}) is null then 1 else 20 end, 0)`

/** Rows in the order of their places, up to the first with which their old rows are more than a budget of bytes. */
const withinBytes = (rows: string, budget: string): string => `
  select * from (select r.*, sum(${storedBytes('r.old_row')}) over (order by r.place rows unbounded preceding) as old_bytes
    from (${rows}) r) s where s.old_bytes - ${storedBytes('s.old_row')} <= ${budget}::bigint`

const read = (further: Further) =>
  statement(`
with here as materialized (select ${PRESENT}, ${utcText('statement_timestamp()')} as as_of)
select here.snapshot as here, here.epoch as epoch, here.as_of, c.* from here
left join lateral (${withinBytes(`select * from (${ahead(further)}) a order by place limit $2`, '$3')}) c on true order by c.place`)

/**
 * How far beyond its size a page looks for rows that are next in the order of the log: changes of a batch have numbers
 * one after the other, others one in a thousand.
 */
const SPREADS = [4, 40, 400, 4_000]

/** The last cursor's snapshot, the limit, the number to go on after, the snapshot to read up to, what is left out. */
const OF_REST = `c.seq > $3::bigint and pg_visible_in_snapshot(c.xid, $4::pg_snapshot)
    and not exists (select from unnest($5::xid8[], $6::text[]) w(xid, source) where w.xid = c.xid and w.source = c.table_name)`

/** The batches that a number behind $3 can be in. */
const BATCH_OF_REST = 'c.batch_seq > $3::bigint - 1000'

/** A further page of a large batch, from the rows just behind the last one; of use where they fill it. */
const readNext = ({ condition }: Further) =>
  statement(`
with here as materialized (select noclobber.epoch() as epoch)
select $4::text as here, here.epoch, c.* from here, (${withinBytes(
    `select ${PLACED} from noclobber.changes c
  where ${OF_REST} and ${BATCH_OF_REST} and c.seq <= $3::bigint + $8::bigint and c.batch_seq <= $3::bigint + $8::bigint
    and (c.xid >= pg_snapshot_xmax($1::pg_snapshot) or c.xid = any(${overAt('$4::pg_snapshot')})) and ${condition}
  order by c.seq limit $2`,
    '$7',
  )}) c
order by c.place`)

const restOf = (columns: string, log: string, { condition, bound }: Further, batches = 'true') =>
  begunSince(columns, log, '$4::pg_snapshot', {
    condition: `${OF_REST} and ${batches} and ${condition}`,
    bound,
  })

/** The same, looked for in the whole rest of the batch; sorted are the numbers of the log's rows, not these themselves. */
const readRest = (further: Further) =>
  statement(`
with here as materialized (select noclobber.epoch() as epoch),
page as materialized (select a.xid, a.seq from (${restOf('c.xid, c.seq', 'record_changes', further)}) a order by a.seq limit $2)
select $4::text as here, here.epoch, c.* from here, (${withinBytes(
    `select ${PLACED} from page p join noclobber.record_changes c on c.xid = p.xid and c.seq = p.seq
  union all
  select * from (${restOf(PLACED, 'batched_changes', further, BATCH_OF_REST)}) b order by place limit $2`,
    '$7',
  )}) c
order by c.place`)

/** The filter's parameters come last. */
const OF_ALL = { read: read(ALL), next: readNext(ALL), rest: readRest(ALL) }
const OF_FILTER = {
  read: read(ofFilter('$4', '$5')),
  next: readNext(ofFilter('$9', '$10')),
  rest: readRest(ofFilter('$8', '$9')),
}

const HERE = statement(`select ${PRESENT}`)

const LONGEST_ID = 200

/** Ids of pages and sockets are no longer; what is, nobody has sent. */
const shortId = (id: string | null): string | null => (id !== null && id.length > LONGEST_ID ? null : id)

/** A change from its row in the log. */
export const toChange = (row: Row): Change => ({
  xid: row.xid,
  seq: row.seq,
  source: row.table_name,
  id: row.record_id,
  version: Number(row.version),
  event: row.event,
  tenantId: row.tenant_id,
  changedFields: row.changed_fields ?? [],
  scopes: row.scopes,
  updatedAt: isoUtc(row.updated_at),
  updatedBy: normalizedWriter(row.updated_by),
  tabId: shortId(row.tab_id),
  socketId: shortId(row.socket_id),
  importId: row.import_id,
  restoredFrom: row.restored_from === null ? null : Number(row.restored_from),
  oldRow: row.old_row,
})

/** Of deletions a page holds the rows as they were: so many bytes of them, unless it says otherwise, or one. */
const OLD_ROW_BYTES = 16_000_000

/** Sends statements on one connection. */
export interface LogReader {
  /** The position of now. */
  here(): Promise<Cursor>
  /** What was committed after a cursor, oldest first. The page's epoch differs from the cursor's in another history. */
  changesAfter(cursor: Cursor, limit: number, options?: PageOptions): Promise<Page>
}

const isCut = (rows: Row[], bytes: number) => Number(rows.at(-1)?.old_bytes ?? 0) > bytes

export const createLogReader = (connection: Connection, driver: unknown, named = true): LogReader => ({
  here: async () => {
    const { rows } = await sendOn(connection, driver, HERE, [], named)
    return rows[0] as Cursor
  },
  changesAfter: async ({ snapshot, epoch }, limit, { rest, oldRowBytes = OLD_ROW_BYTES, only } = {}) => {
    const statements = only ? OF_FILTER : OF_ALL
    const filter = only ? [only.sources, only.tenants] : []
    const read = async (query: Statement, ...values: unknown[]) =>
      (await sendOn(connection, driver, query, [snapshot, limit + 1, ...values, ...filter], named)).rows
    const readRest = async ({ afterSeq, upTo, without = [] }: PageRest) => {
      const left = [without.map(({ xid }) => xid), without.map(({ source }) => source)]
      const values = [afterSeq, upTo.snapshot, ...left, oldRowBytes]
      for (const spread of SPREADS) {
        const next = await read(statements.next, ...values, spread * limit)
        if (next.length > limit || isCut(next, oldRowBytes)) return next
      }
      return read(statements.rest, ...values)
    }
    const rows = rest ? await readRest(rest) : await read(statements.read, oldRowBytes)
    const first = rows[0]
    const isLong = isCut(rows, oldRowBytes)
    // The row that goes beyond the budget is left for the next page, unless it is the only one.
    const within = isLong && rows.length > 1 ? rows.slice(0, -1) : rows
    const changes = within.filter((row) => row.xid !== null).map(toChange)
    return {
      changes: changes.slice(0, limit),
      cursor: first ? { epoch: first.epoch, snapshot: first.here } : (rest?.upTo ?? { epoch, snapshot }),
      more: changes.length > limit || isLong,
      asOf: first?.as_of ? isoUtc(first.as_of) : null,
    }
  },
})
