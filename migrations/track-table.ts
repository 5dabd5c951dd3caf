// Tracks a table of the embedding app, or no longer. Called from the app's own migrations.
// Invariant: after `trackTable` no write of the table can escape the log, and no data of the table was changed
// beyond the three columns; where that is not possible, nothing is done and the error says what to do.
import type { Knex } from 'knex'
import { asKnex, type Sql } from '../server/db/pg-as-knex.ts'
import { dropValues, trackValues } from './history-values.ts'
import { dropParent, dropPart, type PartOf, trackPart } from './parts.ts'
import { asIs, quoteName, quoteTable, quoteText } from './quote.ts'
import { LATE_TRIGGERS, olderLog, RENAME_THEM, UNTRACKABLE } from './supported.ts'
import { uncompared } from './trigger-arguments.ts'
import { knowRelation } from './version-floor.ts'

/** How a table is tracked. All names are columns of that table. */
export interface TrackOptions {
  /** The tenant's column. Omit for a table whose records belong to all tenants alike. */
  tenant?: string
  /** Parent columns by which lists of this table are watched: `{ lists: ['project_id'] }`. */
  lists?: string[]
  /** Housekeeping columns: a write of these alone makes no version. */
  ignore?: string[]
  /**
   * These rows are part of another record, as lines are of an order: whatever adds, changes, removes or moves them
   * raises the parent's version, once a statement, so that a save of a parent loaded before loses. The role that
   * runs the migration must be able to update the parent's table.
   */
  partOf?: PartOf
  /**
   * `values`: the log keeps each change's values before and after, for record types that show them. It makes the log
   * larger and each write dearer by one update of its log row. Default `fields`: their names alone.
   */
  history?: 'fields' | 'values'
}

interface Column {
  name: string
  type: string
  key: boolean
  /** Its collation takes different texts for equal. */
  isLoose: boolean
}

const KEY_TYPES = ['smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying']

/** The trigger that stamps versions. PostgreSQL fires by name, so this one comes after the app's own triggers. */
export const STAMP_TRIGGER = 'zz_noclobber_stamp'

/** The trigger that puts back a writer that SQL sets; it comes before the stamp. */
export const KEEP_TRIGGER = 'zz_noclobber_keep'

/** The trigger that looks for tombstones where a record goes to another key or tenant. */
const KEY_TRIGGER = `${STAMP_TRIGGER}_key`

/** The functions made for its columns' names. */
interface TableFunctions {
  stampUpdate: string
  stampKey: string
  stampInsert: string
  logUpdate: string
}

const NO_FUNCTIONS: TableFunctions = { stampUpdate: '', stampKey: '', stampInsert: '', logUpdate: '' }

/** Triggers of a tracked table, by name, with what each is created as. */
const triggersOf = (
  table: string,
  args: string,
  { place, stampUpdate, stampKey, stampInsert, logUpdate }: TableFunctions & { place: string[] },
): [string, string][] => [
  [
    STAMP_TRIGGER,
    `before update on ${table} for each row execute function noclobber.${stampUpdate}(${args})`,
  ],
  [
    KEEP_TRIGGER,
    `before update of updated_by on ${table} for each row execute function noclobber.keep_writer(${args})`,
  ],
  [
    KEY_TRIGGER,
    `before update of ${place.join(', ')} on ${table} for each row
      when (${place.map((name) => `old.${name} is distinct from new.${name}`).join(' or ')})
      execute function noclobber.${stampKey}(${args})`,
  ],
  [
    `${STAMP_TRIGGER}_insert`,
    `before insert on ${table} for each row execute function noclobber.${stampInsert}(${args})`,
  ],
  [
    'zz_noclobber_insert',
    `after insert on ${table} referencing new table as new_rows for each statement execute function noclobber.log_insert(${args})`,
  ],
  [
    'zz_noclobber_update',
    `after update on ${table} referencing old table as old_rows new table as new_rows for each statement execute function noclobber.${logUpdate}(${args})`,
  ],
  [
    'zz_noclobber_delete',
    `after delete on ${table} referencing old table as old_rows for each statement execute function noclobber.log_delete(${args})`,
  ],
  [
    'zz_noclobber_truncate',
    `before truncate on ${table} for each statement execute function noclobber.log_truncate(${args})`,
  ],
]

/** The names of the triggers that a tracked table has. */
export const TRIGGER_NAMES = triggersOf('', '', { place: [], ...NO_FUNCTIONS }).map(([name]) => name)

/** The functions made for the names of its columns, and a tag for this table tracked in this way, which is the triggers' last argument. */
const PREPARE = `select noclobber.trigger_function('log_update', array[:key, :tenant, :version]) as "logUpdate",
  noclobber.trigger_function('stamp_insert', array[:key, :tenant]) as "stampInsert",
  noclobber.trigger_function('stamp_key', array[:key, :tenant]) as "stampKey",
  noclobber.trigger_function('stamp_update', array[:version] || u.names) as "stampUpdate",
  left(md5(n.nspname || '.' || c.relname || E'\\n' || :args), 12) as tag
from pg_class c join pg_namespace n on n.oid = c.relnamespace,
  lateral (select ${uncompared('c.oid', 'cast(:ignored as text[])')}) u(names)
where c.oid = to_regclass(:table)`

const KIND = `select ${UNTRACKABLE} as why, ${LATE_TRIGGERS} as late from pg_class c where c.oid = to_regclass(?)`

const arrayText = (names: string[]) =>
  `{${names.map((name) => `"${name.replace(/["\\]/g, '\\$&')}"`).join(',')}}`

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

const checkNames = (table: string, columns: Column[], options: TrackOptions) => {
  const named = [
    ...(options.tenant ? [options.tenant] : []),
    ...(options.lists ?? []),
    ...(options.ignore ?? []),
    ...(options.partOf ? [options.partOf.column] : []),
  ]
  for (const name of named) {
    if (!columns.some((column) => column.name === name)) refuse(table, `it has no column ${name}.`)
  }
}

/** The columns that the triggers own: the types that an existing one may have, and what a missing one is made as. */
const OWNED: [string, string[], string][] = [
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

const takeOver = async (knex: Knex, table: string, columns: Column[]) => {
  const name = asIs(quoteTable(table))
  for (const [column, , definition] of OWNED)
    if (columns.every((one) => one.name !== column))
      await knex.raw(`alter table ${name} add column ${column} ${definition}`)
  await knex.raw(`update ${name} set version = 1 where version is null or version < 1`)
  await knex.raw(`update ${name} set updated_at = clock_timestamp() where updated_at is null`)
  await knex.raw(`alter table ${name} alter column version set default 1, alter column version set not null,
    alter column updated_at set default clock_timestamp(), alter column updated_at set not null`)
}

/**
 * Tracks a table: adds `version`, `updated_at` and `updated_by` where they are missing, and the triggers that own
 * them. Existing rows begin at version 1, or keep the version that they have. Call it again to change the options.
 *
 * @param sql The migration's connection or transaction: of Knex, or a pool or connected client of `pg`.
 * @param table The table, with its schema if it isn't on the search path: `projects`, `app.projects`.
 * @throws Error with a sentence saying why a table can't be tracked: it is a view, a foreign, temporary or unlogged table or a
 * partition, has to do with INHERITS, has rules, or triggers that would fire after these; no single-column primary key (integer, bigint,
 * uuid or text), a column that doesn't exist, an existing `version` that is no integer, an `updated_at` without time zone.
 * @example
 * export const up = (knex) => trackTable(knex, 'projects', { tenant: 'tenant_id', lists: ['client_id'] })
 * export const down = (knex) => untrackTable(knex, 'projects')
 */
export const trackTable = async (sql: Sql, table: string, options: TrackOptions = {}): Promise<void> => {
  const knex = asKnex(sql)
  await checkLog(knex, table)
  const columns = await columnsOf(knex, table)
  if (columns.length === 0) refuse(table, 'there is no such table.')
  const { rows: kinds } = await knex.raw(KIND, [quoteTable(table)])
  if (kinds[0].why) refuse(table, kinds[0].why)
  if (kinds[0].late) refuse(table, `its triggers ${kinds[0].late} fire after noclobber's. ${RENAME_THEM}`)
  const key = keyOf(table, columns)
  checkNames(table, columns, options)
  const args = [
    key.name,
    options.tenant ?? '',
    arrayText(options.lists ?? []),
    arrayText(options.ignore ?? []),
  ]
  checkTypes(table, columns)
  const part = { table, key: key.name, tenant: options.tenant ?? '' }
  await knex.transaction(async (transaction) => {
    const made = await transaction.raw(PREPARE, {
      key: key.name,
      tenant: part.tenant,
      version: columns.find((column) => column.name === 'version')?.type ?? 'bigint',
      ignored: arrayText(options.ignore ?? []),
      args: args.join(),
      table: quoteTable(table),
    })
    const { tag, ...functions } = made.rows[0]
    const allArgs = [...args, tag].map(quoteText).join(', ')
    const triggers = triggersOf(quoteTable(table), allArgs, {
      place: [key.name, ...(options.tenant ? [options.tenant] : [])].map(quoteName),
      ...functions,
    })
    await dropTriggers(transaction, table)
    await takeOver(transaction, table, columns)
    await knowRelation(transaction, table)
    for (const [name, definition] of triggers) {
      await transaction.raw(`create trigger ${name} ${definition.replaceAll('?', '\\?')}`)
    }
    if (options.partOf) await trackPart(transaction, part, options.partOf)
    if (options.history === 'values')
      await trackValues(transaction, table, key.name, arrayText(options.ignore ?? []))
  })
}

const dropTriggers = async (knex: Knex, table: string) => {
  const on = asIs(quoteTable(table))
  for (const name of TRIGGER_NAMES) await knex.raw(`drop trigger if exists ${name} on ${on}`)
  await dropPart(knex, table)
  await dropValues(knex, table)
}

/**
 * Stops tracking a table. Its columns `version`, `updated_at`, `updated_by` stay unless `dropColumns` is true; what
 * the log holds of it stays until it is pruned.
 */
export const untrackTable = async (sql: Sql, table: string, { dropColumns = false } = {}): Promise<void> => {
  const knex = asKnex(sql)
  await dropTriggers(knex, table)
  await dropParent(knex, table)
  if (dropColumns) {
    await knex.raw(
      `alter table ${quoteTable(table)} drop column if exists version, drop column if exists updated_at,
       drop column if exists updated_by`,
    )
  }
}
