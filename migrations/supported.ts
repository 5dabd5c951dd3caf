// What is supported: which PostgreSQL, which change log, and which relations: those for all of whose rows PostgreSQL runs the
// triggers that stamp and log. A relation is refused when it is tracked, and again when a server looks its types up.
import type { Knex } from 'knex'

/** The oldest major version on which the tests of migrations, saves and the doctor were run. */
const OLDEST_POSTGRES = 14

/** What is wrong with the database's version; `null` where it is new enough. */
export const tooOld = async (knex: Knex): Promise<string | null> => {
  const { rows } = await knex.raw(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as name`,
  )
  const [{ number, name }] = rows
  return number >= OLDEST_POSTGRES * 10_000
    ? null
    : `noclobber needs PostgreSQL ${OLDEST_POSTGRES} or later; this is ${name}.`
}

/** What is wrong with the database's encoding; `null` where all that people write can be stored. */
export const otherEncoding = async (knex: Knex): Promise<string | null> => {
  const { encoding } = (await knex.raw(`select current_setting('server_encoding') as encoding`)).rows[0]
  return encoding === 'UTF8' || encoding === 'SQL_ASCII'
    ? null
    : `noclobber needs a database in UTF8; this one is in ${encoding}, which lacks characters of names and texts. Make one by create database … encoding 'UTF8' template template0, and move the data there with pg_dump.`
}

/** What keeps this session from writing; `null` where nothing does. */
export const readOnly = async (knex: Knex): Promise<string | null> =>
  (await knex.raw(`select current_setting('transaction_read_only')::boolean as "isReadOnly"`)).rows[0]
    .isReadOnly
    ? 'this session may not write: default_transaction_read_only is on for the role or the database, or it is a read-only standby. Reset it for the role of the migrations.'
    : null

/**
 * Asks the catalogue: a role without rights on the schema gets an answer too. A log of before lacks a table and the function that reads
 * it; one that lost the table alone is torn, which the doctor finds.
 */
const OLDER_LOG = `
select pg_catalog.bool_or(
  not exists (select from pg_proc p where p.pronamespace = n.oid and p.proname = k.of_function)
  and not exists (select from pg_class t where t.relnamespace = n.oid and t.relname = k.of_table)) as "isOlder"
from pg_namespace n join pg_class c on c.relnamespace = n.oid and c.relname = 'record_changes'
cross join (values ('change_batches', 'compact'), ('noted_floors', 'uncertain_floor')) k(of_table, of_function)
where n.nspname = 'noclobber'`

/** What a log is that was made before the first release, and what to do with it. */
export const OLDER = {
  message:
    "The change log of this database was made by a noclobber of before the first release, and can't be brought up to date.",
  advice:
    'Make a new database (the demo: another DATA_DIR). Or begin a new log: drop schema noclobber cascade, drop table noclobber_migrations, then migrate and track the tables again; the tables keep their rows and versions.',
}

/** What is wrong with a log that was made before the first release; `null` where there is none. */
export const olderLog = async (knex: Knex): Promise<string | null> =>
  (await knex.raw(OLDER_LOG)).rows[0].isOlder ? `${OLDER.message} ${OLDER.advice}` : null

/** A relation and its partitions, as `relid`. PostgreSQL's `pg_partition_tree` locks each, and so waits for who alters one, or meets them. */
export const treeOf = (relation: string): string =>
  `(with recursive tree(relid) as (select ${relation}::oid union all select i.inhrelid from tree r join pg_inherits i on i.inhparent = r.relid)
    select relid from tree)`

/** That of the relation `c` of `pg_class`. */
const TREE = treeOf('c.oid')

/** An unlogged partition of the relation `c`; null where there is none. */
const UNLOGGED_PARTITION = `(select pg_catalog.min(p.oid::regclass::text) from ${TREE} t join pg_class p on p.oid = t.relid
  where p.oid <> c.oid and p.relpersistence = 'u')`

/** SQL for why the relation `c` of `pg_class` can't be tracked, as a sentence; null where it can. */
export const UNTRACKABLE = `case
  when c.relkind in ('v', 'm') then 'it is a view. Track the tables that it shows.'
  when c.relkind = 'f' then 'it is a foreign table: its rows are written elsewhere, past every trigger here.'
  when c.relkind not in ('r', 'p') then 'it is no table.'
  when c.reloftype <> 0 then
    pg_catalog.format('it is a table of the type %s, which takes no further columns. ALTER TABLE … NOT OF first.', c.reloftype::regtype)
  when c.relpersistence = 't' then 'it is a temporary table, which other connections don''t see.'
  when c.relpersistence = 'u' then 'it is unlogged: a crash of PostgreSQL empties it, past every trigger. ALTER TABLE … SET LOGGED first.'
  when c.relispartition then pg_catalog.format('it is a partition of %s. Track that one, and write to it.',
    (select i.inhparent::regclass from pg_inherits i where i.inhrelid = c.oid limit 1))
  when c.relkind = 'r' and exists (select from pg_inherits i where i.inhrelid = c.oid) then
    pg_catalog.format('it inherits from %s: what is written to that one passes the triggers of this one by. Make it a table of its own.',
      (select i.inhparent::regclass from pg_inherits i where i.inhrelid = c.oid limit 1))
  when c.relkind = 'r' and exists (select from pg_inherits i where i.inhparent = c.oid) then
    pg_catalog.format('%s inherits from it, and PostgreSQL runs no trigger of this one for rows of that one. Use tables without INHERITS.',
      (select i.inhrelid::regclass from pg_inherits i where i.inhparent = c.oid limit 1))
  when ${UNLOGGED_PARTITION} is not null then
    pg_catalog.format('its partition %s is unlogged: a crash of PostgreSQL empties it, past every trigger. ALTER TABLE … SET LOGGED first.',
      ${UNLOGGED_PARTITION})
  when exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'p' and k.condeferrable) then
    'its primary key is deferrable: two records could have one id for a while, and a version would stand for both. Make it NOT DEFERRABLE.'
  when exists (select from pg_rewrite r where r.ev_class in ${TREE}) then
    pg_catalog.format('it has the rule %s: rules rewrite statements, and PostgreSQL doesn''t answer then what was written. Make it a trigger.',
      (select pg_catalog.string_agg(pg_catalog.quote_ident(r.rulename) || case when r.ev_class <> c.oid then pg_catalog.concat(' on ', r.ev_class::regclass) else '' end, ', '
        order by r.rulename) from pg_rewrite r where r.ev_class in ${TREE}))
end`

/** SQL for the triggers of the relation `c`, or of a partition, that fire after the stamp, before the row is written; null where there is none. */
export const LATE_TRIGGERS = `(select pg_catalog.string_agg(pg_catalog.quote_ident(g.tgname) || case when g.tgrelid <> c.oid then pg_catalog.concat(' on ', g.tgrelid::regclass) else '' end, ', '
    order by g.tgname, g.tgrelid) from pg_trigger g
  where g.tgrelid in ${TREE} and g.tgparentid = 0 and not g.tgisinternal and g.tgtype & 3 = 3 and g.tgtype & 20 <> 0 and g.tgenabled in ('O', 'A')
    and g.tgname::text collate "C" > 'zz_noclobber_stamp' and not starts_with(g.tgname, 'zz_noclobber_'))`

/** What to do about {@link LATE_TRIGGERS}. */
export const RENAME_THEM =
  'PostgreSQL fires triggers by name, and what they change would have no version. Rename them, so that they come before zz_noclobber_: alter trigger … on … rename to ….'
