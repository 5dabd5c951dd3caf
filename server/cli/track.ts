// `noclobber track`: tracks a table, at once or by a migration. Invariant: options that a table has are not lost unasked.
import type { Knex } from 'knex'
import { type TrackOptions, trackTable } from '../../migrations/index.ts'
import { lockTables } from '../../migrations/lock-tables.ts'
import { isPattern, tablesByPatterns } from '../doctor/table-patterns.ts'
import { commandOf } from '../doctor/tracking-options.ts'
import { trackMigration } from '../setup/migration-text.ts'
import {
  COMMON,
  type Command,
  DATABASE,
  DATABASE_HELP,
  EXIT,
  type Terminal,
  text,
  UsageError,
} from './command.ts'
import { writeMigration } from './migration-file.ts'
import { TRACK_HELP, TRACK_OPTIONS, trackOptionsOf } from './track-options.ts'
import { changesOf, trackedAs } from './tracked.ts'
import { withDatabase } from './with-database.ts'

/** Says what would become of a table that is tracked in another way already. */
const wouldChange = async ({ err }: Terminal, knex: Knex, table: string, options: TrackOptions) => {
  const now = await trackedAs(knex, table)
  const changed = now ? await changesOf(knex, now, options) : []
  if (!now || changed.length === 0) return false
  err(`${table} is tracked already, with other options. This would change: ${changed.join('; ')}.`)
  err(`As it is tracked now: ${commandOf(table, now)}`)
  err('Nothing was done. Give the same options, or --replace to have it tracked with these alone.')
  return true
}

export const track: Command = {
  name: 'track',
  usage:
    'TABLE [--tenant COLUMN] [--lists COLUMN,…] [--ignore COLUMN,…] [--history values] [--part-of TABLE=COLUMN,…] [--replace] [--write] [--dir migrations] [--ts]',
  summary: 'track a table: give it versions and a history',
  help: [
    '  TABLE            projects, app.projects, or tenant_%.projects: that of each schema whose name fits',
    ...TRACK_HELP,
    '  --replace        track a table with these options that is tracked with others already; with --write: by another migration',
    '  --write          write a migration instead of changing the database now',
    '  --dir DIR        where your Knex migrations are; default: migrations',
    '  --ts             write TypeScript',
    DATABASE_HELP,
  ],
  options: {
    ...COMMON,
    ...DATABASE,
    ...TRACK_OPTIONS,
    replace: { type: 'boolean' },
    write: { type: 'boolean' },
    dir: { type: 'string' },
    ts: { type: 'boolean' },
  },
  run: async (terminal, values, [table, ...more]) => {
    if (!table || more.length > 0) throw new UsageError('Name one table: noclobber track projects')
    const options = trackOptionsOf(values)
    if (values.write) {
      if (isPattern(table)) throw new UsageError('--write takes one table, and no pattern of schemas.')
      const file = await writeMigration(terminal, {
        dir: text(values, 'dir') ?? 'migrations',
        name: `track_${table.replace(/\W/g, '_')}`,
        typescript: values.ts === true,
        migration: trackMigration(table, options),
        isAnother: values.replace === true,
      })
      terminal.out(values.json ? JSON.stringify({ file }) : `Wrote ${file}. Next: npx knex migrate:latest`)
      return EXIT.done
    }
    return withDatabase(terminal, values, async (knex) => {
      const tracked: string[] = []
      try {
        const isRefused = await knex.transaction(async (trx) => {
          const tables = await tablesByPatterns(trx, [table], { onlyThere: true })
          for (const each of tables)
            if (values.replace !== true && (await wouldChange(terminal, trx, each, options))) return true
          if (tables.length > 1) await lockTables(trx, tables)
          for (const each of tables) await trackTable(trx, each, options)
          tracked.push(...tables)
          return false
        })
        if (isRefused) return EXIT.usage
      } catch (error) {
        if (!(error as Error).message.startsWith('Table ')) throw error
        terminal.err((error as Error).message)
        return EXIT.refused
      }
      for (const each of tracked)
        terminal.out(values.json ? JSON.stringify({ table: each, ...options }) : `${each} is tracked.`)
      return EXIT.done
    })
  },
}
