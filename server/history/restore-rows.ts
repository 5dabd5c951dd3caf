// The SQL that writes deleted rows back as the log kept them, whatever types their columns have.
// Invariant: all columns come back but generated ones and those of the triggers, so versions go up past all that an id had; a row
// whose id is there again is left as it is. Each change in the log names the version that came back.
import type { Knex } from 'knex'
import { ownedBy, ownedNames } from '../../migrations/owned-columns.ts'
import { quoteName, quoteText } from '../../migrations/quote.ts'
import { idText, keyOf } from '../../migrations/record-key.ts'
import { STAMP_TRIGGER } from '../../migrations/track-table.ts'
import { TRIGGER_ARGUMENTS } from '../../migrations/trigger-arguments.ts'
import { statement } from '../db/statement.ts'
import type { Database } from '../tables/database.ts'

/** source: the table, its columns and its key. */
const TABLE = statement(`
select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name, ${keyOf('c.oid')} as keys,
  array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    and a.attgenerated = '' order by a.attnum) as columns,
  (select (${TRIGGER_ARGUMENTS})[6] from pg_trigger g where g.tgrelid = c.oid and g.tgname = '${STAMP_TRIGGER}') as owned
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname || '.' || c.relname = $1`)

/** source: what cascades from it, of tracked tables; columns that refer, and those that they refer to. */
const CASCADES = statement(`
select n.nspname || '.' || c.relname as source,
  array(select a.attname::text from pg_catalog.unnest(k.conkey) with ordinality u(attnum, at) join pg_attribute a
    on a.attrelid = k.conrelid and a.attnum = u.attnum order by u.at) as columns,
  array(select a.attname::text from pg_catalog.unnest(k.confkey) with ordinality u(attnum, at) join pg_attribute a
    on a.attrelid = k.confrelid and a.attnum = u.attnum order by u.at) as referred
from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
where k.contype = 'f' and k.confdeltype = 'c' and k.conparentid = 0
  and exists (select from pg_trigger g where g.tgrelid = c.oid and g.tgname = '${STAMP_TRIGGER}')
  and k.confrelid in (select p.oid from pg_class p join pg_namespace m on m.oid = p.relnamespace
    where m.nspname || '.' || p.relname = $1)
order by 1, 2`)

/** Rows of a table that go with rows of another: those whose columns hold what the other's hold. */
export interface Dependents {
  source: string
  columns: string[]
  referred: string[]
}

/** What goes with rows of a table by a foreign key that cascades. */
export const cascadesOf = async (
  database: Database,
  source: string,
  transaction: Knex.Transaction,
): Promise<Dependents[]> => {
  const rows = await database.send(CASCADES, [source], transaction)
  return rows.map(({ source: from, columns, referred }) => ({ source: from, columns, referred }))
}

/** Which deleted rows: of the transaction that deleted them those of this record, or those with these values in their columns. */
export interface DeletedRows {
  source: string
  xid: string
  /** `null`: the record's id. */
  columns: string[] | null
  values: string[]
  /** Only those with these ids. */
  among?: string[]
  /** When, to the minute: a log that was restored from a dump has one transaction for all that was before. */
  at: string
}

/** Texts of several columns as one. */
const together = (columns: string[], row: string) =>
  `jsonb_build_array(${columns.map((name) => `${row}.old_row->>${quoteText(name)}`).join(', ')})::text`

/** xid, source, values, time: the rows of the log. */
const ROWS = ({ columns, among }: DeletedRows) => `
  select distinct on (c.record_id) c.record_id, c.version, c.old_row, c.seq from noclobber.record_changes c
  where c.xid = $1::xid8 and c.table_name = $2 and c.event = 'deleted' and c.old_row is not null
    and ${columns === null ? 'c.record_id' : together(columns, 'c')} = any($3::text[])
    and c.updated_at between $4::timestamptz - interval '1 minute' and $4::timestamptz + interval '1 minute'
    ${among ? 'and c.record_id = any($5::text[])' : ''}
  order by c.record_id, c.version desc`

const parametersOf = ({ xid, source, values, at, among }: DeletedRows) => [
  ...[xid, source, values, at],
  ...(among ? [among] : []),
]

/** What these columns held in these rows, as {@link DeletedRows.values} of other rows. */
export const textsOf = async (
  database: Database,
  rows: DeletedRows,
  columns: string[],
  transaction: Knex.Transaction,
): Promise<string[]> => {
  const text = `select distinct ${together(columns, 'd')} as text from (${ROWS(rows)}) d`
  const found = await database.send({ name: '', text }, parametersOf(rows), transaction)
  return found.map(({ text: value }) => value as string)
}

/** Writes the rows back; the ids of those that came. None where the table is not there any more. */
export const restoreRows = async (
  database: Database,
  rows: DeletedRows,
  transaction: Knex.Transaction,
): Promise<string[]> => {
  const [table] = await database.send(TABLE, [rows.source], transaction)
  if (!table) return []
  const owned = ownedBy(table.owned ?? undefined)
  const asked = `select k.name from (${ROWS(rows)}) d, jsonb_object_keys(d.old_row) k(name) group by k.name`
  const had = await database.send({ name: '', text: asked }, parametersOf(rows), transaction)
  const names = new Set(had.map(({ name }) => name as string))
  const columns = (table.columns as string[]).filter(
    (name) => names.has(name) && !ownedNames(owned).includes(name),
  )
  if (columns.length === 0) return []
  const version = quoteName(owned.version.name)
  const list = (of: string) => columns.map((name) => `, ${of}${quoteName(name)}`).join('')
  const text = `
with gone as materialized (${ROWS(rows)}),
made as (
  insert into ${table.name} as t (${version}${list('')}) overriding system value
  select 1${list('r.')} from gone g cross join lateral pg_catalog.jsonb_populate_record(null::${table.name}, g.old_row) r
  where not exists (select from ${table.name} t where ${(table.keys as string[]).map((key) => `t.${quoteName(key)} = r.${quoteName(key)}`).join(' and ')})
  order by g.seq returning ${idText('t', table.keys)} as id)
select coalesce(pg_catalog.array_agg(m.id), '{}') as ids from made m`
  const [row] = await database.send({ name: '', text }, parametersOf(rows), transaction)
  const was = `(g.old_row->>${quoteText(owned.version.name)})::bigint`
  const name = `
with gone as materialized (${ROWS(rows)}),
batched as (
  update noclobber.change_batches b set restored_from = array(
    select ${was} from pg_catalog.unnest(coalesce(b.record_ids, b.record_numbers::text[])) with ordinality u(id, at)
    left join gone g on g.record_id = u.id order by u.at)
  where b.xid = pg_current_xact_id() and b.table_name = $2 and b.event = 'created')
update noclobber.record_changes c set restored_from = ${was} from gone g
where c.xid = pg_current_xact_id() and c.table_name = $2 and c.record_id = g.record_id and c.event = 'created'`
  await database.send({ name: '', text: name }, parametersOf(rows), transaction)
  return row?.ids ?? []
}
