// What a table must be to be tracked: a relation whose every row our triggers see, with a key that makes an id, the columns
// that the options name, and nothing else under the names of the columns that the triggers own.
// Invariant: a table that can't be tracked is refused with a sentence, and nothing of it is changed.
import type { Knex } from 'knex'
import { quoteTable } from './quote.ts'
import { LATE_TRIGGERS, olderLog, RENAME_THEM, UNTRACKABLE } from './supported.ts'

export interface Column {
  name: string
  type: string
  key: boolean
  /** Its collation takes different texts for equal. */
  isLoose: boolean
}

const KEY_TYPES = ['smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying']

const KIND = `select ${UNTRACKABLE} as why, ${LATE_TRIGGERS} as late from pg_class c where c.oid = to_regclass(?)`

const columnsOf = async (knex: Knex, table: string): Promise<Column[]> => {
  const { rows } = await knex.raw(
    `select a.attname as name, format_type(a.atttypid, null) as type,
       coalesce(a.attnum = any(i.indkey), false) as key,
       exists (select from pg_collation o where o.oid = a.attcollation and not o.collisdeterministic) as "isLoose"
     from pg_attribute a left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
     where a.attrelid = to_regclass(?) and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [quoteTable(table)],
  )
  return rows
}

const refuse = (table: string, why: string): never => {
  throw new Error(`Table ${table} can't be tracked: ${why}`)
}

const LOG = `
select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'noclobber' and c.relname = 'record_changes') as "isThere", current_user as role,
  (select n.nspowner::regrole::text from pg_namespace n where n.nspname = 'noclobber') as owner,
  (select pg_has_role(n.nspowner, 'usage') from pg_namespace n where n.nspname = 'noclobber') as "isMine"`

/** The log must be there, and the role's own: nobody else may call the triggers' functions. */
const checkLog = async (knex: Knex, table: string) => {
  const older = await olderLog(knex)
  if (older) throw new Error(older)
  const [log] = (await knex.raw(LOG)).rows
  if (!log.isThere)
    refuse(
      table,
      'the change log is not there yet. First run migrate(knex) of noclobber/migrations, or npx noclobber init, which writes a migration.',
    )
  if (!log.isMine)
    refuse(
      table,
      `the change log belongs to ${log.owner}, and ${log.role} is no member of it. Run the migration as ${log.owner}.`,
    )
}

const keyOf = (table: string, columns: Column[]): Column => {
  const keys = columns.filter((column) => column.key)
  const [key] = keys
  if (!key || keys.length > 1) {
    return refuse(table, `it needs a primary key of one column, and has ${keys.length || 'none'}.`)
  }
  if (!KEY_TYPES.includes(key.type)) {
    return refuse(table, `its key ${key.name} is ${key.type}; a key is one of ${KEY_TYPES.join(', ')}.`)
  }
  if (key.isLoose)
    return refuse(
      table,
      `its key ${key.name} takes different texts for equal, by its collation. Give it a deterministic one.`,
    )
  return key
}

const checkNames = (table: string, columns: Column[], named: string[]) => {
  for (const name of named) {
    if (!columns.some((column) => column.name === name)) refuse(table, `it has no column ${name}.`)
  }
}

/** The columns that the triggers own: the types that an existing one may have, and what a missing one is made as. */
export const OWNED: [string, string[], string][] = [
  ['version', ['bigint', 'integer'], 'bigint not null default 1'],
  ['updated_at', ['timestamp with time zone'], 'timestamptz not null default clock_timestamp()'],
  ['updated_by', ['jsonb'], 'jsonb'],
]

const checkTypes = (table: string, columns: Column[]) => {
  for (const [name, types] of OWNED) {
    const found = columns.find((column) => column.name === name)
    if (!found || types.includes(found.type)) continue
    refuse(
      table,
      `its column ${name} is ${found.type}, where ${types.join(' or ')} is needed. Rename it, or change its type first.`,
    )
  }
}

/**
 * Checks all of it; gives the table's columns and its key.
 *
 * @param named Columns that the table must have.
 * @throws Error with a sentence saying why it can't be tracked.
 */
export const checkTable = async (
  knex: Knex,
  table: string,
  named: string[],
): Promise<{ columns: Column[]; key: Column }> => {
  await checkLog(knex, table)
  const columns = await columnsOf(knex, table)
  if (columns.length === 0) refuse(table, 'there is no such table.')
  const { rows: kinds } = await knex.raw(KIND, [quoteTable(table)])
  if (kinds[0].why) refuse(table, kinds[0].why)
  if (kinds[0].late) refuse(table, `its triggers ${kinds[0].late} fire after noclobber's. ${RENAME_THEM}`)
  const key = keyOf(table, columns)
  checkNames(table, columns, named)
  checkTypes(table, columns)
  return { columns, key }
}
