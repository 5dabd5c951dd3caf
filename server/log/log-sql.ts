// The SQL that reads the change log by snapshot. What is not visible in the last snapshot and visible in this one is
// exactly what was committed in between: none skipped, none twice, whatever order transactions began in.
// Invariant: one statement reads the changes and the snapshot that they are read at. Transactions still open are
// carried in the snapshot by name, so a long one delays nobody and is not scanned for again.
import { utcText } from '../db/iso-time.ts'
import { type Statement, statement } from '../db/statement.ts'

/** A change's columns in the log as `c`. */
export const COLUMNS = `c.xid::text as xid, c.seq::text as seq, c.table_name, c.record_id, c.version, c.event, c.tenant_id,
  c.changed_fields, c.scopes, ${utcText('c.updated_at')} as updated_at, c.updated_by, c.tab_id, c.socket_id, c.import_id, c.restored_from, c.old_row`

/** The columns that say which change it is and whom it may concern. */
const KEY_COLUMNS = `c.xid::text as xid, c.seq::text as seq, c.table_name, c.record_id, c.version, c.tenant_id, c.scopes,
  c.import_id is not null as is_imported`

/**
 * Those open at the snapshot in $1 that are over at a later one. Without the latter an import's rows, which nobody may see
 * before its commit, would be looked through by every read meanwhile.
 */
export const overAt = (later: string): string => `array(select x from pg_snapshot_xip($1::pg_snapshot) x
      where pg_visible_in_snapshot(x, ${later}))`

/** What more is asked of a row `c`. */
interface Further {
  condition: string
  /** A log's rows, as `c`, of transactions of a range, the last one excluded. */
  between(log: string, first: string, end: string): string
}

const inRange = (log: string, first: string, end: string) =>
  `noclobber.${log} c where c.xid >= ${first} and c.xid < ${end}`

/** Nothing. */
const ALL: Further = { condition: 'true', between: inRange }

/** The number in the log's index by which a tenant's changes are found; of a table without tenants it is the table's. */
export const numberOf = (tenant: string, source: string) =>
  `hashtextextended(coalesce(${tenant}, ${source}), 0)`

/**
 * The rows of a {@link LogFilter}, given as two parameters. The number leads to them, and two may have the same one. Each is looked up by
 * itself (`offset 0`), and number and transaction are compared as one, so the index of both is what fits: by its statistics the planner
 * takes few tenants for the whole log, and would read what all of them have changed. Bounds are hidden from it: there it has nothing yet
 * of transactions so new.
 */
const ofFilter = (at: number): Further => {
  const wanted = `unnest($${at}::text[], $${at + 1}::text[]) w(source, tenant)`
  const own = `(${numberOf('c.tenant_id', 'c.table_name')}, c.xid)`
  return {
    condition: `exists (select from ${wanted} where w.source = c.table_name and (w.tenant is null or w.tenant = c.tenant_id))`,
    between: (
      log,
      first,
      end,
    ) => `(select distinct ${numberOf('w.tenant', 'w.source')} from ${wanted}) n(number)
    cross join lateral (select c.* from noclobber.${log} c
      where ${own} >= (n.number, (select ${first})) and ${own} < (n.number, (select ${end})) offset 0) c where true`,
  }
}

/** Rows of a log that `c` stands for, of transactions that were over at a later snapshot and not at that in $1. */
const begunSince = (columns: string, log: string, later: string, { condition, between }: Further) => `
  select ${columns} from ${between(log, 'pg_snapshot_xmax($1::pg_snapshot)', `pg_snapshot_xmax(${later})`)} and ${condition}
  union all
  select ${columns} from ${between(log, 'pg_snapshot_xmin($1::pg_snapshot)', 'pg_snapshot_xmax($1::pg_snapshot)')}
    and c.xid = any(${overAt(later)}) and ${condition}`

/** Those of some tables, given as one parameter; of all where it is null. */
const ofSources = (at: number): Further => ({
  condition: `($${at}::text[] is null or c.table_name = any($${at}::text[]))`,
  between: inRange,
})

/** With the place of each in the order of the log. */
const placed = (columns: string) => `${columns}, c.seq as place`

const ahead = (columns: string, further: Further) =>
  begunSince(placed(columns), 'changes', 'pg_current_snapshot()', further)

/**
 * The rows that may be ahead of the snapshot in $1: of transactions begun after it, and of those open at it. The upper
 * bounds exclude nothing; without them PostgreSQL takes a third of the log for a match and reads all of it.
 */
export const AHEAD = ahead(COLUMNS, ALL)

/** The present position, as columns. */
export const PRESENT = 'pg_current_snapshot()::text as snapshot, noclobber.epoch() as epoch'

/**
 * Records with a change ahead of the snapshot in $1 that counts for one person: not of their own making, and not of such columns alone as
 * they may not see. $2: the most records; then the person, those columns, and a {@link LogFilter}.
 */
export const CHANGED_RECORDS = statement(`
with here as materialized (select ${PRESENT})
select here.snapshot, here.epoch, r.id from here left join (
  select l.record_id as id
  from (${begunSince('c.record_id, c.event, c.changed_fields, c.updated_by', 'changes', 'pg_current_snapshot()', ofFilter(5))}) l
  where coalesce(l.updated_by->>'id' <> $3 or l.updated_by->>'kind' = 'database', true)
    and not (l.event = 'updated' and l.changed_fields <> '{}' and l.changed_fields <@ $4::text[])
  group by l.record_id limit $2) r on true`)

/**
 * How large a value of the log is, without reading it: what it takes on disk, times twenty where it is compressed (most
 * text is to a third, at the utmost to an eightieth).
 */
export const storedBytes = (column: string): string =>
  `coalesce(pg_catalog.pg_column_size(${column})::bigint * case when pg_catalog.pg_column_compression(${column}) is null then 1 else 20 end, 0)`

/** Rows of which as many as fit into a budget of bytes, if they have any that count: a window over each row costs as much as a key. */
type Within = (rows: string, budget: string) => string

/** Rows in the order of their places, up to the first with which their old rows are more than a budget of bytes. */
const withinBytes: Within = (rows, budget) => `
  select * from (select r.*, sum(${storedBytes('r.old_row')}) over (order by r.place rows unbounded preceding) as old_bytes
    from (${rows}) r) s where s.old_bytes - ${storedBytes('s.old_row')} <= ${budget}::bigint`

/** The same of rows without old rows: all of them. */
const whole: Within = (rows, budget) =>
  `select r.*, 0 as old_bytes from (${rows}) r where ${budget}::bigint is not null`

/** The last cursor's snapshot, the limit, the budget of bytes. */
const first = (columns: string, further: Further, within: Within) => `
with here as materialized (select ${PRESENT}, ${utcText('statement_timestamp()')} as as_of)
select here.snapshot as here, here.epoch as epoch, here.as_of, c.* from here
left join lateral (${within(`select * from (${ahead(columns, further)}) a order by place limit $2`, '$3')}) c on true order by c.place`

/**
 * How far beyond its size a page looks for rows that are next in the order of the log: changes of a batch have numbers
 * one after the other, others one in a thousand.
 */
export const SPREADS = [4, 40, 400, 4_000]

/** The last cursor's snapshot, the limit, the number to go on after, the snapshot to read up to, what is left out. */
const OF_REST = `c.seq > $3::bigint and pg_visible_in_snapshot(c.xid, $4::pg_snapshot)
    and not exists (select from unnest($5::xid8[], $6::text[]) w(xid, source) where w.xid = c.xid and w.source = c.table_name)`

/** The batches that a number behind $3 can be in. */
const BATCH_OF_REST = 'c.batch_seq > $3::bigint - 1000'

/** A further page of a large batch, from the rows just behind the last one; of use where they fill it. $7: the budget. */
const next = (columns: string, { condition }: Further, within: Within) => `
with here as materialized (select noclobber.epoch() as epoch)
select $4::text as here, here.epoch, null::text as as_of, c.* from here, (${within(
  `select ${placed(columns)} from noclobber.changes c
  where ${OF_REST} and ${BATCH_OF_REST} and c.seq <= $3::bigint + $8::bigint and c.batch_seq <= $3::bigint + $8::bigint
    and (c.xid >= pg_snapshot_xmax($1::pg_snapshot) or c.xid = any(${overAt('$4::pg_snapshot')})) and ${condition}
  order by c.seq limit $2`,
  '$7',
)}) c
order by c.place`

const restOf = (columns: string, log: string, further: Further, batches = 'true') =>
  begunSince(columns, log, '$4::pg_snapshot', {
    ...further,
    condition: `${OF_REST} and ${batches} and ${further.condition}`,
  })

/** The same, looked for in the whole rest of the batch; sorted are the numbers of the log's rows, not these themselves. */
const rest = (columns: string, further: Further, within: Within) => `
with here as materialized (select noclobber.epoch() as epoch),
page as materialized (select a.xid, a.seq from (${restOf('c.xid, c.seq', 'record_changes', further)}) a order by a.seq limit $2)
select $4::text as here, here.epoch, null::text as as_of, c.* from here, (${within(
  `select ${placed(columns)} from page p join noclobber.record_changes c on c.xid = p.xid and c.seq = p.seq
  union all
  select * from (${restOf(placed(columns), 'batched_changes', further, BATCH_OF_REST)}) b order by place limit $2`,
  '$7',
)}) c
order by c.place`

/** How a page is read: the first of a batch, and further ones, see {@link SPREADS}. */
export interface PageStatements {
  first: Statement
  /** Its eighth parameter is how far to look. */
  next: Statement
  rest: Statement
}

/** The parameters of what more is asked come last. */
const pages = (
  columns: string,
  further: (at: number) => Further,
  form: (text: string) => string = (text) => text,
  within: Within = withinBytes,
): PageStatements => ({
  first: statement(form(first(columns, further(4), within))),
  next: statement(form(next(columns, further(9), within))),
  rest: statement(form(rest(columns, further(8), within))),
})

/** A column of a page as one text. */
const listed = (value: string, name: string) =>
  `json_agg(${value}) filter (where k.xid is not null)::text as ${name}`

/** A page in one row, its columns as JSON: a driver's row and its values cost more than all that is in them. */
const inOneRow = (text: string) => `
with k as (${text})
select pg_catalog.min(k.here) as here, pg_catalog.min(k.epoch) as epoch, pg_catalog.min(k.as_of) as as_of, ${[
  listed('k.xid', 'xids'),
  listed('k.seq', 'seqs'),
  listed('k.table_name', 'sources'),
  listed('k.record_id', 'ids'),
  listed('k.version', 'versions'),
  listed('k.tenant_id', 'tenants'),
  listed('k.scopes', 'scopes'),
  listed('k.is_imported', 'imported'),
].join(', ')} from k`

/** Everything. */
export const OF_ALL = pages(COLUMNS, () => ALL)
/** The last parameters are those of a {@link LogFilter}. */
export const OF_FILTER = pages(COLUMNS, ofFilter)
/** The last parameter is the tables, or null. */
export const KEYS = pages(KEY_COLUMNS, ofSources, inOneRow, whole)

/** The changes of these transactions and numbers, up to a budget of bytes. */
export const BY_KEYS = statement(`
select c.* from (${withinBytes(
  `select ${placed(COLUMNS)} from unnest($1::xid8[], $2::bigint[]) k(xid, seq)
    join noclobber.record_changes c on c.xid = k.xid and c.seq = k.seq
  union all
  select ${placed(COLUMNS)} from unnest($1::xid8[], $2::bigint[]) k(xid, seq)
    join noclobber.batched_changes c on c.xid = k.xid and c.seq = k.seq and c.batch_seq > k.seq - 1000 and c.batch_seq <= k.seq`,
  '$3',
)}) c order by c.place`)

export const HERE = statement(`select ${PRESENT}`)
