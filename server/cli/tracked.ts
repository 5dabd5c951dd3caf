// What a command asks about tracked tables, by the names that people write: with the schema or without.
import type { Knex } from 'knex'
import { quoteTable } from '../../migrations/quote.ts'
import type { TrackOptions } from '../../migrations/track-options.ts'
import { trackedTables } from '../doctor/tables.ts'
import { flagsOf, trackedOptions } from '../doctor/tracking-options.ts'

const SOURCE = `
select n.nspname || '.' || c.relname as source from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = to_regclass(?)`

/** The name with its schema; as it was given where there is no such table. */
const sourceOf = async (knex: Knex, table: string): Promise<string> =>
  (await knex.raw(SOURCE, [quoteTable(table)])).rows[0]?.source ?? table

/** The options that a table is tracked with now; `null` where it isn't tracked. */
export const trackedAs = async (knex: Knex, table: string): Promise<TrackOptions | null> => {
  const source = await sourceOf(knex, table)
  const { tables } = await trackedTables(knex, [])
  const found = tables.find((tracked) => tracked.source === source)
  return found ? trackedOptions(found.triggers) : null
}

/** The same columns in another order are the same, and so is a parent with its schema or without. */
const comparable = async (knex: Knex, options: TrackOptions): Promise<Map<string, string>> => {
  const { lists, ignore, partOf } = options
  return flagsOf({
    ...options,
    ...(lists ? { lists: [...new Set(lists)].sort() } : {}),
    ...(ignore ? { ignore: [...new Set(ignore)].sort() } : {}),
    ...(partOf ? { partOf: { ...partOf, table: await sourceOf(knex, partOf.table) } } : {}),
  })
}

/** What tracking a table in another way would change, option by option: `--lists client_id → none`. */
export const changesOf = async (knex: Knex, now: TrackOptions, wanted: TrackOptions): Promise<string[]> => {
  const before = await comparable(knex, now)
  const after = await comparable(knex, wanted)
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((flag) => before.get(flag) !== after.get(flag))
    .map((flag) => `${flag} ${before.get(flag) ?? 'none'} → ${after.get(flag) ?? 'none'}`)
}

/** Is this what somebody means by that name? */
export const isNamed = (source: string, name: string): boolean =>
  source === name || source === `public.${name}`

const IN_LOG = 'select exists (select from noclobber.changes where table_name in (?, ?)) as is_there'

/** Of these names the ones that are neither tracked nor in the log, where a table is that was tracked once. */
export const unknownTables = async (
  knex: Knex,
  names: string[],
): Promise<{ unknown: string[]; tracked: string[] }> => {
  const tracked = (await trackedTables(knex, [])).tables.map(({ source }) => source)
  const unknown: string[] = []
  for (const name of names) {
    if (tracked.some((source) => isNamed(source, name))) continue
    const { rows } = await knex.raw(IN_LOG, [name, `public.${name}`])
    if (!rows[0].is_there) unknown.push(name)
  }
  return { unknown, tracked }
}
