// Has the log keep a table's values before and after each change, or no longer. A table that doesn't ask for them has none of
// these triggers and pays nothing.
import type { Knex } from 'knex'
import { asIs, quoteTable, quoteText } from './quote.ts'

/** PostgreSQL fires triggers by name, so these come behind those that write the log. */
export const VALUES_TRIGGER = 'zz_noclobber_values_update'
const TRIGGERS: [name: string, on: string][] = [
  ['zz_noclobber_values_insert', 'insert', 'referencing new table as new_rows'],
  [VALUES_TRIGGER, 'update', 'referencing old table as old_rows new table as new_rows'],
].map(([name = '', event, referencing]) => [name, `after ${event} on :table ${referencing}`])

/** The triggers of a table whose values are kept. */
export const VALUES_TRIGGERS = TRIGGERS.map(([name]) => name)

/** Drops a table's value triggers; values that were kept stay in the log. */
export const dropValues = async (knex: Knex, table: string): Promise<void> => {
  for (const [name] of TRIGGERS)
    await knex.raw(asIs(`drop trigger if exists ${name} on ${quoteTable(table)}`))
}

/**
 * Keeps a tracked table's values.
 *
 * @param args The key, the housekeeping columns as a PostgreSQL array (`{"seen_at"}`), and what the triggers own, in the same way.
 */
export const trackValues = async (knex: Knex, table: string, args: string[]): Promise<void> => {
  for (const [name, on] of TRIGGERS) {
    const definition = `create trigger ${name} ${on.replace(':table', () => quoteTable(table))}
      for each statement execute function noclobber.log_values(${args.map(quoteText).join(', ')})`
    await knex.raw(definition.replaceAll('?', '\\?'))
  }
}
