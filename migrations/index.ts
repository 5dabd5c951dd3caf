// The door `noclobber/migrations`.
import type { Knex } from 'knex'
import { seeAbout } from '../server/base/setup-error.ts'
import { asKnex, type Sql } from '../server/db/pg-as-knex.ts'
import { changeLog } from './001-change-log.ts'
import { installedBy, repair as repairLog } from './installed.ts'
import { closeSchema, runSql, steadily } from './sql.ts'
import { olderLog, otherEncoding, readOnly, tooOld } from './supported.ts'

export type { TrackColumns } from './owned-columns.ts'
export type { PartOf } from './parts.ts'
export { type Retention, setRetention } from './retention.ts'
export type { TrackOptions } from './track-options.ts'
export { trackTable, untrackTable } from './track-table.ts'

/** As Knex makes it, so that an app may take Knex later. */
export const MIGRATIONS_TABLE = `create table if not exists noclobber_migrations
  (id serial primary key, name varchar(255), batch integer, migration_time timestamptz)`
/** Notes that a migration was run, as Knex does. */
export const MIGRATION_RUN =
  'insert into noclobber_migrations (name, batch, migration_time) values (?, 1, now())'

/** After the first, each is one file of SQL; the first one's way down drops everything. */
const migrationOf = (file: string): Knex.Migration => ({
  up: (knex) => runSql(knex, file),
  down: async () => {},
})

const MIGRATIONS: Record<string, Knex.Migration> = {
  '001-change-log': changeLog,
  '002-restores': migrationOf('restores.sql'),
  '003-proposals': migrationOf('proposals.sql'),
  '004-tenant-changes': migrationOf('tenant-changes.sql'),
  '005-retention': migrationOf('retention.sql'),
  '006-open-proposals': migrationOf('open-proposals.sql'),
  '007-batched-restores': migrationOf('batched-restores.sql'),
}

/** By migration, how a database shows that it was run. */
const TRACES: Record<keyof typeof MIGRATIONS, string> = {
  '001-change-log': `to_regclass('noclobber.record_changes') is not null`,
  '002-restores': `exists (select from pg_attribute a where a.attrelid = to_regclass('noclobber.record_changes') and a.attname = 'restored_from')`,
  '003-proposals': `to_regclass('noclobber.proposals') is not null`,
  '004-tenant-changes': `to_regclass('noclobber.record_changes_tenant') is not null`,
  '005-retention': `to_regclass('noclobber.retentions') is not null`,
  '006-open-proposals': `to_regclass('noclobber.proposals_open') is not null`,
  '007-batched-restores': `exists (select from pg_attribute a where a.attrelid = to_regclass('noclobber.change_batches') and a.attname = 'restored_from')`,
}

/**
 * The change log's own migrations, as Knex wants them. They keep their own table of what was run, apart from the
 * embedding app's migrations; use {@link migrate}, or pass `{ migrationSource, tableName: 'noclobber_migrations' }`.
 */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: async () => Object.keys(MIGRATIONS),
  getMigrationName: (name) => name,
  getMigration: async (name) => {
    const migration = MIGRATIONS[name] as Knex.Migration
    return {
      ...migration,
      up: async (knex) => {
        await steadily(knex, async () => {
          await migration.up(knex)
          await closeSchema(knex)
        })
      },
    }
  },
}

const TABLE = 'noclobber_migrations'

/** As Knex makes it. */
const LOCK_TABLE = `create table if not exists noclobber_migrations_lock (index serial primary key, is_locked integer)`

/**
 * Who may create tables where these belong could have made them first, with triggers that would run with the rights of the migrations.
 * Names are qualified: functions and operators of others aren't called either.
 */
export const CHECK_OWNERS = `do $$
declare
  strange text := (select pg_catalog.string_agg(c.oid::pg_catalog.regclass::text operator(pg_catalog.||) ' of ' operator(pg_catalog.||) r.rolname::text, ', ')
    from pg_catalog.pg_class c join pg_catalog.pg_roles r on r.oid operator(pg_catalog.=) c.relowner
    where c.oid::pg_catalog.int8 operator(pg_catalog.=) any(array[pg_catalog.to_regclass('noclobber_migrations')::pg_catalog.oid,
        pg_catalog.to_regclass('noclobber_migrations_lock')::pg_catalog.oid]::pg_catalog.int8[])
      and not r.rolsuper and r.rolname operator(pg_catalog.<>) current_user
      and not exists (select from pg_catalog.pg_namespace n where n.nspname operator(pg_catalog.=) 'noclobber' and n.nspowner operator(pg_catalog.=) c.relowner));
begin
  if strange is not null then
    raise insufficient_privilege using message = pg_catalog.concat('The change log can''t be migrated: ', strange, ' is another role''s than that of the migrations.'),
      hint = 'Somebody may have made it first. Drop it, or give it to the role of the migrations: alter table … owner to ….';
  end if;
end $$`

/** One migrates at a time. A lock that needs a right on the table: everybody may take an advisory one. */
const TAKE_TURN = `lock table ${TABLE} in share row exclusive mode`

/** Without the right to make tables: only where there is none. */
const makeTable = async (knex: Knex, name: string, sql: string): Promise<void> => {
  const { rows } = await knex.raw(`select pg_catalog.to_regclass('${name}') is null as "isMissing"`)
  if (rows[0].isMissing) await knex.raw(sql)
}

/** Migrations that weren't run. */
const missing = async (knex: Knex): Promise<string[]> => {
  const { rows } = await knex.raw(`select name from ${TABLE}`)
  return Object.keys(MIGRATIONS).filter((name) => !rows.some((row: { name: string }) => row.name === name))
}

/** What Knex's `migrate.latest` does, where there is no Knex: in one transaction, with the same table. */
const latest = (knex: Knex): Promise<void> =>
  knex.transaction(async (transaction) => {
    await makeTable(transaction, TABLE, MIGRATIONS_TABLE)
    await transaction.raw(CHECK_OWNERS)
    if ((await missing(transaction)).length === 0) return
    await transaction.raw(TAKE_TURN)
    for (const name of await missing(transaction)) {
      await (await migrationSource.getMigration(name)).up(transaction)
      await transaction.raw(MIGRATION_RUN, [name])
    }
  })

/** The tables are there before Knex asks for them, and are looked at. */
const latestByKnex = async (knex: Knex): Promise<void> => {
  await makeTable(knex, TABLE, MIGRATIONS_TABLE)
  await makeTable(knex, `${TABLE}_lock`, LOCK_TABLE)
  await knex.raw(CHECK_OWNERS)
  // A newer version may have run further ones: this one goes on working on its log.
  await knex.migrate.latest({ migrationSource, tableName: TABLE, disableMigrationsListValidation: true })
}

/** The log is there, and nothing says that it was made. */
const IS_FORGOTTEN = `select to_regclass('noclobber.record_changes') is not null and to_regclass('${TABLE}') is null as forgotten`

/** A tool that owns the schema drops tables that its models don't have, as Drizzle's push does with this one. */
const remember = async (knex: Knex): Promise<void> => {
  if (!(await knex.raw(IS_FORGOTTEN)).rows[0].forgotten) return
  await knex.transaction(async (transaction) => {
    await transaction.raw(MIGRATIONS_TABLE)
    await transaction.raw(CHECK_OWNERS)
    await transaction.raw(TAKE_TURN)
    if ((await transaction.raw(`select from ${TABLE}`)).rows.length > 0) return
    for (const [name, trace] of Object.entries(TRACES))
      if ((await transaction.raw(`select ${trace} as was_run`)).rows[0].was_run)
        await transaction.raw(MIGRATION_RUN, [name])
  })
}

/** Migrations that were run here and that this version doesn't have: nodes of a newer one are, or were, at work. */
const newerMigrations = async (knex: Knex): Promise<string[]> => {
  const [{ known }] = (await knex.raw(`select to_regclass('${TABLE}') is not null as known`)).rows
  if (!known) return []
  const { rows } = await knex.raw(`select name from ${TABLE} order by id`)
  return rows.flatMap(({ name }: { name: string }) => (Object.hasOwn(MIGRATIONS, name) ? [] : [name]))
}

/** What was made by a newer version isn't made anew by this one. */
const refuseNewer = async (knex: Knex): Promise<void> => {
  const newer = await newerMigrations(knex)
  if (newer.length > 0)
    throw new Error(
      `The change log is of a newer noclobber (${newer.join(', ')}): this version would put its own functions in the place of newer ones. Repair it with that version. ${seeAbout('log_newer')}`,
    )
}

/** Knex's own lock: another process migrates, or one was ended while it did. */
const LOCKED = /MigrationLocked|already locked/i

/** What two that begin at once may run into: a name that the other has just made. More often it is no race. */
const RACES = ['23505', '42P06', '42P07', '42710', '42723', '40001', '40P01', 'XX000']
const MOST_RACES = 10

const isRace = (error: unknown): boolean => RACES.includes((error as { code?: string }).code ?? '')

const lockedFor = (ms: number) =>
  `The change log's migrations have been locked for ${ms} ms. If nothing is migrating, one was ended halfway: ` +
  `update ${TABLE}_lock set is_locked = 0, then migrate again. ${seeAbout('a-migration-that-stopped-halfway')}`

/** How {@link migrate} goes about it. */
export interface MigrateOptions {
  /** How long to wait for another node's migration, in milliseconds. Default 30,000. */
  waitMs?: number
  /** Also puts back functions and indexes that were altered or dropped since, as the doctor advises. Default `false`. */
  repair?: boolean
}

/**
 * Brings the change log up to date, by Knex, a pool of `pg` or a connected client. Safe to call at every start, and by several nodes at once: one migrates, the
 * others wait for it.
 *
 * @throws Error with a sentence where PostgreSQL is older than 14, the database is not in UTF8, the session may not write, or the log was made before the first release; with `repair` also where
 * the log lacks tables or columns, or is of a newer version.
 */
export const migrate = async (
  sql: Sql,
  { waitMs = 30_000, repair = false }: MigrateOptions = {},
): Promise<void> => {
  const knex = asKnex(sql)
  const old = await tooOld(knex)
  if (old) throw new Error(`${old} ${seeAbout('database_too_old')}`)
  const other = await otherEncoding(knex)
  if (other) throw new Error(other)
  const older = await olderLog(knex)
  if (older) throw new Error(`${older} ${seeAbout('log_too_old')}`)
  const unwritable = await readOnly(knex)
  if (unwritable) throw new Error(`The change log can't be migrated: ${unwritable}`)
  const deadline = Date.now() + waitMs
  for (let races = 0; ; ) {
    try {
      await remember(knex)
      await ('migrate' in knex ? latestByKnex(knex) : latest(knex))
      if (repair) await refuseNewer(knex)
      if (repair) await repairLog(knex, await installedBy(migrationSource))
      return
    } catch (error) {
      const isLocked = LOCKED.test(String(error))
      if (!isLocked && !(isRace(error) && ++races <= MOST_RACES)) throw error
      if (Date.now() > deadline) throw isLocked ? new Error(lockedFor(waitMs), { cause: error }) : error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}
