// What migrate and trackTable do, as plain SQL, for apps whose migrations aren't Knex's.
// Invariant: the text is what those functions send, so neither can fall behind the other.
import type { Knex } from 'knex'
import { asKnex, asRecording, type Sql } from '../server/db/pg-as-knex.ts'
import { CHECK_OWNERS, MIGRATION_RUN, MIGRATIONS_TABLE, migrationSource } from './index.ts'
import { quoteText } from './quote.ts'
import type { TrackOptions } from './track-options.ts'
import { trackTable } from './track-table.ts'

const literal = (value: unknown) =>
  value === null || value === undefined ? 'null' : quoteText(String(value))

/** Knex's bindings in their places. */
const filled = (text: string, bindings: unknown): string => {
  const left = Array.isArray(bindings) ? [...bindings] : []
  const named = (bindings ?? {}) as Record<string, unknown>
  const isByPlace = Array.isArray(bindings)
  return text.replace(/\\\?|\?|(?<![:\w]):([a-zA-Z]\w*)/g, (found, name?: string) => {
    if (found === '\\?') return '?'
    if (found === '?') return isByPlace ? literal(left.shift()) : '?'
    return !isByPlace && name && Object.hasOwn(named, name) ? literal(named[name]) : found
  })
}

/** Reads that leave nothing behind. */
const isRead = (text: string) => /^\s*select\b/i.test(text) && !/\bnoclobber\.\w+\(/.test(text)

/** Notes what is sent; `on`: where it is sent to besides. */
const recorder = (on?: Knex) => {
  const statements: string[] = []
  const knex = asRecording(async (text, bindings) => {
    if (!isRead(text)) statements.push(filled(text, bindings).trim().replace(/;$/, ''))
    return on ? on.raw(text, bindings as Knex.RawBinding[]) : { rows: [] }
  })
  const script = () => ['begin', ...statements, 'commit'].map((text) => `${text};`).join('\n\n')
  return { knex, script }
}

/** The change log as one script, to be run once on a database that has none. */
export const changeLogSql = async (): Promise<string> => {
  const { knex, script } = recorder()
  await knex.raw(MIGRATIONS_TABLE)
  await knex.raw(CHECK_OWNERS)
  for (const name of await migrationSource.getMigrations([])) {
    await (await migrationSource.getMigration(name)).up(knex)
    await knex.raw(MIGRATION_RUN, [name])
  }
  return script()
}

class Undo extends Error {}

/**
 * What trackTable would do to this table of this database, as one script. It is done and undone to find out.
 *
 * @throws what trackTable throws.
 */
export const trackTableSql = async (sql: Sql, table: string, options: TrackOptions): Promise<string> => {
  let script = ''
  await asKnex(sql)
    .transaction(async (transaction) => {
      const recording = recorder(transaction)
      await trackTable(recording.knex, table, options)
      script = recording.script()
      throw new Undo()
    })
    .catch((error) => {
      if (!(error instanceof Undo)) throw error
    })
  return script
}
