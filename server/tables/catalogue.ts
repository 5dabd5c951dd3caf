// What the database says about the declared types: key, tenant, lists, column types, triggers.
// Invariant: identifiers in our SQL come from here alone, looked up and quoted once; no request supplies one.
import type { Knex } from 'knex'
import { VALUES_TRIGGER } from '../../migrations/history-values.ts'
import { isFormerName, type Owned, ownedBy, ownedNames } from '../../migrations/owned-columns.ts'
import { PART_TRIGGER } from '../../migrations/parts.ts'
import { quoteName, quoteTable, textArray } from '../../migrations/quote.ts'
import { keyOf } from '../../migrations/record-key.ts'
import { treeOf, UNTRACKABLE } from '../../migrations/supported.ts'
import { TRIGGER_NAMES, triggerNames } from '../../migrations/track-table.ts'
import { TRIGGER_ARGUMENTS } from '../../migrations/trigger-arguments.ts'
import { type Audience, readAudience } from '../audience/audience.ts'
import { type ColumnNames, columnNames } from '../base/column-names.ts'
import type { RecordType } from '../base/record-type.ts'
import { SetupError } from '../base/setup-error.ts'
import {
  baseOf,
  type ColumnCodec,
  type ColumnType,
  columnCodec,
  TYPE,
  uncarriable,
} from '../db/column-codec.ts'
import { askCatalogue } from '../db/own-settings.ts'
import { type Row, statement } from '../db/statement.ts'
import {
  PARENT_COLUMNS,
  type PartOf,
  partOf,
  REACTIONS,
  type Reactions,
  type ReactionsRow,
  reactionsOf,
} from './reactions.ts'
import { type KeyColumn, keyArgumentOf, type RecordKey, recordKey, tenantFormOf } from './record-id.ts'

/** A column: its type without domains, and as SQL writes it in a cast, without and with its modifier. */
export interface Column extends ColumnType {
  codec: ColumnCodec
  cast: string
  /** `numeric(12,2)` */
  exact: string
  /** Quoted for SQL, where different texts are equal by it (a nondeterministic one). */
  collation: string | null
}

/** A declared type and its table as the database has it. */
export interface TrackedType extends Reactions {
  type: RecordType
  /** `schema.table` as the log writes it. */
  source: string
  /** Quoted for SQL. */
  table: string
  key: RecordKey
  tenantColumn: string | null
  tenantForm: RegExp | null
  /** What columns are called; everything here that is no SQL goes by the names of fields. */
  names: ColumnNames
  /** Columns by which lists are watched. */
  lists: string[]
  /** Columns that make no version. */
  ignored: string[]
  /** What its triggers were made with, in short. */
  tag: string
  /** The columns for version, time and writer. */
  owned: Owned
  /**
   * Nothing but the SET of an UPDATE decides what it changes: the table has no triggers for it but ours, no foreign key
   * that cascades it, no generated column, no rule, no partition, and its columns have plain names.
   */
  readonly isPlain: boolean
  isPartitioned: boolean
  columns: Map<string, Column>
  /** Columns by the name of their constraint or unique index, those in its expressions too. */
  constraints: Record<string, string[]>
  /** Declared fields that may be written: all but key, tenant, generated and read-only ones. */
  writable: Set<string>
  /** Columns that `derive` may give: all but key, tenant, generated columns and those of the triggers. */
  derivable: Set<string>
  /** Declared fields, in the order of the declaration. */
  fieldNames: string[]
  /** Those that are not hidden. */
  shownNames: string[]
  /** What `changed_fields` may name: the fields that are shown, and those that stand for parts kept in other tables. */
  changeNames: string[]
  /** `null`: its rows are no parts of other records. */
  part: PartOf | null
  /** Row level security is on: a policy may hide rows. */
  hasPolicies: boolean
  /** Whom its records are for; `null`: everybody for whom its permission says so. */
  audience: Audience | null
}

/** All declared types of a server. */
export interface Catalogue {
  byName: Map<string, TrackedType>
  bySource: Map<string, TrackedType>
}

/** A name that means the same as it stands, within a line, a list or JSON. */
const PLAIN_NAME = /^[^\p{Cc},]+$/u

/** The table `c` and its partitions, as `relid`. */
const WITH_PARTITIONS = treeOf('c.oid')

/** Of all tables at once, as one is planned as long as many: `at` is the place of its name among those asked for. */
const TABLES = statement(`
select asked.at::int - 1 as at, n.nspname || '.' || c.relname as source, n.nspname as schema, c.relname as name,
  (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', a.attname, ${TYPE('t')},
      'element', case when t.typinput = 'array_in'::regproc then (select pg_catalog.jsonb_build_object(${TYPE('e')})
        from ${baseOf('t.typelem', 't.modifier')} e) end,
      'collation', (select o.oid::regcollation::text from pg_collation o where o.oid = a.attcollation and not o.collisdeterministic),
      'cast', format_type(a.atttypid, -1), 'exact', format_type(a.atttypid, a.atttypmod), 'fixed', a.attgenerated <> '' or a.attidentity = 'a',
      'hasDefault', a.atthasdef or a.attidentity <> '',
      'key', coalesce(pg_catalog.array_position(${keyOf('c.oid')}, a.attname::text), 0)) order by a.attnum)
    from pg_attribute a cross join lateral ${baseOf('a.atttypid', 'a.atttypmod')} t
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  (select pg_catalog.jsonb_object_agg(g.tgname, ${TRIGGER_ARGUMENTS})
    from pg_trigger g where g.tgrelid = c.oid and g.tgname = any($2) and g.tgenabled in ('O', 'A')) as triggers,
  ${UNTRACKABLE} as why_not, c.relrowsecurity as has_policies, c.relkind = 'p' as is_partitioned,
  exists (select from pg_trigger g where g.tgrelid = c.oid and g.tgname = '${VALUES_TRIGGER}') as keeps_values,
  (select pg_catalog.jsonb_build_object('args', p.args, 'selectable', s.selectable, 'gone', s.gone,
      'lockable', has_any_column_privilege(to_regclass(p.args[4]), 'update'))
    from (select ${TRIGGER_ARGUMENTS} as args from pg_trigger g
      where g.tgrelid = c.oid and g.tgname = '${PART_TRIGGER}' and g.tgenabled in ('O', 'A')) p cross join lateral ${PARENT_COLUMNS} s
    where to_regclass(p.args[4]) is not null) as part,
  c.relkind = 'r' and not c.relispartition and not c.relhassubclass and not c.relhasrules
    and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attgenerated <> '' and not a.attisdropped)
    as is_plain,
  (select pg_catalog.jsonb_object_agg(k.name, k.columns) from (
    select x.relname as name, pg_catalog.jsonb_agg(distinct a.attname) as columns
    from ${WITH_PARTITIONS} p join pg_index i on i.indrelid = p.relid and (i.indisunique or i.indisexclusion)
    join pg_class x on x.oid = i.indexrelid
    join pg_attribute a on a.attrelid = i.indrelid and (a.attnum = any(i.indkey[:i.indnkeyatts - 1]) or i.indexprs is not null and exists (
      select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid and d.refobjid = i.indrelid
        and d.refobjsubid = a.attnum and strpos((select pg_catalog.string_agg(pg_get_indexdef(i.indexrelid, e.at, true), ' ')
          from generate_series(1, i.indnkeyatts) e(at) where i.indkey[e.at - 1] = 0), quote_ident(a.attname)) > 0))
    group by x.relname
    union all
    select k.conname, pg_catalog.jsonb_agg(distinct a.attname) from ${WITH_PARTITIONS} p
    join pg_constraint k on k.conrelid = p.relid and k.contype in ('c', 'f', 'n')
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any(k.conkey) group by k.conname) k) as constraints,
  ${REACTIONS},
  (select pg_catalog.jsonb_agg(distinct p.args[8]) from (select ${TRIGGER_ARGUMENTS} as args
    from pg_trigger g where g.tgname = '${PART_TRIGGER}') p
    where p.args[5] = n.nspname || '.' || c.relname and p.args[8] <> '') as parts
from pg_catalog.unnest($1::text[]) with ordinality asked(name, at)
join pg_class c on c.oid = to_regclass(asked.name) join pg_namespace n on n.oid = c.relnamespace`)

type FoundColumn = Omit<Column, 'codec'> & KeyColumn

function fail(type: RecordType, why: string): never {
  throw new SetupError('track', `Record type "${type.name}", table ${type.table}: ${why}`)
}

const RENAMED =
  'it was renamed, or moved to another schema, since it was tracked: its history stands under its former name. Call trackTable(knex,'

/** @throws where a declared field has no column, or one that can't be a field. */
const checkFields = (
  type: RecordType,
  columns: FoundColumn[],
  owned: Owned,
  columnOf: ColumnNames['columnOf'],
) => {
  for (const name of Object.keys(type.fields)) {
    const column = columns.find((found) => found.name === columnOf(name))
    if (!column) fail(type, `it has no column ${columnOf(name)}: add it, or name another in columnOf.`)
    if (ownedNames(owned).includes(column.name))
      fail(type, `its column ${column.name} belongs to the triggers and can't be a field.`)
    const why = uncarriable(column)
    if (why)
      fail(type, `values of its column ${column.name} can't be saved: ${why}. Leave it out of the fields.`)
  }
}

const trackedType = async (
  knex: Knex,
  type: RecordType,
  row: Row | undefined,
  isOfTenant: boolean,
): Promise<TrackedType> => {
  if (!row) fail(type, 'there is no such table.')
  if (row.why_not) fail(type, row.why_not)
  const columns: FoundColumn[] = row.columns
  const tracking = Object.values<string[]>(row.triggers ?? {})[0] ?? []
  const [tracked = '', tenant = '', lists = '{}', ignored = '{}', tag = '', argument] = tracking
  const owned = ownedBy(argument)
  const missing = triggerNames(owned).filter((name) => !row.triggers?.[name])
  const dropped = ownedNames(owned).filter((name) => !columns.some((column) => column.name === name))
  if (row.triggers && dropped.length > 0)
    fail(
      type,
      `its columns ${dropped.join(', ')} were dropped, which its triggers need: every write of it fails. Run: npx noclobber doctor --repair`,
    )
  const fieldNames = Object.keys(type.fields)
  const names = columnNames(type, columns, (why) => fail(type, why))
  const { columnOf, fieldOf } = names
  const key = recordKey(columns, tenant, fieldOf, type)
  if (!key || missing.length > 0)
    fail(type, `it isn't tracked. Call trackTable(knex, '${type.table}') in a migration.`)
  for (const { name, collation } of columns.filter((column) => column.key > 0))
    if (collation !== null)
      fail(
        type,
        `its key ${name} takes different texts for equal, by its collation ${collation}. An id is one text: give the column a deterministic collation.`,
      )
  if (tracked !== keyArgumentOf(columns))
    fail(
      type,
      `its primary key is another than it was tracked with. Call trackTable(knex, '${type.table}', …) again.`,
    )
  if (isFormerName(row.source, tracking))
    fail(type, `${RENAMED} '${type.table}', …) again, with the same options.`)
  const listed = textArray(lists).map(fieldOf)
  const revealed = type.hidden.find((name) => listed.includes(name))
  if (revealed !== undefined)
    fail(type, `its field ${revealed} is hidden, and lists are watched by it: a watcher of one knows it.`)
  const guarded = [...listed, ...key.names, fieldOf(tenant)].find((name) => type.guards[name]?.read)
  if (guarded !== undefined)
    fail(type, `not everybody sees its field ${guarded}, and ids, tenants and watched lists show it.`)
  checkFields(type, columns, owned, columnOf)
  if (type.history === 'values' && !row.keeps_values)
    fail(
      type,
      `its values aren't kept. Call trackTable(knex, '${type.table}', { history: 'values' }) in a migration.`,
    )
  const reactions = reactionsOf(row as ReactionsRow)
  const fixed = new Set([
    ...columns.filter((column) => column.fixed || column.key > 0).map(({ name }) => fieldOf(name)),
    ...(tenant ? [fieldOf(tenant)] : []),
  ])
  const shownNames = fieldNames.filter((name) => !type.hidden.includes(name))
  return {
    type,
    source: row.source,
    table: `${quoteName(row.schema)}.${quoteName(row.name)}`,
    key,
    tenantColumn: tenant ? fieldOf(tenant) : null,
    tenantForm: tenantFormOf(columns, tenant),
    names,
    lists: listed,
    ignored: textArray(ignored).map(fieldOf),
    tag,
    owned,
    isPlain:
      row.is_plain &&
      !reactions.reactsTo.has('update') &&
      tag !== '' &&
      columns.every(({ name }) => PLAIN_NAME.test(name)),
    ...reactions,
    constraints: Object.fromEntries(
      Object.entries<string[]>(row.constraints ?? {}).map(([name, all]) => [name, all.map(fieldOf)]),
    ),
    columns: new Map(
      columns.map((column) => [fieldOf(column.name), { ...column, codec: columnCodec(column) }]),
    ),
    writable: new Set(shownNames.filter((name) => !fixed.has(name) && !type.readOnly.includes(name))),
    derivable: new Set(
      columns
        .filter(({ name }) => !fixed.has(fieldOf(name)) && !ownedNames(owned).includes(name))
        .map(({ name }) => fieldOf(name)),
    ),
    fieldNames,
    shownNames,
    changeNames: [...new Set([...shownNames, ...((row.parts ?? []) as string[])])],
    part: partOf(row.part, names, (why) => fail(type, why)),
    hasPolicies: row.has_policies,
    isPartitioned: row.is_partitioned,
    audience: await readAudience(knex, type, { names, columns, key, tenant, lists: listed, isOfTenant }),
  }
}

/**
 * Looks the declared types up.
 *
 * @throws Error with a sentence where a table is missing or not tracked, or a field has no column.
 */
export const readCatalogue = async (
  knex: Knex,
  types: RecordType[],
  isOfTenant = false,
): Promise<Catalogue> => {
  const byName = new Map<string, TrackedType>()
  const bySource = new Map<string, TrackedType>()
  const asked = types.map(({ table }) => quoteTable(table))
  const rows = asked.length > 0 ? await askCatalogue(knex, TABLES, [asked, TRIGGER_NAMES]) : []
  for (const [at, type] of types.entries()) {
    const row = rows.find((found) => found.at === at)
    const tracked = await trackedType(knex, type, row, isOfTenant)
    const taken = bySource.get(tracked.source)
    if (byName.has(type.name)) fail(type, 'the name is declared twice.')
    if (taken) fail(type, `the table is declared as "${taken.type.name}" already.`)
    byName.set(type.name, tracked)
    bySource.set(tracked.source, tracked)
  }
  return { byName, bySource }
}
