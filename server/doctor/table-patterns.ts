// Tables by a pattern of their schemas, where each tenant has one: `tenant_%.projects`.
import type { Knex } from 'knex'
import { quoteName, quoteTable } from '../../migrations/quote.ts'

/** A schema with `%` in its name, and the table. A name in quotes is no pattern. */
const PATTERN = /^([^".]*%[^".]*)\.(.+)$/s

export const isPattern = (name: string): boolean => PATTERN.test(name)

const SCHEMAS = `select n.nspname as schema from pg_namespace n where n.nspname like ? and n.nspname <> 'noclobber'
  and not starts_with(n.nspname, 'pg_') order by 1`

const asGiven = (schema: string) => (/[".%]/.test(schema) ? quoteName(schema) : schema)

/**
 * The names, with each pattern replaced by the table of that name in all schemas that it fits; a pattern that fits none stays.
 *
 * @param onlyThere Leaves out schemas that have no such table.
 */
export const tablesByPatterns = async (
  knex: Knex,
  names: string[],
  { onlyThere = false } = {},
): Promise<string[]> => {
  const found: string[] = []
  for (const name of names) {
    const [, schemas = '', table = ''] = PATTERN.exec(name) ?? []
    if (table === '') {
      found.push(name)
      continue
    }
    const { rows } = await knex.raw(SCHEMAS, [schemas.replace(/[\\_]/g, '\\$&')])
    const tables = rows.map(({ schema }: { schema: string }) => `${asGiven(schema)}.${table}`)
    if (tables.length === 0) found.push(name)
    for (const each of tables) {
      const there = onlyThere
        ? await knex.raw('select to_regclass(?) is not null as there', [quoteTable(each)])
        : null
      if (!there || there.rows[0].there) found.push(each)
    }
  }
  return found
}
