// Reads the SQL files of this folder. They are SQL as PostgreSQL takes it, except for `:name`, which stands for a value that
// TypeScript knows too (VALUES) or for the fragment of that name.
// Invariant: this file alone puts anything into SQL files, and an unknown name is an error.
import { readFileSync } from 'node:fs'
import type { Knex } from 'knex'
import { LONGEST, NAMES, NOT_IN_NAMES } from './functions/writer-setting.ts'
import { asIs, quoteName, quoteTable, quoteText } from './quote.ts'

/** The values that `:name` stands for. `:line_writer` is the number of the line `writer` in a node's setting. */
export const VALUES: Record<string, string> = {
  setting: `pg_catalog.current_setting('noclobber.actor', true)`,
  setting_lines: `pg_catalog.string_to_array(pg_catalog.current_setting('noclobber.actor', true), E'\\n', '')`,
  plain_settings: `set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set timezone = 'UTC' set extra_float_digits = 1 set bytea_output = 'hex'`,
  origin_of_lines: `jsonb_build_object(${(['tab_id', 'socket_id', 'import_id'] as const).map((name) => `'${name}', lines[${NAMES.indexOf(name) + 1}]`).join(', ')})`,
  name_in_log: `case when tg_nargs > 6 then noclobber.partition_source(tg_relid, tg_argv[6]) else concat(tg_table_schema, '.', tg_table_name) end`,
  notifies: `current_setting('noclobber.notify', true) is distinct from 'off'`,
  longest_id: String(LONGEST.id),
  longest_name: String(LONGEST.name),
  not_in_names: quoteText(NOT_IN_NAMES),
  ...Object.fromEntries(NAMES.map((name, at) => [`line_${name}`, String(at + 1)])),
}

/** Pieces that several files have in common: `:check_types` is `fragments/check-types.sql`. */
export const FRAGMENTS = [
  'changes_of_the_id',
  'check_types',
  'differs',
  'log_declarations',
  'name_of_table',
  'parents_by_ids',
  'plain_types',
  'tombstones',
  'trusted_types',
  'valid_floor',
  'wake_readers',
]

/** A name, but neither a cast (`::text`) nor the end of a slice (`a[x:y]`). */
const NAME = /(?<![:\w]):([a-z]\w*)/g

const textOf = (path: string): string => {
  const url = new URL(path, import.meta.url)
  try {
    return readFileSync(url, 'utf8').replace(/^\s*--.*\n/gm, '')
  } catch (cause) {
    throw new Error(
      `${url.pathname} can't be read. The SQL files of noclobber lie beside its code: where noclobber is bundled into another file, leave it out of the bundle.`,
      { cause },
    )
  }
}

/** Puts values and fragments in. */
export const substitute = (text: string, path: string): string =>
  text.replace(NAME, (_, name: string) => {
    if (FRAGMENTS.includes(name))
      return substitute(textOf(`./fragments/${name.replaceAll('_', '-')}.sql`).trim(), name)
    const value = VALUES[name]
    if (value === undefined)
      throw new Error(`${path} names :${name}, which is neither a value nor a fragment.`)
    return value
  })

/** The SQL of a file, by its path from this folder: `functions/stamp.sql`. Its comments are left out. */
export const readSql = (path: string): string => substitute(textOf(`./${path}`), path)

/** Runs the SQL of a file. */
export const runSql = async (knex: Knex, path: string): Promise<void> => {
  await knex.raw(readSql(path).replaceAll('?', '\\?'))
}

/** Closes the log's schema: who may call a trigger's function can make it a trigger of their own table. Every migration ends with it. */
export const closeSchema = (knex: Knex): Promise<void> => runSql(knex, 'close-schema.sql')

/** What SQL files mean by a name or a text, whatever a role, a database or a connection sets. */
const STEADY: Record<string, string> = {
  search_path: 'pg_catalog, pg_temp',
  quote_all_identifiers: 'off',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
}
const NAMES_OF_STEADY = Object.keys(STEADY)

const MEANT = `select n.nspname as schema, c.relname as name from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
where c.oid operator(pg_catalog.=) pg_catalog.to_regclass(?)::pg_catalog.oid`

/** The table that the caller means by this name, with its schema and quoted; the name as it is where there is none. */
export const meantBy = async (knex: Knex, name: string): Promise<string> => {
  const [found] = (await knex.raw(MEANT, [quoteTable(name)])).rows
  return found ? `${quoteName(found.schema)}.${quoteName(found.name)}` : name
}

/** Does what fires the app's own triggers: they find their tables by the caller's search path. Each name in it is qualified. */
export type AsCaller = (work: () => Promise<unknown>) => Promise<void>

/**
 * Does the work of a migration under settings of our own, and puts back those that the transaction had. What others have made in a schema
 * of the caller's search path isn't called then in the place of PostgreSQL's own.
 */
export const steadily = async <Done>(
  knex: Knex,
  work: (asCaller: AsCaller) => Promise<Done>,
): Promise<Done> => {
  const had = NAMES_OF_STEADY.map((name) => `pg_catalog.current_setting('${name}') as ${name}`).join(', ')
  const [before] = (await knex.raw(`select ${had}`)).rows
  const steady = async () => {
    for (const [name, value] of Object.entries(STEADY)) await knex.raw(`set local ${name} = ${value}`)
  }
  // A script that is printed can't know what the session that it will run in has.
  const asBefore = async () => {
    for (const name of NAMES_OF_STEADY)
      await knex.raw(asIs(`set local ${name} = ${before ? before[name] || "''" : 'default'}`))
  }
  await steady()
  const done = await work(async (asCaller) => {
    await asBefore()
    await asCaller()
    await steady()
  })
  await asBefore()
  return done
}
