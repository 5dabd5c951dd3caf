// Tracks a table of the embedding app, or no longer. Called from the app's own migrations.
// Invariant: after `trackTable` no write of the table can escape the log, and no data of the table was changed
// beyond the three columns; where that is not possible, nothing is done and the error says what to do.
import type { Knex } from 'knex'
import { asKnex, type Sql } from '../server/db/pg-as-knex.ts'
import { type Column, checkTable, refusedBy } from './check-table.ts'
import { followColumns, followName, forgetTenants, noteColumns } from './follow-names.ts'
import { dropValues, trackValues } from './history-values.ts'
import { lockTables } from './lock-tables.ts'
import {
  columnsOption,
  type Owned,
  ownedArgument,
  ownedBy,
  ownedColumns,
  ownedList,
  ownedNames,
  PLAIN,
} from './owned-columns.ts'
import { dropPartitions, trackPartitions } from './partitions.ts'
import { dropParent, dropPart, keepParent, trackPart } from './parts.ts'
import { arrayText, asIs, quoteName, quoteTable, quoteText } from './quote.ts'
import { keyArgument } from './record-key.ts'
import { type AsCaller, meantBy, steadily } from './sql.ts'
import type { TrackOptions } from './track-options.ts'
import { TRIGGER_ARGUMENTS, uncompared } from './trigger-arguments.ts'
import { knowRelation, raiseUnseen, unseenRelations } from './version-floor.ts'

/** The trigger that stamps versions. PostgreSQL fires by name, so this one comes after the app's own triggers. */
export const STAMP_TRIGGER = 'zz_noclobber_stamp'

/** The trigger that logs updates, statement by statement. */
export const UPDATE_TRIGGER = 'zz_noclobber_update'

/** The trigger that puts back a writer that SQL sets; it comes before the stamp. */
export const KEEP_TRIGGER = 'zz_noclobber_keep'

/** The trigger that looks for tombstones where a record goes to another key or tenant. */
const KEY_TRIGGER = `${STAMP_TRIGGER}_key`

/**
 * It never fires. A column that a trigger names can't be dropped without CASCADE, so a tool that brings the table to a model of its own
 * (Sequelize's `alter`, TypeORM's `synchronize`, `db push`) fails at that, and not every write afterwards.
 */
const COLUMNS_TRIGGER = 'zz_noclobber_needs_its_columns'

/** The kinds of functions that are made for the names of a table's columns. */
const MADE = ['stamp_update', 'stamp_key', 'stamp_insert', 'keep_writer'] as const

/** What a table's triggers are made of; all of it quoted. */
interface Making {
  /** The columns that say which record it is. */
  place: string[]
  owned: string[]
  /** `null`: the table has no column for the writer. */
  writer: string | null
  functions: { [kind in (typeof MADE)[number] | 'log_update']: string }
}

/** Triggers of a tracked table, by name, with what each is created as. */
const triggersOf = (
  table: string,
  args: string,
  { place, owned, writer, functions }: Making,
): [string, string][] => [
  [
    STAMP_TRIGGER,
    `before update on ${table} for each row execute function noclobber.${functions.stamp_update}(${args})`,
  ],
  ...(writer === null
    ? []
    : [
        [
          KEEP_TRIGGER,
          `before update of ${writer} on ${table} for each row execute function noclobber.${functions.keep_writer}(${args})`,
        ] satisfies [string, string],
      ]),
  [
    KEY_TRIGGER,
    `before update of ${place.join(', ')} on ${table} for each row
      when (${place.map((name) => `old.${name} is distinct from new.${name}`).join(' or ')})
      execute function noclobber.${functions.stamp_key}(${args})`,
  ],
  [
    `${STAMP_TRIGGER}_insert`,
    `before insert on ${table} for each row execute function noclobber.${functions.stamp_insert}(${args})`,
  ],
  [
    'zz_noclobber_insert',
    `after insert on ${table} referencing new table as new_rows for each statement execute function noclobber.log_insert(${args})`,
  ],
  [
    UPDATE_TRIGGER,
    `after update on ${table} referencing old table as old_rows new table as new_rows for each statement execute function noclobber.${functions.log_update}(${args})`,
  ],
  [
    'zz_noclobber_delete',
    `after delete on ${table} referencing old table as old_rows for each statement execute function noclobber.log_delete(${args})`,
  ],
  [
    COLUMNS_TRIGGER,
    `before update of ${owned.join(', ')} on ${table} for each statement when (false)
      execute function noclobber.log_truncate(${args})`,
  ],
  [
    'zz_noclobber_truncate',
    `before truncate on ${table} for each statement execute function noclobber.log_truncate(${args})`,
  ],
]

/** The names of the triggers that a tracked table has; {@link KEEP_TRIGGER} only with a column for the writer. */
export const TRIGGER_NAMES = triggersOf('', '', {
  place: [],
  owned: [],
  writer: '',
  functions: { stamp_update: '', stamp_key: '', stamp_insert: '', log_update: '', keep_writer: '' },
}).map(([name]) => name)

/** Those of a table of which the triggers own these columns. */
export const triggerNames = ({ updatedBy }: Owned): string[] =>
  TRIGGER_NAMES.filter((name) => name !== KEEP_TRIGGER || updatedBy !== null)

/** The functions made for the names of its columns, and a tag for this table tracked in this way. */
const PREPARE = `select ${MADE.map(
  (kind) =>
    `noclobber.trigger_function('${kind}', ${kind === 'stamp_update' ? ':names || u.names' : ':names'}) as ${kind}`,
)
  .join(', ')
  .replaceAll(':names', 'cast(:names as text[])')},
  left(md5(n.nspname || '.' || c.relname || E'\\n' || :args), 12) as tag, n.nspname || '.' || c.relname as source
from pg_class c join pg_namespace n on n.oid = c.relnamespace,
  lateral (select ${uncompared('c.oid', 'cast(:ignored as text[])')}) u(names)
where c.oid = to_regclass(:table)`

/** The function made for the table's tag and columns, once it has them all. */
const MAKE_LOG_UPDATE = `select noclobber.trigger_function('log_update', cast(:names as text[]) || array[:tag, :lists]
  || noclobber.columns_of(to_regclass(:table))) as log_update`

const NOW: Record<string, string> = {
  'timestamp with time zone': 'clock_timestamp()',
  'timestamp without time zone': `(clock_timestamp() at time zone 'UTC')`,
}

/** What a missing column is made with, by its type. */
const CONSTRAINTS: Record<string, string> = {
  bigint: 'not null default 1',
  'timestamp with time zone': 'not null default clock_timestamp()',
}

const takeOver = async (
  knex: Knex,
  { table, columns, owned }: { table: string; columns: Column[]; owned: Owned },
  asCaller: AsCaller,
) => {
  const alter = (sql: string) => knex.raw(asIs(`alter table ${quoteTable(table)} ${sql}`))
  const update = (sql: string) => asCaller(() => knex.raw(asIs(`update ${quoteTable(table)} set ${sql}`)))
  for (const { name, type } of ownedColumns(owned))
    if (columns.every((one) => one.name !== name))
      await alter(`add column ${quoteName(name)} ${type} ${CONSTRAINTS[type] ?? ''}`)
  const version = quoteName(owned.version.name)
  await update(`${version} = 1 where ${version} is null or ${version} operator(pg_catalog.<) 1`)
  await alter(`alter column ${version} set default 1, alter column ${version} set not null`)
  if (!owned.updatedAt) return
  const [time, now] = [quoteName(owned.updatedAt.name), NOW[owned.updatedAt.type]]
  await update(`${time} = ${now} where ${time} is null`)
  await alter(`alter column ${time} set default ${now}, alter column ${time} set not null`)
}

/** The tables that a caller means, as {@link meantBy} has them, and the name as it was written. */
interface Meant {
  shown: string
  table: string
  parent: string | null
}

const track = async (transaction: Knex, meant: Meant, options: TrackOptions, asCaller: AsCaller) => {
  const { shown, table, parent } = meant
  const { columns, keys, owned } = await checkTable(transaction, shown, table, options)
  const key = keyArgument(keys)
  const tenant = options.tenant ?? ''
  const ignored = arrayText(options.ignore ?? [])
  const args = [key, tenant, arrayText(options.lists ?? []), ignored]
  const names = [key, tenant, ...ownedList(owned)]
  await lockTables(transaction, [table, ...(parent === null ? [] : [parent])])
  const made = await transaction.raw(PREPARE, {
    names: arrayText(names),
    ignored,
    args: [...args, ...(columnsOption(owned) ? [ownedArgument(owned)] : [])].join(),
    table: quoteTable(table),
  })
  const { tag, source, ...functions } = made.rows[0]
  const allArgs = [...args, tag, ownedArgument(owned)].map(quoteText).join(', ')
  const named = { table, source, stamp: STAMP_TRIGGER }
  await followName(transaction, named)
  await followColumns(transaction, named)
  if (!tenant) await forgetTenants(transaction, named)
  const unseen = await unseenRelations(transaction, table)
  await dropTriggers(transaction, table)
  await takeOver(transaction, { table, columns, owned }, asCaller)
  const raised = await knowRelation(transaction, table, owned.version, unseen)
  const { log_update } = (
    await transaction.raw(MAKE_LOG_UPDATE, {
      names: arrayText(names),
      tag,
      lists: args[2] as string,
      table: quoteTable(table),
    })
  ).rows[0]
  const triggers = triggersOf(quoteTable(table), allArgs, {
    place: [...new Set([...keys, ...(tenant ? [tenant] : [])])].map(quoteName),
    owned: ownedNames(owned).map(quoteName),
    writer: owned.updatedBy && quoteName(owned.updatedBy.name),
    functions: { ...functions, log_update },
  })
  for (const [name, definition] of triggers) {
    await transaction.raw(`create trigger ${name} ${definition.replaceAll('?', '\\?')}`)
  }
  await noteColumns(transaction, named)
  await keepParent(transaction, meant, keys, names, owned)
  if (options.partOf && parent !== null) {
    const part = { table, shown, key, tenant, owned }
    await trackPart(transaction, part, { ...options.partOf, table: parent }, options.partOf.table)
  }
  if (options.history === 'values')
    await trackValues(transaction, table, [key, ignored, ownedArgument(owned)])
  await trackPartitions(transaction, table)
  const fields = columns.map(({ name }) => name).filter((name) => !ownedNames(owned).includes(name))
  await raiseUnseen(
    transaction,
    { table, source, keys, version: owned.version.name, fields, asCaller },
    raised,
  )
}

/**
 * Tracks a table: adds `version`, `updated_at` and `updated_by`, or the `columns` named instead, where they are missing, and the
 * triggers that own them. Existing rows begin at version 1, or keep the version that they have. Call it again to change the options.
 * Where the table, or a partition, was without the triggers for a while, each row that may have been written meanwhile gets a new
 * version, above all that it can have had.
 *
 * @param sql The migration's connection or transaction: of Knex, or a pool or connected client of `pg`.
 * @param table The table, with its schema if it isn't on the search path: `projects`, `app.projects`.
 * @throws Error with a sentence saying why a table can't be tracked: it is a view, a foreign, temporary or unlogged table or a
 * partition, has to do with INHERITS, has rules, or triggers that would fire after these; no primary key of integers, uuids or texts, a column that doesn't exist, an existing `version` that is no integer, an `updated_at` without time zone or an `updated_by` that is no `jsonb`, unless `columns` names them.
 * @example
 * export const up = (knex) => trackTable(knex, 'projects', { tenant: 'tenant_id', lists: ['client_id'] })
 * export const down = (knex) => untrackTable(knex, 'projects')
 */
export const trackTable = async (sql: Sql, table: string, options: TrackOptions = {}): Promise<void> => {
  await asKnex(sql).transaction(async (transaction) => {
    const { partOf } = options
    const parent = partOf ? await meantBy(transaction, partOf.table) : null
    const meant = { shown: table, table: await meantBy(transaction, table), parent }
    await steadily(transaction, (asCaller) => track(transaction, meant, options, asCaller)).catch((error) =>
      refusedBy(table, error),
    )
  })
}

const dropTriggers = async (knex: Knex, table: string) => {
  const on = asIs(quoteTable(table))
  for (const name of TRIGGER_NAMES) await knex.raw(`drop trigger if exists ${name} on ${on}`)
  await dropPart(knex, table)
  await dropValues(knex, table)
  await dropPartitions(knex, table)
}

const OWNED_BY = `select (${TRIGGER_ARGUMENTS})[6] as argument from pg_trigger g
  where g.tgrelid = to_regclass(?) and g.tgname = '${STAMP_TRIGGER}'`

const dropOwned = async (knex: Knex, table: string, owned: Owned) => {
  for (const column of ['version', 'updatedAt', 'updatedBy'] as const) {
    const plain = PLAIN[column]
    if (plain && owned[column]?.name === plain.name)
      await knex.raw(asIs(`alter table ${quoteTable(table)} drop column if exists ${plain.name}`))
  }
}

const untrack = async (knex: Knex, table: string, dropColumns: boolean) => {
  await lockTables(knex, [table])
  const [found] = (await knex.raw(OWNED_BY, [quoteTable(table)])).rows
  await dropTriggers(knex, table)
  await dropParent(knex, table)
  if (dropColumns) await dropOwned(knex, table, ownedBy(found?.argument))
}

/**
 * Stops tracking a table. Its columns `version`, `updated_at`, `updated_by` stay unless `dropColumns` is true; those that it was
 * tracked with under other names always stay. What the log holds of it stays until it is pruned.
 */
export const untrackTable = async (sql: Sql, table: string, { dropColumns = false } = {}): Promise<void> => {
  await asKnex(sql).transaction(async (knex) => {
    const meant = await meantBy(knex, table)
    await steadily(knex, () => untrack(knex, meant, dropColumns))
  })
}
