// `noclobber untrack`: stops tracking a table; `noclobber uninstall`: takes everything of ours out of a database. Invariant: rows
// stay, and columns unless they are given up by name; without --yes `uninstall` changes nothing, and lists what it would.
import type { Knex } from 'knex'
import { untrackTable } from '../../migrations/index.ts'
import { lockTables } from '../../migrations/lock-tables.ts'
import { trackedTables } from '../doctor/tables.ts'
import { COMMON, type Command, DATABASE, DATABASE_HELP, EXIT, UsageError } from './command.ts'
import { trackedAs } from './tracked.ts'
import { withDatabase } from './with-database.ts'

const STAY =
  'Its columns version, updated_at and updated_by stay; without triggers nothing keeps them current.'
const NOT_KNOWN =
  'Nothing says any more which of its columns were added: drop them by SQL (alter table … drop column …), or track it again before.'

export const untrack: Command = {
  name: 'untrack',
  usage: 'TABLE [--drop-columns]',
  summary: 'stop tracking a table',
  help: [
    '  --drop-columns   drop its columns version, updated_at and updated_by too',
    DATABASE_HELP,
    '',
    'Take its type out of your servers first: they can’t serve a table that isn’t tracked. The log keeps its changes until they are pruned.',
  ],
  options: { ...COMMON, ...DATABASE, 'drop-columns': { type: 'boolean' } },
  run: async (terminal, values, [table, ...more]) => {
    if (!table || more.length > 0) throw new UsageError('Name one table: noclobber untrack projects')
    return withDatabase(terminal, values, async (knex) => {
      const dropColumns = values['drop-columns'] === true
      if (!(await trackedAs(knex, table))) {
        terminal.err(`${table} is not tracked.${dropColumns ? ` ${NOT_KNOWN}` : ''}`)
        return EXIT.refused
      }
      await knex.transaction((trx) => untrackTable(trx, table, { dropColumns }))
      const untracked = `${table} is not tracked any more.${dropColumns ? '' : ` ${STAY}`}`
      terminal.out(values.json ? JSON.stringify({ table, dropColumns }) : untracked)
      return EXIT.done
    })
  },
}

const DROP_LOG = `
drop schema if exists noclobber cascade;
drop table if exists public.noclobber_migrations, public.noclobber_migrations_lock`

const removeAll = (knex: Knex, tables: string[], dropColumns: boolean) =>
  knex.transaction(async (trx) => {
    await lockTables(trx, tables)
    for (const table of tables) await untrackTable(trx, table, { dropColumns })
    await trx.raw(DROP_LOG)
  })

const NOTHING = 'Nothing of noclobber is in this database.'

const WHAT_IS_THERE = `select to_regnamespace('noclobber') is not null as log,
  to_regclass('public.noclobber_migrations') is not null as migrations`

const whatIsThere = async (knex: Knex): Promise<{ log: boolean; migrations: boolean }> =>
  (await knex.raw(WHAT_IS_THERE)).rows[0]

export const uninstall: Command = {
  name: 'uninstall',
  usage: '--yes [--drop-columns]',
  summary: 'stop tracking every table, and drop the change log',
  help: [
    '  --yes            do it; without this it is only said what would be done',
    '  --drop-columns   drop the columns version, updated_at and updated_by of the tables too',
    DATABASE_HELP,
    '',
    'Stop your servers first. What the log holds is lost; the tables keep their rows. Columns that were tracked under other names stay.',
  ],
  options: { ...COMMON, ...DATABASE, yes: { type: 'boolean' }, 'drop-columns': { type: 'boolean' } },
  run: (terminal, values) =>
    withDatabase(terminal, values, async (knex) => {
      const { log, migrations } = await whatIsThere(knex)
      const isThere = log || migrations
      const tables = log ? (await trackedTables(knex, [])).tables.map(({ written }) => written) : []
      const isDone = values.yes === true
      const dropColumns = values['drop-columns'] === true
      if (isDone) await removeAll(knex, tables, dropColumns)
      if (values.json) terminal.out(JSON.stringify({ tables, dropColumns, done: isDone }))
      else if (!isThere) terminal.out(NOTHING)
      else if (isDone) terminal.out(`Untracked: ${tables.join(', ') || 'no table'}. The change log is gone.`)
      else {
        terminal.out(
          `Would untrack: ${tables.join(', ') || 'no table'}. Would drop the schema noclobber with its log.`,
        )
        terminal.out('Nothing was done. Stop your servers, then add --yes.')
      }
      return isDone || !isThere ? EXIT.done : EXIT.refused
    }),
}
