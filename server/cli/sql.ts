// `noclobber sql`: the migrations as plain SQL, for apps whose migrations aren't Knex's. Invariant: the database stays as it is.
import { changeLogSql, trackTableSql } from '../../migrations/plain-sql.ts'
import { COMMON, type Command, DATABASE, DATABASE_HELP, EXIT, UsageError } from './command.ts'
import { TRACK_HELP, TRACK_OPTIONS, trackOptionsOf } from './track-options.ts'
import { withDatabase } from './with-database.ts'

export const sql: Command = {
  name: 'sql',
  usage: '[TABLE] [--tenant COLUMN] [--lists COLUMN,…] [--ignore COLUMN,…] …',
  summary: 'print a migration as plain SQL: the change log, or the tracking of a table',
  help: [
    ...TRACK_HELP,
    DATABASE_HELP,
    '',
    'Without a table it needs no database. With one it looks at that table in a database that has the log.',
  ],
  options: { ...COMMON, ...DATABASE, ...TRACK_OPTIONS },
  run: async (terminal, values, [table, ...more]) => {
    if (more.length > 0) throw new UsageError('Name one table: noclobber sql projects')
    const print = (script: string) => {
      if (values.json) terminal.out(JSON.stringify({ sql: script }))
      else for (const line of script.split('\n')) terminal.out(line)
      return EXIT.done
    }
    if (!table) return print(await changeLogSql())
    const options = trackOptionsOf(values)
    return withDatabase(terminal, values, async (knex) => print(await trackTableSql(knex, table, options)))
  },
}
