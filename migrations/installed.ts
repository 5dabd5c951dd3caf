// What the migrations install, parsed out of their own SQL, so that it can be compared with what a database has, and be
// put back. Invariant: nothing is listed twice; to change what is installed, a migration is all there is to change.
import type { Knex } from 'knex'
import { quoteName } from './quote.ts'
import { closeSchema, steadily } from './sql.ts'
import { TRIGGER_ARGUMENTS, uncompared } from './trigger-arguments.ts'

/** A function as the migrations leave it. */
interface InstalledFunction {
  name: string
  body: string
  language: string
  /** `pg_proc.provolatile`. */
  volatility: 'i' | 's' | 'v'
  /** SECURITY DEFINER. */
  definer: boolean
  searchPath: string | null
  /** The statement that makes it, or puts it back. */
  sql: string
}

interface InstalledIndex {
  name: string
  table: string
  /** See {@link plainIndex}. */
  definition: string
  sql: string
}

export interface Installed {
  functions: Map<string, InstalledFunction>
  indexes: Map<string, InstalledIndex>
  /** Columns by table; a view has none here. */
  tables: Map<string, string[]>
}

/** An index as text that can be compared: `unique btree version` however PostgreSQL or a migration writes it. */
const plainIndex = (isUnique: boolean, definition: string): string => {
  const using = /^using /i.test(definition.trim()) ? definition : `using btree ${definition}`
  return `${isUnique ? 'unique ' : ''}${using}`
    .toLowerCase()
    .replaceAll('"', '')
    .replace(/::\w+/g, '')
    .replace(/[()']/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/ ,/g, ',')
    .replace(/ ?= ?/g, '=')
    .trim()
}

const FUNCTION =
  /create (?:or replace )?function noclobber\.(\w+)\(([\s\S]*?)\) returns ([\s\S]*?) as \$(\w*)\$([\s\S]*?)\$\4\$|drop function (?:if exists )?noclobber\.(\w+)/gi
const INDEX =
  /create (unique )?index (\w+) on noclobber\.(\w+)\s+([^;]*)|drop index (?:if exists )?noclobber\.(\w+)/gi
const TABLE = /create (?:unlogged )?table noclobber\.(\w+) \(([\s\S]*?)\);/gi
const VIEW = /create view noclobber\.(\w+)/gi
const COLUMN = /alter table noclobber\.(\w+) (add|drop) column (\w+)/gi
const NO_COLUMN = /^(primary|unique|check|constraint|foreign)$/i

const readFunctions = (text: string, { functions }: Installed) => {
  for (const [statement, name, , header = '', , body = '', dropped] of text.matchAll(FUNCTION)) {
    if (dropped) functions.delete(dropped)
    if (!name) continue
    const says = (pattern: RegExp) => pattern.exec(header)
    functions.set(name, {
      name,
      body,
      language: says(/language (\w+)/i)?.[1] ?? '',
      volatility: says(/\bimmutable\b/i) ? 'i' : says(/\bstable\b/i) ? 's' : 'v',
      definer: says(/security definer/i) !== null,
      searchPath: says(/set search_path = (\w+(?:, \w+)*)/i)?.[1] ?? null,
      sql: statement.replace(/^create (?:or replace )?/i, 'create or replace '),
    })
  }
}

const readTables = (text: string, { tables, indexes }: Installed) => {
  for (const [, table = '', inside = ''] of text.matchAll(TABLE)) {
    const names = inside.split(/,\s*\n/).map((line) => line.trim().split(/\s/)[0] ?? '')
    tables.set(
      table,
      names.filter((name) => !NO_COLUMN.test(name)),
    )
    const key = /primary key (\([^)]*\))/i.exec(inside)?.[1]
    const name = `${table}_pkey`
    const sql = `alter table noclobber.${table} add primary key ${key}`
    if (key) indexes.set(name, { name, table, definition: plainIndex(true, key), sql })
  }
  for (const [, view = ''] of text.matchAll(VIEW)) tables.set(view, [])
  for (const [, table = '', verb, column = ''] of text.matchAll(COLUMN)) {
    const others = (tables.get(table) ?? []).filter((name) => name !== column)
    tables.set(table, verb?.toLowerCase() === 'add' ? [...others, column] : others)
  }
  for (const [sql, isUnique, name, table = '', definition = '', dropped] of text.matchAll(INDEX)) {
    if (dropped) indexes.delete(dropped)
    if (name)
      indexes.set(name, { name, table, definition: plainIndex(isUnique !== undefined, definition), sql })
  }
}

/** Runs the migrations on a connection that only records their SQL. */
export const installedBy = async (source: Knex.MigrationSource<string>): Promise<Installed> => {
  const installed: Installed = { functions: new Map(), indexes: new Map(), tables: new Map() }
  const raw = async (sql: string) => {
    const text = sql.replaceAll('\\?', '?')
    readFunctions(text, installed)
    readTables(text, installed)
    return { rows: [] }
  }
  for (const name of await source.getMigrations([])) {
    const { up } = await source.getMigration(name)
    const recorder: Pick<Knex, 'raw'> = { raw: raw as Knex['raw'] }
    await up(recorder as Knex)
  }
  return installed
}

const FUNCTIONS_THERE = `
select p.proname as name, p.prosrc as body, l.lanname as language, p.provolatile as volatility, p.prosecdef as definer,
  (select substr(s.setting, 13) from pg_catalog.unnest(p.proconfig) s(setting) where starts_with(s.setting, 'search_path=')) as path
from pg_proc p join pg_language l on l.oid = p.prolang where p.pronamespace = 'noclobber'::regnamespace`

const INDEXES_THERE = `
select c.relname as name, t.relname as table, i.indisunique as is_unique, i.indisvalid as is_valid,
  split_part(pg_get_indexdef(i.indexrelid), ' USING ', 2) as rest
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
where t.relnamespace = 'noclobber'::regnamespace`

const COLUMNS_THERE = `
select c.relname as table, pg_catalog.array_agg(a.attname::text) as columns from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'noclobber'::regnamespace and c.relkind in ('r', 'p', 'v') group by c.relname`

/** Tables whose updates a publication would refuse. */
const WITHOUT_IDENTITY = `
select c.relname as name from pg_class c where c.relnamespace = 'noclobber'::regnamespace and c.relkind = 'r' and c.relpersistence = 'p'
  and (c.relreplident = 'n' or c.relreplident = 'd' and c.relname <> all(?::text[]))`

/** What is open in the log's schema, and how. */
const OPEN = `
select pg_catalog.format('noclobber.%s', p.proname) as name, 'may be called by everybody' as how
from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
where p.pronamespace = 'noclobber'::regnamespace and a.grantee = 0
union all
select pg_catalog.format('noclobber.%s', p.proname), pg_catalog.format('belongs to %s', p.proowner::regrole)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'noclobber' and p.proowner <> n.nspowner
union all
select c.oid::regclass::text, pg_catalog.format('belongs to %s', c.relowner::regrole)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'noclobber' and c.relkind in ('r', 'p', 'v') and c.relowner <> n.nspowner
order by 2, 1`

/** Triggers whose functions are made for the names of their tables' columns. Those of a parent have no arguments of their own. */
const MADE = `
select t.tgfoid, k.kind, t.args[1:2] operator(pg_catalog.||) t.args[6]::text[] operator(pg_catalog.||)
  case k.kind when 'stamp_update' then ${uncompared('t.tgrelid', 't.args[4]::text[]')}
    when 'log_update' then array[t.args[5], t.args[3]] else '{}' end as names,
  coalesce(pg_partition_root(t.tgrelid), t.tgrelid) as root
from (select o.tgfoid, o.tgrelid, o.tgname, (select ${TRIGGER_ARGUMENTS} from pg_trigger g
    where g.tgrelid = o.tgrelid and g.tgname = 'zz_noclobber_stamp') as args from pg_trigger o) t
join (values ('zz_noclobber_update', 'log_update'), ('zz_noclobber_stamp_insert', 'stamp_insert'),
  ('zz_noclobber_stamp_key', 'stamp_key'), ('zz_noclobber_stamp', 'stamp_update'), ('zz_noclobber_keep', 'keep_writer'),
  ('zz_noclobber_stamp_part', 'stamp_parent')) k(name, kind) on k.name = t.tgname
where pg_catalog.cardinality(t.args) >= 6`

/** The functions that were made for tracked tables, by columns that stand in a comment where the name doesn't say them, and whether each is as `trigger_function` makes it. */
const MADE_FOR_TABLES = `
select p.proname as name, pg_catalog.bool_and(p.prosrc = noclobber.trigger_body(m.kind, m.names || coalesce(
    substring(obj_description(p.oid, 'pg_proc') from '^[{].*[}]$'), '{}')::text[]) and p.prosecdef = (m.kind <> 'keep_writer')
  and p.proconfig is not distinct from case when m.kind <> 'stamp_update' then array['search_path=pg_catalog, pg_temp'] end) as is_as_made
from (${MADE}) m join pg_proc p on p.oid = m.tgfoid
where p.pronamespace = 'noclobber'::regnamespace
  and p.proname = m.kind || '_' || left(md5(pg_catalog.array_to_json(m.names)::text), 12) group by p.proname`

const MAKE_FOR_TABLES = `select noclobber.trigger_function(m.kind, m.names ||
  case m.kind when 'log_update' then noclobber.columns_of(m.root) end) from (${MADE}) m`

const MAKER = 'trigger_body'

/** How a database's log differs from what the migrations make. */
export interface Difference {
  /** Missing, or not as they were made. */
  functions: InstalledFunction[]
  /** Of those made for tracked tables the altered ones, by name; empty while the functions that make them are altered themselves. */
  madeForTables: string[]
  /** Missing, invalid, or of other columns. */
  indexes: (InstalledIndex & { isThere: boolean })[]
  /** Missing: `log_epoch`, or `record_changes.scopes`. */
  columns: string[]
  /** Tables without a replica identity: a publication that holds them refuses their updates. */
  withoutIdentity: string[]
  /** Functions that anybody may call, and what belongs to another role than the schema, each with how that is. */
  open: { name: string; how: string }[]
}

/** A script that Git has checked out on Windows has CRLF, and so do the bodies of what it makes; they do the same. */
const withLf = (body: unknown): string => String(body).replaceAll('\r\n', '\n')

/** Compares. The log's schema must be there. */
export const differenceOf = async (
  knex: Knex,
  { functions, indexes, tables }: Installed,
): Promise<Difference> => {
  const { rows: foundFunctions } = await knex.raw(FUNCTIONS_THERE)
  const { rows: foundIndexes } = await knex.raw(INDEXES_THERE)
  const { rows: foundTables } = await knex.raw(COLUMNS_THERE)
  const isAsMade = ({ name, body, language, volatility, definer, searchPath }: InstalledFunction) =>
    foundFunctions.some(
      (row: Record<string, unknown>) =>
        row.name === name &&
        withLf(row.body) === body &&
        row.language === language &&
        row.volatility === volatility &&
        row.definer === definer &&
        row.path === searchPath,
    )
  const isKept = ({ table, definition }: InstalledIndex) =>
    foundIndexes.some(
      (row: { table: string; is_unique: boolean; is_valid: boolean; rest: string }) =>
        row.table === table && row.is_valid && plainIndex(row.is_unique, `using ${row.rest}`) === definition,
    )
  const missing = [...tables].flatMap(([table, columns]) => {
    const found = foundTables.find((row: { table: string }) => row.table === table)?.columns as
      | string[]
      | undefined
    return found ? columns.filter((name) => !found.includes(name)).map((name) => `${table}.${name}`) : [table]
  })
  const keyed = [...indexes.values()].filter(({ name }) => name.endsWith('_pkey')).map(({ table }) => table)
  const altered = [...functions.values()].filter((made) => !isAsMade(made))
  const { rows: made } = altered.some(({ name }) => name === MAKER)
    ? { rows: [] }
    : await knex.raw(MADE_FOR_TABLES)
  return {
    functions: altered,
    madeForTables: made
      .filter((row: { is_as_made: boolean }) => !row.is_as_made)
      .map((row: { name: string }) => row.name),
    indexes: [...indexes.values()]
      .filter((made) => !isKept(made))
      .map((made) => ({
        ...made,
        isThere: foundIndexes.some((row: { name: string }) => row.name === made.name),
      })),
    columns: missing,
    withoutIdentity: (await knex.raw(WITHOUT_IDENTITY, [keyed])).rows.map(
      ({ name }: { name: string }) => name,
    ),
    open: (await knex.raw(OPEN)).rows,
  }
}

/** What is said of tables and columns that the log lacks: nothing can put back what they held. */
export const lacking = (columns: string[]): string =>
  `The log lacks ${columns.map((name) => `noclobber.${name}`).join(', ')}.`

/** What to do about {@link lacking}. */
export const ANEW =
  'Restore them from a backup, or drop the schema noclobber, migrate and track the tables anew: the log then begins anew.'

/** Puts functions and indexes back as the migrations make them. */
export const repair = async (knex: Knex, installed: Installed): Promise<void> => {
  const putBack = async (transaction: Knex) => {
    const { functions, indexes, columns, withoutIdentity } = await differenceOf(transaction, installed)
    if (columns.length > 0) throw new Error(`${lacking(columns)} ${ANEW}`)
    for (const { sql } of functions) await transaction.raw(sql.replaceAll('?', '\\?'))
    await transaction.raw(MAKE_FOR_TABLES)
    for (const { name, table, sql, isThere } of indexes) {
      const isKey = sql.startsWith('alter table')
      if (isThere)
        await transaction.raw(
          isKey ? `alter table noclobber.${table} drop constraint ${name}` : `drop index noclobber.${name}`,
        )
      await transaction.raw(sql)
    }
    for (const name of withoutIdentity)
      await transaction.raw(`alter table noclobber.${quoteName(name)} replica identity full`)
    await closeSchema(transaction)
  }
  await knex.transaction((transaction) => steadily(transaction, () => putBack(transaction)))
}
