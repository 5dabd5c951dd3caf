// The lowest version that a change may get, see functions/history.sql.
import type { Knex } from 'knex'
import { lockTables } from './lock-tables.ts'
import type { OwnedColumn } from './owned-columns.ts'
import { arrayText, asIs, quoteName, quoteTable } from './quote.ts'
import { idText } from './record-key.ts'
import type { AsCaller } from './sql.ts'
import { treeOf } from './supported.ts'

/** The table, and of its partitions those, that no trigger of ours sees written by whatever name. */
const UNSEEN = `
select array(select t.relid::bigint from ${treeOf('to_regclass(:table)')} t
  where (select pg_catalog.count(*) from pg_trigger g where g.tgrelid = t.relid and g.tgenabled in ('O', 'A')
    and g.tgname in ('zz_noclobber_stamp', 'zz_noclobber_update')) < 2) as unseen`

/** Asked before its triggers are dropped. Ids of relations, as texts. */
export const unseenRelations = async (knex: Knex, table: string): Promise<string[]> =>
  (await knex.raw(UNSEEN, { table: quoteTable(table) })).rows[0].unseen.map(String)

/**
 * Notes a table that is tracked from now on, and the highest version that it has.
 *
 * @param unseen {@link unseenRelations}
 * @returns Of these, those whose rows may have other content than their versions had: see {@link raiseUnseen}.
 */
export const knowRelation = async (
  knex: Knex,
  table: string,
  version: OwnedColumn,
  unseen: string[],
): Promise<string[]> => {
  const name = quoteTable(table)
  const { rows } = await knex.raw(
    `select noclobber.know_relation(?::regclass, coalesce((select pg_catalog.max(t.${asIs(quoteName(version.name))}) from ${asIs(name)} t), 0), ?,
       ?::oid[])::bigint[] as known`,
    [name, version.type === 'integer', arrayText(unseen)],
  )
  return rows[0].known.map(String)
}

/** A row of the log's that its transaction wrote itself, and that the row `t` is still as that transaction left it. */
const isOf = (log: string, writtenBy: string, id: string, version: string) => `
  exists (select from noclobber.${log} c where c.table_name = :source and c.record_id = ${id} and c.version = t.${version}
    and c.event <> 'deleted' and c.xid::xid = t.xmin and ${writtenBy})`

/**
 * Gives each row of these relations a new version, above all that were ever given, unless the log shows that it is as it was when it
 * got the version that it has. Its triggers are there again.
 */
export const raiseUnseen = async (
  knex: Knex,
  {
    table,
    source,
    keys,
    version,
    fields,
    asCaller,
  }: {
    table: string
    source: string
    keys: string[]
    version: string
    fields: string[]
    asCaller: AsCaller
  },
  relations: string[],
): Promise<void> => {
  if (relations.length === 0) return
  const [id, column] = [asIs(idText('t', keys)), asIs(quoteName(version))]
  const raise = () =>
    knex.raw(
      `update ${asIs(quoteTable(table))} t set ${column} = t.${column} + 1 where t.tableoid = any(cast(:relations as oid[]))
     and not ${isOf('record_changes', 'coalesce(c.moved_in, c.xid)::xid = c.xmin', id, column)}
     and not ${isOf('batched_changes', 'c.xid::xid = c.written_in', id, column)}`,
      { source, relations: arrayText(relations) },
    )
  await asCaller(raise)
  // Which fields are others is not known, nor what they were.
  for (const [log, values] of [
    ['record_changes', ', changed_values = null'],
    ['change_batches', ''],
  ])
    await knex.raw(
      `update noclobber.${log} c set changed_fields = cast(:fields as text[]) ${values}
       where c.xid = pg_current_xact_id() and c.table_name = :source and c.event = 'updated' and c.changed_fields = '{}'`,
      { source, fields: arrayText(fields) },
    )
}

const TRACKED = `select t.relation::regclass::text as name from pg_catalog.unnest(noclobber.tracked_relations()) t(relation)
  join pg_class c on c.oid = t.relation where not c.relispartition order by t.relation`

/**
 * Begins a history: the versions of all tracked tables go on above all that may have been given, and every cursor is reset.
 * Writes that are under way are waited for, and none can go on by an old version.
 */
export const beginHistory = async (knex: Knex): Promise<void> => {
  await knex.transaction(async (transaction) => {
    const { rows } = await transaction.raw(TRACKED)
    const names = rows.map(({ name }: { name: string }) => name)
    await lockTables(transaction, names, 'share row exclusive')
    await transaction.raw('update noclobber.log_epoch set epoch = gen_random_uuid()')
    await transaction.raw('select noclobber.begin_history(true)')
  })
}
