// The lowest version that a change may get, see functions/history.sql.
import type { Knex } from 'knex'
import { quoteTable } from './quote.ts'

/** Notes a table that is tracked from now on, and the highest version that it has. */
export const knowRelation = async (knex: Knex, table: string): Promise<void> => {
  const name = quoteTable(table)
  await knex.raw(
    `select noclobber.know_relation(?::regclass, coalesce((select max(t.version) from ${name} t), 0))`,
    [name],
  )
}
