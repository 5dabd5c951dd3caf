// Partitions of a tracked table. PostgreSQL gives each of them the triggers for its rows, also those that are made later, but
// runs the triggers for statements only on the table that a statement names.
// Invariant: a statement that names a partition is logged as one that names the table itself.
import type { Knex } from 'knex'
import { asIs, quoteTable } from './quote.ts'
import { treeOf } from './supported.ts'
import { TRIGGER_ARGUMENTS } from './trigger-arguments.ts'

/** Our triggers for statements on `g.tgrelid`. */
const OF_STATEMENTS = `starts_with(g.tgname, 'zz_noclobber_') and g.tgtype & 1 = 0 and g.tgname <> 'zz_noclobber_needs_its_columns' and not g.tgisinternal`

const PARTITIONS = `${treeOf('to_regclass(?)')} t join pg_class l on l.oid = t.relid and l.relispartition where t.relid <> to_regclass(?)`

/** The statements that make a table's triggers for its partitions. The last argument is the name in the log. */
const MAKE = `
select pg_catalog.format('create trigger %I %s %s on %s %s for each statement execute function %s(%s)', g.tgname,
  case when g.tgtype & 2 <> 0 then 'before' else 'after' end,
  case when g.tgtype & 4 <> 0 then 'insert' when g.tgtype & 8 <> 0 then 'delete' when g.tgtype & 16 <> 0 then 'update' else 'truncate' end,
  t.relid::regclass,
  case when pg_catalog.num_nonnulls(g.tgoldtable, g.tgnewtable) > 0 then pg_catalog.concat('referencing', ' old table as ' || g.tgoldtable, ' new table as ' || g.tgnewtable) end,
  g.tgfoid::regproc,
  (select pg_catalog.string_agg(quote_literal(a.text), ', ' order by a.at)
    from pg_catalog.unnest(trim_array(${TRIGGER_ARGUMENTS}, 1) || pg_catalog.concat(n.nspname, '.', c.relname)) with ordinality a(text, at))) as sql
from pg_trigger g join pg_class c on c.oid = g.tgrelid join pg_namespace n on n.oid = c.relnamespace, ${PARTITIONS} and c.oid = to_regclass(?) and ${OF_STATEMENTS}`

const DROP = `
select pg_catalog.format('drop trigger %I on %s', g.tgname, t.relid::regclass) as sql
from ${PARTITIONS.replace(' where', ' join pg_trigger g on g.tgrelid = t.relid where')} and ${OF_STATEMENTS}`

const runAll = async (knex: Knex, rows: { sql: string }[]) => {
  for (const { sql } of rows) await knex.raw(asIs(sql))
}

/** Takes the partitions' own triggers away. */
export const dropPartitions = async (knex: Knex, table: string): Promise<void> => {
  const name = quoteTable(table)
  await runAll(knex, (await knex.raw(DROP, [name, name])).rows)
}

/** Gives all partitions the triggers for statements that the table has. */
export const trackPartitions = async (knex: Knex, table: string): Promise<void> => {
  const name = quoteTable(table)
  await runAll(knex, (await knex.raw(MAKE, [name, name, name])).rows)
}

/** SQL for the partitions of the relation `c` that lack a trigger which it has for statements; null where none does. */
export const PARTITIONS_APART = `(select pg_catalog.string_agg(distinct t.relid::regclass::text, ', ')
  from ${treeOf('c.oid')} t, pg_trigger g where c.relkind = 'p' and t.relid <> c.oid and g.tgrelid = c.oid and ${OF_STATEMENTS}
    and not exists (select from pg_trigger p where p.tgrelid = t.relid and p.tgname = g.tgname))`
