// Declares that the log keeps a table's values before and after each change, or no longer.
import type { Knex } from 'knex'
import { quoteTable, quoteText } from './quote.ts'

/** By name they fire behind the triggers that write the log. */
export const VALUES_TRIGGER = 'zz_noclobber_values_update'
const TRIGGERS: [name: string, on: string][] = [
  ['zz_noclobber_values_insert', 'insert', 'referencing new table as new_rows'],
  [VALUES_TRIGGER, 'update', 'referencing old table as old_rows new table as new_rows'],
].map(([name = '', event, referencing]) => [name, `after ${event} on :table ${referencing}`])

/** The triggers that a table has whose values are kept. */
export const VALUES_TRIGGERS = TRIGGERS.map(([name]) => name)

/** Takes a table's value triggers away; what was kept stays in the log. */
export const dropValues = async (knex: Knex, table: string): Promise<void> => {
  for (const [name] of TRIGGERS) await knex.raw(`drop trigger if exists ${name} on ${quoteTable(table)}`)
}

/**
 * Keeps a tracked table's values.
 *
 * @param unkept Housekeeping columns, as a PostgreSQL array: `{"seen_at"}`.
 * @throws Error with a sentence where the log is older than values.
 */
export const trackValues = async (knex: Knex, table: string, key: string, unkept: string): Promise<void> => {
  const { rows } = await knex.raw(`select to_regproc('noclobber.log_values') is not null as ready`)
  if (!rows[0].ready)
    throw new Error(
      `Table ${table} can't keep values: the change log is an older one. Run migrate(knex) of noclobber/migrations first.`,
    )
  const args = [key, unkept].map(quoteText).join(', ')
  for (const [name, on] of TRIGGERS) {
    const definition = `create trigger ${name} ${on.replace(':table', () => quoteTable(table))}
      for each statement execute function noclobber.log_values(${args})`
    await knex.raw(definition.replaceAll('?', '\\?'))
  }
}
