// The columns that the triggers own under other names: what is refused, whose keys a writer's column gets, parts, partitions,
// tracking anew, repairing, and no longer tracking.
import createKnex from 'knex'
import { trackTable, untrackTable } from 'noclobber/migrations'
import { doctor } from 'noclobber/server'
import { expect, test } from 'vitest'
import { repairTables } from '../../server/doctor/repair.ts'
import { atEnd } from '../support/at-end.ts'
import { ofInterest } from '../support/findings.ts'
import { freshDatabase } from '../support/postgres.ts'

const { url } = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 4 } })
atEnd(() => knex.destroy())
await knex.raw(
  `create table users (id bigint primary key, tenant text, unique (tenant, id)); insert into users values (7, 't'), (8, 't')`,
)

let made = 0
const create = async (columns: string) => {
  made += 1
  const table = `table_${made}`
  await knex.raw(`create table ${table} (id int primary key, title text, ${columns.replaceAll('?', '\\?')})`)
  return table
}
const rowOf = async (table: string, id = 1) =>
  (await knex(table).where({ id }).first()) as Record<string, unknown>
const findings = async () => ofInterest((await doctor(knex, { rows: true })).findings)

test.each([
  ['lock_version text', { version: 'lock_version' }, /lock_version is text, where bigint or integer/],
  ['seen date', { updatedAt: 'seen' }, /seen is date, where timestamp with time zone or timestamp without/],
  ['editor int[]', { updatedBy: 'editor' }, /editor is integer\[\], where jsonb or bigint/],
  ['editor bigint not null', { updatedBy: 'editor' }, /editor is NOT NULL/],
  ['updated_at timestamp', {}, /updated_at is timestamp without time zone.*columns: \{ updatedAt/],
  ['updated_by text', {}, /updated_by is text/],
  ['tenant text', { version: 'tenant' }, /tenant can't be its version too/],
  ['n bigint', { version: 'n', updatedBy: 'n' }, /n can't be its updatedBy too/],
  ['n bigint', { version: 'id' }, /id can't be its version too/],
  ['n bigint', { version: '' }, /version is the name of a column/],
  ['n bigint', { version: 'x'.repeat(64) }, /of at most 63 bytes/],
  [
    'tenant text, editor bigint, foreign key (tenant, editor) references users (tenant, id)',
    { updatedBy: 'editor' },
    /editor is in a foreign key of several columns to public.users/,
  ],
])('%s with %o is refused', async (columns, option, message) => {
  const table = await create(columns)
  const before = await knex(table).columnInfo()
  await expect(
    trackTable(knex, table, { columns: option, ...(columns.startsWith('tenant') && { tenant: 'tenant' }) }),
  ).rejects.toThrow(message)
  expect(await knex(table).columnInfo()).toEqual(before)
})

test('users of a role that the log must not trust are refused, and no user once they are of one', async () => {
  const table = await create('editor bigint references users')
  await trackTable(knex, table, { columns: { updatedBy: 'editor' } })
  const role = `r_${process.pid}_${made}`
  await knex.raw(`create role ${role}; alter table users owner to ${role}`)
  atEnd(() => knex.raw(`alter table users owner to current_user; drop role ${role}`))
  await expect(trackTable(knex, table, { columns: { updatedBy: 'editor' } })).rejects.toThrow(
    /must not trust/,
  )
  await knex.transaction(async (trx) => {
    await trx.raw(`set local noclobber.actor = '7'`)
    await trx.raw(`insert into ${table} (id) values (1)`)
  })
  expect(await rowOf(table)).toMatchObject({ editor: null, version: '1' })
  await knex.raw('alter table users owner to current_user')
})

test('a foreign key gets the writer’s id where that is a user, and null where it is none', async () => {
  const table = await create('editor bigint references users, again timestamp(0)')
  await trackTable(knex, table, { columns: { updatedBy: 'editor', updatedAt: 'again' } })
  const write = (actor: string, sql: string) =>
    knex.transaction(async (trx) => {
      await trx.raw(
        `select set_config('noclobber.actor', ?, true), set_config('timezone', 'Asia/Tokyo', true)`,
        [actor],
      )
      await trx.raw(sql)
    })
  await write('{"id":"7","name":"Amy"}', `insert into ${table} (id, editor) values (1, 8)`)
  expect((await rowOf(table)).editor).toBe('7')
  const ids: [string, string | null][] = [
    ['8', '8'],
    ['9', null],
    ['007', null],
    ['7.0', null],
    ['-7', null],
    ['99999999999999999999', null],
    ['nightly billing', null],
    ['7', '7'],
  ]
  for (const [actor, editor] of ids) {
    await write(actor, `update ${table} set title = '${actor}', editor = 8`)
    expect([actor, (await rowOf(table)).editor]).toEqual([actor, editor])
  }
  await knex.raw(`update ${table} set title = 'by a role'`)
  const { rows } = await knex.raw(
    `select t.editor, abs(extract(epoch from t.again at time zone 'UTC' - now())) < 60 as is_utc,
       (select c.updated_by->>'kind' from noclobber.changes c where c.table_name = 'public.${table}' and c.version = t.version) as kind from ${table} t`,
  )
  expect(rows).toEqual([{ editor: null, is_utc: true, kind: 'database' }])
  expect(await findings()).toEqual([])
})

test('parts raise a parent by its own columns, and the parent keeps them when it is tracked anew', async () => {
  await knex.raw(`create table orders (id int primary key, title text, rev integer);
    create table lines (id int primary key, order_id int, amount int, lock bigint)`)
  const columns = { version: 'rev', updatedAt: null, updatedBy: null }
  await trackTable(knex, 'orders', { columns })
  const part = {
    partOf: { table: 'orders', column: 'order_id', field: 'lines' },
    columns: { version: 'lock' },
  }
  await trackTable(knex, 'lines', part)
  await trackTable(knex, 'orders', { columns, ignore: ['title'] })
  await knex.raw(`insert into orders (id) values (1), (2); insert into lines values (1, 1, 1), (2, 1, 1);
    update lines set amount = 2; update lines set order_id = 2 where id = 1; delete from lines where id = 2`)
  expect((await knex('orders').orderBy('id')).map(({ rev }) => rev)).toEqual([5, 2])
  expect(await findings()).toEqual([])
  await expect(trackTable(knex, 'orders')).rejects.toThrow(/lines is part of it by the columns that it had/)
  const { rows } = await knex.raw(
    `select c.changed_fields from noclobber.changes c where c.table_name = 'public.orders' and c.version > 1`,
  )
  expect(
    rows.every(({ changed_fields }: { changed_fields: string[] }) => changed_fields.includes('lines')),
  ).toBe(true)
})

test('partitions, written by their own names', async () => {
  await knex.raw(`create table parted (id int primary key, title text, "lock version" int) partition by range (id);
    create table parted_1 partition of parted for values from (0) to (100);
    create table parted_2 partition of parted for values from (100) to (200)`)
  await trackTable(knex, 'parted', {
    history: 'values',
    columns: { version: 'lock version', updatedBy: null },
  })
  await knex.raw(`insert into parted values (1, 'a'), (101, 'b'); update parted set title = title || '!';
    update parted_1 set title = 'leaf'; insert into parted_2 select i, 'x' from generate_series(110, 170) i; update parted set id = 2 where id = 1;
    truncate parted_2`)
  const { rows } =
    await knex.raw(`select event, count(*)::int as count, max(version)::int as version from noclobber.changes
    where table_name = 'public.parted' group by 1 order by 1`)
  expect(rows).toEqual([
    { event: 'created', count: 64, version: 4 },
    { event: 'deleted', count: 63, version: 4 },
    { event: 'updated', count: 3, version: 3 },
  ])
  expect(await findings()).toEqual([])
})

test('columns that were dropped come back as they were, and untracking leaves them', async () => {
  const table = await create(`"lock?version" integer, "at :a" timestamp, editor uuid`)
  const columns = { version: 'lock?version', updatedAt: 'at :a', updatedBy: 'editor' }
  await trackTable(knex, table, { columns })
  await knex.raw(`insert into ${table} (id) values (1); update ${table} set title = 'x'`)
  const before = await knex(table).columnInfo()
  await knex.raw(
    `alter table ${table} drop column "lock\\?version" cascade, drop column "at :a" cascade, drop column editor cascade`,
  )
  expect((await findings()).map(({ code }) => code)).toContain('column_missing')
  expect(await repairTables(knex)).toEqual([`public.${table}`])
  expect(await findings()).toEqual([])
  expect(await knex(table).columnInfo()).toEqual(before)
  expect(await rowOf(table)).toMatchObject({ 'lock?version': 2 })
  await untrackTable(knex, table, { dropColumns: true })
  expect(await knex(table).columnInfo()).toEqual(before)
})
