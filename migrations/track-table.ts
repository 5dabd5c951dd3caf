// Tracks a table of the embedding app, or no longer. Called from the app's own migrations.
// Invariant: after `trackTable` no write of the table can escape the log, and no data of the table was changed
// beyond the three columns; where that is not possible, nothing is done and the error says what to do.
import type { Knex } from 'knex'
import { asKnex, type Sql } from '../server/db/pg-as-knex.ts'
import { type Column, checkTable, OWNED } from './check-table.ts'
import { dropValues, trackValues } from './history-values.ts'
import { dropPartitions, trackPartitions } from './partitions.ts'
import { dropParent, dropPart, type PartOf, trackPart } from './parts.ts'
import { asIs, quoteName, quoteTable, quoteText } from './quote.ts'
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

/** The trigger that stamps versions. PostgreSQL fires by name, so this one comes after the app's own triggers. */
export const STAMP_TRIGGER = 'zz_noclobber_stamp'

/** The trigger that puts back a writer that SQL sets; it comes before the stamp. */
export const KEEP_TRIGGER = 'zz_noclobber_keep'

/** The trigger that looks for tombstones where a record goes to another key or tenant. */
const KEY_TRIGGER = `${STAMP_TRIGGER}_key`

/**
 * It never fires. A column that a trigger names can't be dropped without CASCADE, so a tool that brings the table to a model of its own
 * (Sequelize's `alter`, TypeORM's `synchronize`, `db push`) fails at that, and not every write afterwards.
 */
const COLUMNS_TRIGGER = 'zz_noclobber_needs_its_columns'

/** The columns that the triggers own. */
export const OWNED_NAMES = ['version', 'updated_at', 'updated_by']

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
    COLUMNS_TRIGGER,
    `before update of ${OWNED_NAMES.join(', ')} on ${table} for each statement when (false)
      execute function noclobber.log_truncate(${args})`,
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

const arrayText = (names: string[]) =>
  `{${names.map((name) => `"${name.replace(/["\\]/g, '\\$&')}"`).join(',')}}`

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

const namedBy = ({ tenant, lists = [], ignore = [], partOf }: TrackOptions): string[] => [
  ...(tenant ? [tenant] : []),
  ...lists,
  ...ignore,
  ...(partOf ? [partOf.column] : []),
]

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
  const { columns, key } = await checkTable(knex, table, namedBy(options))
  const args = [
    key.name,
    options.tenant ?? '',
    arrayText(options.lists ?? []),
    arrayText(options.ignore ?? []),
  ]
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
    await trackPartitions(transaction, table)
  })
}

const dropTriggers = async (knex: Knex, table: string) => {
  const on = asIs(quoteTable(table))
  for (const name of TRIGGER_NAMES) await knex.raw(`drop trigger if exists ${name} on ${on}`)
  await dropPart(knex, table)
  await dropValues(knex, table)
  await dropPartitions(knex, table)
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
