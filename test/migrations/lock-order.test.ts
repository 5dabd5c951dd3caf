// What a migration, the doctor and an app's writers lock, in whatever order: they wait for each other, and meet in no deadlock.
import createKnex, { type Knex } from 'knex'
import { trackTable, untrackTable } from 'noclobber/migrations'
import { doctor } from 'noclobber/server'
import pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { freshDatabase } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

let url: string
let knex: Knex
let writer: pg.Client
let watcher: Knex

const openKnex = (url: string) => {
  const opened = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } })
  atEnd(() => opened.destroy())
  return opened
}

beforeAll(async () => {
  ;({ url } = await freshDatabase())
  knex = openKnex(url)
  watcher = openKnex(url)
  writer = new pg.Client({ connectionString: url })
  await writer.connect()
  atEnd(() => writer.end())
  await knex.raw(`create table halls (id int primary key) partition by range (id);
    create table halls_1 partition of halls for values from (0) to (100); create table halls_rest partition of halls default;
    create table orders (id int primary key); create table lines (id int primary key, order_id int);
    insert into orders values (1); insert into lines values (1, 1)`)
  for (const table of ['halls', 'orders', 'lines']) await trackTable(knex, table)
})

/** Until somebody waits for a lock on one of these tables. */
const untilWaiting = (tables: string[]) =>
  waitFor(
    async () => {
      const { rows } = await watcher.raw(
        'select count(*)::int as waiting from pg_locks where not granted and relation = any(?::regclass[]::oid[])',
        [tables],
      )
      return rows[0].waiting > 0
    },
    { what: `a wait for ${tables}` },
  )

const again = (table: string) => (trx: Knex) => untrackTable(trx, table).then(() => trackTable(trx, table))

test.each<[string, string, string, string[], (trx: Knex) => Promise<void>]>([
  [
    'one partition, then another',
    'insert into halls values (1)',
    'insert into halls values (201)',
    ['halls'],
    (trx) => trackTable(trx, 'halls'),
  ],
  [
    'a partition by its own name, then the table',
    'insert into halls_rest values (202)',
    'insert into halls values (2)',
    ['halls', 'halls_rest'],
    (trx) => trackTable(trx, 'halls'),
  ],
  [
    'a partition, while the table is untracked and tracked by one transaction',
    'insert into halls values (203)',
    'insert into halls_1 values (3)',
    ['halls'],
    again('halls'),
  ],
  [
    'a record, then a part of it',
    'update orders set id = id',
    'update lines set id = id',
    ['orders', 'lines'],
    (trx) => trackTable(trx, 'lines', { partOf: { table: 'orders', column: 'order_id' } }),
  ],
  [
    'a part, then the record of which it is',
    'update lines set id = id',
    'update orders set id = id',
    ['orders', 'lines'],
    (trx) => trackTable(trx, 'lines', { partOf: { table: 'orders', column: 'order_id' } }),
  ],
])('a migration waits for who writes %s', async (_, first, second, tables, migration) => {
  // PostgreSQL would look for a deadlock as soon as there is one.
  await writer.query(`set deadlock_timeout = '1s'; begin`)
  await writer.query(first)
  const done = knex.transaction(migration)
  await untilWaiting(tables)
  await writer.query(second)
  await writer.query('commit')
  await done
})

test('after lock_timeout the error names the table, and nothing was done', async () => {
  const impatient = openKnex(url)
  await impatient.raw(`set lock_timeout = '200ms'`)
  await writer.query('begin; insert into halls_rest values (204)')
  await expect(trackTable(impatient, 'halls')).rejects.toMatchObject({
    code: '55P03',
    message: expect.stringMatching(/^Table public.halls can't be locked: .* for longer than lock_timeout/),
  })
  await writer.query('rollback')
  await trackTable(impatient, 'halls')
  expect((await impatient.raw('show lock_timeout')).rows).toEqual([{ lock_timeout: '200ms' }])
})

test('where a transaction had locked another table before, the error says what to do', async () => {
  const migrating = openKnex(url)
  await migrating.raw(`set deadlock_timeout = '20ms'`)
  await writer.query(`set deadlock_timeout = '60s'; begin; update orders set id = id`)
  let behind: Promise<unknown> | undefined
  const done = migrating.transaction(async (trx) => {
    await trackTable(trx, 'lines')
    behind = writer.query('update lines set id = id')
    await untilWaiting(['lines'])
    await trackTable(trx, 'orders')
  })
  await expect(done).rejects.toMatchObject({
    code: '40P01',
    message: expect.stringMatching(
      /Table public.orders can't be locked: .*in a transaction of its own.*deadlock-detected/,
    ),
  })
  await behind
  await writer.query('commit')
})

test('the doctor holds no table while it reads the next', async () => {
  await writer.query('begin; lock table lines in access exclusive mode')
  const diagnosis = doctor(knex, { listenMs: 1, tables: ['halls', 'lines', 'orders'] })
  await untilWaiting(['lines'])
  await writer.query('lock table halls, orders in access exclusive mode nowait')
  await writer.query('commit')
  expect((await diagnosis).tables).toEqual(['public.halls', 'public.lines', 'public.orders'])
})
