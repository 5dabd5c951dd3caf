// The lowest version that a change may get, see functions/history.sql.
import type { Knex } from 'knex'
import type { OwnedColumn } from './owned-columns.ts'
import { asIs, quoteName, quoteTable } from './quote.ts'

/** Notes a table that is tracked from now on, and the highest version that it has. */
export const knowRelation = async (knex: Knex, table: string, version: OwnedColumn): Promise<void> => {
  const name = quoteTable(table)
  await knex.raw(
    `select noclobber.know_relation(?::regclass, coalesce((select max(t.${asIs(quoteName(version.name))}) from ${asIs(name)} t), 0), ?)`,
    [name, version.type === 'integer'],
  )
}

const TRACKED = `select t.relation::regclass::text as name from unnest(noclobber.tracked_relations()) t(relation)
  join pg_class c on c.oid = t.relation where not c.relispartition order by t.relation`

/**
 * Begins a history: the versions of all tracked tables go on above all that may have been given, and every cursor is reset.
 * Writes that are under way are waited for, and none can go on by an old version.
 */
export const beginHistory = async (knex: Knex): Promise<void> => {
  await knex.transaction(async (transaction) => {
    const { rows } = await transaction.raw(TRACKED)
    for (const { name } of rows) await transaction.raw(asIs(`lock table ${name} in share row exclusive mode`))
    await transaction.raw('update noclobber.log_epoch set epoch = gen_random_uuid()')
    await transaction.raw('select noclobber.begin_history(true)')
  })
}
