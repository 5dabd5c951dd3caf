// The doctor finds whatever the migrations and trackTable install that is missing, off, altered or of an older
// version, each broken by SQL; and `migrate` with `repair` puts the log's own back.
import knex, { type Knex } from 'knex'
import { expect, onTestFinished, test } from 'vitest'
import { migrate, migrationSource, trackTable, untrackTable } from '../../../migrations/index.ts'
import { type Difference, differenceOf, type Installed, installedBy } from '../../../migrations/installed.ts'
import { PART_TRIGGERS } from '../../../migrations/parts.ts'
import { TRIGGER_NAMES } from '../../../migrations/track-table.ts'
import { trackedTables } from '../../../server/doctor/tables.ts'
import { triggerFindings } from '../../../server/doctor/triggers.ts'
import { doctor } from '../../../server/index.ts'
import { ofInterest } from '../../support/findings.ts'
import { freshDatabase } from '../../support/postgres.ts'

const openDatabase = async (options: Parameters<typeof freshDatabase>[0] = {}): Promise<Knex> => {
  const { url } = await freshDatabase(options)
  const connection = knex({ client: 'pg', connection: url, pool: { min: 0, max: 4 } })
  onTestFinished(() => connection.destroy())
  return connection
}

/** Orders with lines that are part of them, and prices whose values are kept. */
const makeTables = async (connection: Knex) => {
  await connection.raw(`create table orders (id integer primary key, tenant_id text, client_id integer);
    create table lines (id integer primary key, tenant_id text, order_id integer);
    create table prices (id integer primary key, amount integer)`)
  await trackTable(connection, 'orders', { tenant: 'tenant_id', lists: ['client_id'] })
  await trackTable(connection, 'lines', {
    tenant: 'tenant_id',
    partOf: { column: 'order_id', table: 'orders', field: 'lines' },
  })
  await trackTable(connection, 'prices', { history: 'values' })
}

const openTracked = () => openDatabase({ tables: { name: 'installation', make: makeTables } })

const found = async (connection: Knex) =>
  ofInterest((await doctor(connection, { listenMs: 10_000 })).findings).map(
    ({ code, table, message }) => `${code} ${table ?? '-'} ${message}`,
  )

const names = ({ functions, indexes, columns }: Difference) => [
  ...functions.map(({ name }) => name),
  ...indexes.map(({ name }) => name),
  ...columns,
]

test('what the migrations make is what the comparison expects, down to each function and index', async () => {
  const connection = await openDatabase()
  const installed: Installed = await installedBy(migrationSource)
  expect(names(await differenceOf(connection, installed))).toEqual([])
  const { rows: functions } = await connection.raw(
    `select proname as name from pg_proc where pronamespace = 'noclobber'::regnamespace order by 1`,
  )
  expect(functions.map(({ name }: { name: string }) => name)).toEqual([...installed.functions.keys()].sort())
  const { rows: indexes } = await connection.raw(
    `select indexname as name from pg_indexes where schemaname = 'noclobber' order by 1`,
  )
  expect(indexes.map(({ name }: { name: string }) => name)).toEqual([...installed.indexes.keys()].sort())
  const { rows: columns } = await connection.raw(
    `select table_name || '.' || column_name as name from information_schema.columns join information_schema.tables
       using (table_schema, table_name) where table_schema = 'noclobber' and table_type = 'BASE TABLE'`,
  )
  expect(columns.map(({ name }: { name: string }) => name).sort()).toEqual(
    [...installed.tables].flatMap(([table, own]) => own.map((name) => `${table}.${name}`)).sort(),
  )
})

test('each function that is altered or dropped is named, and put back by a repair', async () => {
  const connection = await openTracked()
  const { functions } = await installedBy(migrationSource)
  const all = [...functions.values()]
  const named = (some: typeof all) => [
    `log_altered - Missing, or not as the migrations made them: ${some.map(({ name }) => `function noclobber.${name}`).join(', ')}.`,
  ]
  const alter = async ({ sql }: { sql: string }) => {
    const altered = sql.replace(/(\$\w*\$)(?=[\s\S]*\1$)/, '$1 /* mine */ ')
    expect(altered).not.toBe(sql)
    await connection.raw(altered.replaceAll('?', '\\?'))
  }
  // One alone, and all at once.
  for (const some of [all.slice(0, 1), all]) {
    for (const one of some) await alter(one)
    expect(await found(connection)).toEqual(named(some))
    await migrate(connection, { repair: true })
    expect(await found(connection)).toEqual([])
  }
  const { rows } = await connection.raw(`select tgfoid::regprocedure::text as name from pg_trigger
    where tgrelid = 'orders'::regclass and tgname in ('zz_noclobber_stamp', 'zz_noclobber_update') order by tgname`)
  const [stampUpdate, logUpdate]: string[] = rows.map(({ name }: { name: string }) => name)
  for (const change of [
    `alter function ${logUpdate} security invoker`,
    `create or replace function ${logUpdate} returns trigger language plpgsql security definer
       set search_path = pg_catalog, pg_temp as 'begin return null; end'`,
    'alter function noclobber.log_insert() reset search_path',
    `alter function ${stampUpdate} set search_path = 'public'`,
    'alter function noclobber.scopes_of volatile',
    'drop function noclobber.scopes_of',
  ]) {
    await connection.raw(change)
    expect(await found(connection)).toHaveLength(1)
    await migrate(connection, { repair: true })
    expect(await found(connection)).toEqual([])
  }
})

test('each index that is dropped, invalid or on other columns is named, and put back by a repair', async () => {
  const connection = await openDatabase()
  const { indexes } = await installedBy(migrationSource)
  const all = [...indexes.values()]
  const isFoundAndRepaired = async () => {
    expect(await found(connection)).toEqual([
      `log_altered - Missing, or not as the migrations made them: ${all.map(({ name }) => `index noclobber.${name}`).join(', ')}.`,
    ])
    await migrate(connection, { repair: true })
    expect(await found(connection)).toEqual([])
  }
  for (const { name, table, sql } of all)
    await connection.raw(
      sql.startsWith('alter table')
        ? `alter table noclobber.${table} drop constraint ${name}`
        : `drop index noclobber.${name}`,
    )
  await isFoundAndRepaired()
  for (const { name } of all)
    await connection.raw('update pg_index set indisvalid = false where indexrelid = to_regclass(?)', [
      `noclobber.${name}`,
    ])
  await isFoundAndRepaired()
  await connection.raw('drop index noclobber.record_changes_record')
  await connection.raw('create index record_changes_record on noclobber.record_changes (table_name)')
  expect(await found(connection)).toHaveLength(1)
  await migrate(connection, { repair: true })
  expect(await found(connection)).toEqual([])
})

test('a log of an older version, of a newer one, without a table or a column', async () => {
  const older = await openDatabase()
  await older.raw(`delete from noclobber_migrations`)
  expect(await found(older)).toEqual([expect.stringMatching(/^log_outdated - .*001-change-log/)])
  for (const name of await migrationSource.getMigrations([]))
    await older.raw(`insert into noclobber_migrations (name, batch, migration_time) values (?, 1, now())`, [
      name,
    ])
  expect(await found(older)).toEqual([])
  await older.raw(
    `insert into noclobber_migrations (name, batch, migration_time) values ('900-later', 9, now())`,
  )
  const newer = await doctor(older)
  expect(newer.ok).toBe(true)
  expect(newer.findings).toContainEqual(expect.objectContaining({ code: 'log_newer', level: 'note' }))

  const torn = await openDatabase()
  await torn.raw('alter table noclobber.record_changes drop column scopes cascade')
  expect(await found(torn)).toEqual([
    'log_altered - The log lacks noclobber.record_changes.scopes, noclobber.changes.',
  ])
  await torn.raw('drop view noclobber.batched_changes')
  expect(ofInterest((await doctor(torn)).findings)).toMatchObject([{ code: 'log_altered' }])
  await torn.raw('drop table noclobber.log_horizon')
  expect(ofInterest((await doctor(torn)).findings)).toMatchObject([{ code: 'log_altered' }, {}])
})

test('each trigger of a tracked table, of parts, of their parent and of values: missing, off, altered', async () => {
  const connection = await openTracked()
  expect(await found(connection)).toEqual([])
  const { rows } = await connection.raw(`select tgrelid::regclass::text as table, tgname as name,
    pg_get_triggerdef(oid) as definition from pg_trigger where tgname like 'zz\\_%' order by 1, 2`)
  expect(rows).toHaveLength(TRIGGER_NAMES.length * 3 + PART_TRIGGERS.length + 1 + 2)
  for (const { table, name, definition } of rows) {
    const isSeen = (what: string, code: string, findings: string[]) =>
      expect([table, name, what, findings]).toEqual([
        table,
        name,
        what,
        expect.arrayContaining([expect.stringMatching(new RegExp(`^${code} public\\.${table} .*${name}`))]),
      ])
    const trx = await connection.transaction()
    await trx.raw(`alter table ${table} disable trigger ${name}`)
    isSeen('off', 'trigger_disabled', await foundIn(trx))
    await trx.raw(`alter table ${table} enable replica trigger ${name}`)
    isSeen('replica', 'trigger_disabled', await foundIn(trx))
    await trx.raw(`alter table ${table} enable trigger ${name}`)
    await trx.raw(`drop trigger ${name} on ${table}`)
    isSeen('missing', 'trigger_missing', await foundIn(trx))
    await trx.raw(`create function anything() returns trigger language plpgsql as 'begin return null; end'`)
    await trx.raw(definition.replace(/EXECUTE FUNCTION noclobber\.\w+/, 'EXECUTE FUNCTION anything'))
    isSeen('another function', 'trigger_altered', await foundIn(trx))
    await trx.rollback()
  }
})

const foundIn = async (trx: Knex.Transaction) => {
  const { tables } = await trackedTables(trx, [])
  return tables.flatMap(triggerFindings).map(({ code, table, message }) => `${code} ${table} ${message}`)
}

test('values that must be kept and are not, and parts that are gone altogether', async () => {
  const connection = await openTracked()
  await trackTable(connection, 'prices')
  expect(await found(connection)).toEqual([])
  const findings = ofInterest((await doctor(connection, { values: ['prices'], rows: false })).findings)
  expect(findings).toMatchObject([
    {
      code: 'trigger_missing',
      table: 'public.prices',
      advice:
        "Call trackTable(knex, 'public.prices', { history: 'values' }) in a migration: the options that it has, and history: 'values', which it lacks.",
    },
  ])
  expect(ofInterest((await doctor(connection, { values: ['orders'], rows: false })).findings)).toMatchObject([
    {
      advice: expect.stringContaining(
        "{ tenant: 'tenant_id', lists: ['client_id'], history: 'values' }) in a migration",
      ),
    },
  ])
  await untrackTable(connection, 'lines')
  const { ok, findings: left } = await doctor(connection)
  expect(ok).toBe(true)
  expect(ofInterest(left)).toMatchObject([{ code: 'parts_missing', level: 'note', table: 'public.orders' }])
})

test('the advice to track a table again names its options, and none where no trigger has them', async () => {
  const connection = await openTracked()
  const advice = async (values: string[] = []) =>
    ofInterest((await doctor(connection, { tables: ['bare'], values, rows: false })).findings).map(
      (finding) => finding.advice,
    )
  const lines = `Call trackTable(knex, 'public.lines', { tenant: 'tenant_id', partOf: { table: 'public.orders', column: 'order_id', field: 'lines' } }) again, in a migration: these are the options that its triggers have.`
  await connection.raw('create table bare (id integer primary key)')
  expect(await advice()).toEqual([
    `Call trackTable(knex, 'public.bare', …) in a migration, with the same options if it was tracked before.`,
  ])
  expect((await advice(['bare']))[0]).toContain(`trackTable(knex, 'public.bare', { …, history: 'values' })`)
  await trackTable(connection, 'bare')
  await connection.raw(`drop trigger zz_noclobber_insert on lines;
    create trigger zz_noclobber_insert after insert on lines referencing new table as new_rows
      for each statement execute function noclobber.log_insert('id', 'mine', '{}', '{}');
    drop trigger zz_noclobber_stamp_part on orders`)
  expect(await advice()).toEqual([lines, lines])
  await connection.raw('drop trigger zz_noclobber_delete on orders')
  expect(await advice()).toEqual([
    lines,
    `Call trackTable(knex, 'public.orders', { tenant: 'tenant_id', lists: ['client_id'] }) again, in a migration: these are the options that its triggers have. ${lines}`,
  ])
})

test('triggers that go by columns and parents that are not there any more', async () => {
  const connection = await openTracked()
  await connection.raw('alter table orders rename column client_id to customer_id')
  expect(await found(connection)).toEqual([
    'trigger_altered public.orders The triggers go by columns that are not there any more, or not the key: client_id.',
  ])
  await trackTable(connection, 'orders', { tenant: 'tenant_id', lists: ['customer_id'] })
  expect(await found(connection)).toEqual([])
  await connection.raw('alter table prices rename column id to number')
  expect(await found(connection)).toEqual([
    expect.stringMatching(/^trigger_altered public\.prices .*: id\.$/),
  ])
  await trackTable(connection, 'prices', { history: 'values' })
  await untrackTable(connection, 'orders')
  expect(await found(connection)).toEqual([
    expect.stringMatching(/^parent_not_tracked public\.lines .*public\.orders/),
  ])
})
