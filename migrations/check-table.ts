// What a table must be to be tracked: a relation whose every row our triggers see, with a key that makes an id, the columns
// that the options name, and nothing else under the names of the columns that the triggers own.
// Invariant: a table that can't be tracked is refused with a sentence, and nothing of it is changed.
import type { Knex } from 'knex'
import { seeAbout } from '../server/base/setup-error.ts'
import { causeOf } from '../server/db/errors.ts'
import { type Owned, type OwnedColumn, PLAIN } from './owned-columns.ts'
import { columnsOfPart } from './parts.ts'
import { quoteTable } from './quote.ts'
import { keyOf } from './record-key.ts'
import { LATE_TRIGGERS, olderLog, RENAME_THEM, readOnly, UNTRACKABLE } from './supported.ts'
import type { TrackOptions } from './track-options.ts'
import { typeName } from './trigger-arguments.ts'

export interface Column {
  name: string
  type: string
  /** Its place in the primary key, from 1; else 0. */
  key: number
  /** NOT NULL. */
  isRequired: boolean
  /** Its collation takes different texts for equal. */
  isLoose: boolean
  /** Its text is the same in each session, whatever its settings are. */
  isSteady: boolean
  /** Values of its type are equal that have different texts. */
  hasManyTexts: boolean
  /** PostgreSQL itself has an operator for equal ones. */
  isComparable: boolean
  /** Its text is what JSON shows of it. */
  isShownAsText: boolean
  /** Generated when it is read: the rows that triggers get have no value of it. */
  isVirtual: boolean
}

const KEY_TYPES = ['smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying']

/** Types that JSON shows in another way than as their text. */
const SHOWN_OTHERWISE = 'bool date timestamp time timetz'

/** Types whose text depends on no setting, beside enums and what extensions make. */
const STEADY_TYPES =
  'bool int2 int4 int8 oid numeric uuid text varchar bpchar char name date timestamp time timetz inet cidr macaddr macaddr8'

const KIND = `select ${UNTRACKABLE} as why, ${LATE_TRIGGERS} as late from pg_class c where c.oid = to_regclass(?)`

const columnsOf = async (knex: Knex, table: string): Promise<Column[]> => {
  const { rows } = await knex.raw(
    `select a.attname as name, ${typeName('a.atttypid')} as type,
       coalesce(pg_catalog.array_position(${keyOf('a.attrelid')}, a.attname::text), 0) as key, a.attnotnull as "isRequired", a.attgenerated = 'v' as "isVirtual",
       exists (select from pg_collation o where o.oid = a.attcollation and not o.collisdeterministic) as "isLoose",
       (with recursive d(oid) as (select a.atttypid union all select t.typbasetype from d join pg_type t on t.oid = d.oid where t.typtype = 'd')
         select pg_catalog.bool_and(b.typname <> all(string_to_array('${SHOWN_OTHERWISE}', ' '))) from d join pg_type b on b.oid = d.oid) as "isShownAsText",
       (with recursive d(oid) as (select a.atttypid union all select t.typbasetype from d join pg_type t on t.oid = d.oid where t.typtype = 'd')
         select pg_catalog.bool_or(b.typname = 'citext' or b.typname = 'numeric' and a.atttypid = b.oid and a.atttypmod = -1) from d join pg_type b on b.oid = d.oid) as "hasManyTexts",
       (with recursive d(oid) as (select a.atttypid union all select t.typbasetype from d join pg_type t on t.oid = d.oid where t.typtype = 'd')
         select pg_catalog.bool_or(b.typtype = 'e' or b.typtype = 'b' and b.typcategory <> 'A'
           and (b.oid >= 16384 or b.typname = any(string_to_array('${STEADY_TYPES}', ' '))))
         from d join pg_type b on b.oid = d.oid where b.typtype <> 'd') as "isSteady",
       (with recursive d(oid) as (select a.atttypid union all select t.typbasetype from d join pg_type t on t.oid = d.oid where t.typtype = 'd')
         select pg_catalog.bool_and(b.oid < 16384 or b.typtype = 'd' or b.typtype = 'e' and b.oid = a.atttypid) from d join pg_type b on b.oid = d.oid) as "isComparable"
     from pg_attribute a
     where a.attrelid = to_regclass(?) and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [quoteTable(table)],
  )
  return rows
}

const refuse = (table: string, why: string, heading = 'not_trackable'): never => {
  throw new Error(`Table ${table} can't be tracked: ${why} ${seeAbout(heading)}`)
}

/** What to do about what PostgreSQL refuses, by its code. */
const ADVICE: Record<string, string> = {
  '42501': 'Run the migration as a role that owns the table.',
}

/** Something isn't there: of the log, as the table and its columns were found before. */
const MISSING = ['3F000', '42P01', '42P13', '42703', '42704', '42883']

/**
 * A refusal of PostgreSQL's as a sentence about the table; what can be tried again, what is a sentence already and what is about the log
 * is thrown as it is.
 *
 * @throws always
 */
export const refusedBy = (table: string, error: unknown): never => {
  const { code = '', detail = '' } = (error ?? {}) as { code?: unknown; detail?: string }
  if (typeof code !== 'string' || MISSING.includes(code) || !/^(0A|2[238B]|42|54|P0)...$/.test(code))
    throw error
  const said = causeOf(error)
  if (said.startsWith('Table ')) throw error
  const message = [`PostgreSQL refuses it: ${said}${said.endsWith('.') ? '' : '.'}`, detail, ADVICE[code]]
  const why = `Table ${table} can't be tracked: ${message.filter(Boolean).join(' ')} ${seeAbout('not_trackable')}`
  throw Object.assign(new Error(why, { cause: error }), { code })
}

const LOG = `
select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'noclobber' and c.relname = 'record_changes') as "isThere", current_user as role,
  (select n.nspowner::regrole::text from pg_namespace n where n.nspname = 'noclobber') as owner,
  (select pg_has_role(n.nspowner, 'usage') from pg_namespace n where n.nspname = 'noclobber') as "isMine"`

/** The log must be there, and the role's own: nobody else may call the triggers' functions. */
const checkLog = async (knex: Knex, table: string) => {
  const older = await olderLog(knex)
  if (older) throw new Error(`${older} ${seeAbout('log_too_old')}`)
  const unwritable = await readOnly(knex)
  if (unwritable) refuse(table, unwritable)
  const [log] = (await knex.raw(LOG)).rows
  if (!log.isThere)
    refuse(
      table,
      'the change log is not there yet. First run migrate(knex) of noclobber/migrations, or npx noclobber init, which writes a migration.',
      'no_log',
    )
  if (!log.isMine)
    refuse(
      table,
      `the change log belongs to ${log.owner}, and ${log.role} is no member of it. Run the migration as ${log.owner}.`,
    )
}

const keyNames = (table: string, columns: Column[]): string[] => {
  const keys = columns.filter(({ key }) => key > 0).sort((one, other) => one.key - other.key)
  if (keys.length === 0) refuse(table, 'it needs a primary key, and has none.')
  for (const { name, type, isLoose } of keys) {
    if (!KEY_TYPES.includes(type))
      refuse(table, `its key ${name} is ${type}; a key is of ${KEY_TYPES.join(', ')}.`)
    if (isLoose)
      refuse(
        table,
        `its key ${name} takes different texts for equal, by its collation. Give it a deterministic one.`,
      )
  }
  return keys.map(({ name }) => name)
}

const checkNames = (table: string, columns: Column[], named: string[]) => {
  for (const name of named) {
    if (!columns.some((column) => column.name === name)) refuse(table, `it has no column ${name}.`)
  }
}

/** Whose a row is, and what it is part of, is asked before it is written. */
const checkVirtual = (table: string, columns: Column[], { tenant, partOf }: TrackOptions) => {
  const asked = [...(tenant ? [tenant] : []), ...(partOf ? columnsOfPart(partOf) : [])]
  const found = columns.find(({ name, isVirtual }) => isVirtual && asked.includes(name))
  if (found)
    refuse(
      table,
      `its column ${found.name} is a virtual generated one: no ${found.name === tenant ? 'tenant' : 'part'} goes by it. Make it STORED.`,
    )
}

/** The log and the rooms know tenants and lists by their texts. */
const checkTexts = (table: string, columns: Column[], { tenant, lists = [] }: TrackOptions) => {
  for (const column of columns) {
    const { name, type, isSteady, isComparable, isShownAsText, isLoose, hasManyTexts } = column
    const isTenant = name === tenant
    if (!isTenant && !lists.includes(name)) continue
    const none = `no ${isTenant ? 'tenant' : 'list'} goes by it.`
    if (!isSteady)
      refuse(table, `its column ${name} is ${type}, whose text depends on a session's settings: ${none}`)
    if (isLoose || hasManyTexts)
      refuse(
        table,
        `its column ${name} takes different texts for equal (${isLoose ? 'its collation' : type}), and events go by the text: ${none} Give it ${type === 'numeric' ? 'a scale, as numeric(20,0)' : 'the type text, with a deterministic collation'}.`,
      )
    if (isTenant && !isShownAsText) refuse(table, `its column ${name} is ${type}: ${none}`)
    if (isTenant && !isComparable)
      refuse(
        table,
        `its column ${name} is ${type}, of an extension or a domain over an enum, and PostgreSQL itself compares no such values: ${none} Give it the type text.`,
      )
  }
}

/** The types that a column of the triggers may have, that of a missing one first. */
const TYPES: { [column in keyof Owned]: string[] } = {
  version: ['bigint', 'integer'],
  updatedAt: ['timestamp with time zone', 'timestamp without time zone'],
  updatedBy: ['jsonb', 'bigint', 'integer', 'uuid', 'text', 'character varying'],
}

/** PostgreSQL cuts longer names off. */
const MOST_BYTES = 63

/** The columns that the triggers will own, as they are or as they are to be made. */
const ownedOf = (
  table: string,
  columns: Column[],
  { columns: given = {}, ...named }: TrackOptions,
): Owned => {
  const taken = new Set([...namedBy(named), ...columns.filter(({ key }) => key > 0).map(({ name }) => name)])
  const own = (column: keyof Owned): OwnedColumn | null => {
    const name = given[column] === undefined ? (PLAIN[column] as OwnedColumn).name : given[column]
    if (name === null) return null
    if (
      typeof name !== 'string' ||
      name === '' ||
      Buffer.byteLength(name) > MOST_BYTES ||
      name.includes('\u0000')
    )
      refuse(table, `${column} is the name of a column, of at most ${MOST_BYTES} bytes.`)
    if (taken.has(name)) refuse(table, `its column ${name} can't be its ${column} too.`)
    taken.add(name)
    const found = columns.find((one) => one.name === name)
    // A column that holds something else is taken over only where the options name it.
    const types =
      column === 'version' || given[column] !== undefined ? TYPES[column] : TYPES[column].slice(0, 1)
    if (found && !types.includes(found.type))
      refuse(
        table,
        `its column ${name} is ${found.type}, where ${types.join(' or ')} is needed. Rename it, change its type first, or ${TYPES[column].includes(found.type) ? 'take it as it is' : 'name another'}: columns: { ${column}: ${TYPES[column].includes(found.type) ? `'${name}'` : '…'} }.`,
      )
    if (found?.isRequired && column === 'updatedBy' && found.type !== 'jsonb')
      refuse(
        table,
        `its column ${name} is NOT NULL, and not everybody who writes is a user. Drop that first.`,
      )
    return { name, type: found?.type ?? (TYPES[column][0] as string) }
  }
  const version = own('version') ?? refuse(table, 'it needs a column for its version.')
  return { version, updatedAt: own('updatedAt'), updatedBy: own('updatedBy') }
}

const USERS = `
select k.confrelid::regclass::text as users, pg_catalog.cardinality(k.conkey) > 1 as "hasMore", c.relowner::regrole::text as owner,
  c.relowner = n.nspowner or r.rolsuper as "isTrusted",
  has_column_privilege(n.nspowner, c.oid, k.confkey[1], 'select') as "isReadable"
from pg_constraint k join pg_class c on c.oid = k.confrelid join pg_roles r on r.oid = c.relowner
join pg_namespace n on n.nspname = 'noclobber'
where k.contype = 'f' and k.conrelid = to_regclass(?)
  and (select a.attnum from pg_attribute a where a.attrelid = k.conrelid and a.attname = ?) = any(k.conkey)`

/** Whether a writer is a user is looked up by the triggers, with the rights of the log's owner. */
const checkUsers = async (knex: Knex, table: string, meant: string, { updatedBy }: Owned) => {
  if (!updatedBy) return
  for (const found of (await knex.raw(USERS, [quoteTable(meant), updatedBy.name])).rows) {
    const { users, owner } = found
    if (found.hasMore)
      refuse(
        table,
        `its ${updatedBy.name} is in a foreign key of several columns to ${users}. Use one of that column alone, or columns: { updatedBy: null }.`,
      )
    if (!found.isTrusted || !found.isReadable)
      refuse(
        table,
        `its ${updatedBy.name} is a foreign key to ${users} of ${owner}, which the change log's owner ${found.isTrusted ? 'may not read' : 'must not trust'}. Give both to one role, or use columns: { updatedBy: null }.`,
      )
  }
}

/** The columns that options name, but those that the triggers own. */
const namedBy = ({ tenant, lists = [], ignore = [], partOf }: TrackOptions): string[] => [
  ...(tenant ? [tenant] : []),
  ...lists,
  ...ignore,
  ...(partOf ? columnsOfPart(partOf) : []),
]

/**
 * Checks all of it; gives the table's columns, those of its key in their order, and what the triggers will own.
 *
 * @param meant The table as {@link meantBy} has it; sentences have its name as the caller wrote it.
 * @throws Error with a sentence saying why it can't be tracked.
 */
export const checkTable = async (
  knex: Knex,
  table: string,
  meant: string,
  options: TrackOptions,
): Promise<{ columns: Column[]; keys: string[]; owned: Owned }> => {
  await checkLog(knex, table)
  const columns = await columnsOf(knex, meant)
  if (columns.length === 0) refuse(table, 'there is no such table.')
  const { rows: kinds } = await knex.raw(KIND, [quoteTable(meant)])
  if (kinds[0].why) refuse(table, kinds[0].why)
  if (kinds[0].late) refuse(table, `its triggers ${kinds[0].late} fire after noclobber's. ${RENAME_THEM}`)
  const keys = keyNames(table, columns)
  checkNames(table, columns, namedBy(options))
  checkVirtual(table, columns, options)
  checkTexts(table, columns, options)
  const owned = ownedOf(table, columns, options)
  await checkUsers(knex, table, meant, owned)
  return { columns, keys, owned }
}
