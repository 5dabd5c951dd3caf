// Versions after the history may have gone back: none is given twice. Without a node: what SQL alone does.
import knex, { type Knex } from 'knex'
import { expect, test } from 'vitest'
import { trackTable } from '../../migrations/index.ts'
import { atEnd } from '../support/at-end.ts'
import { freshDatabase } from '../support/postgres.ts'

const open = (url: string) => {
  const connection = knex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
  atEnd(() => connection.destroy())
  return connection
}

const tracked = async (version = 'bigint') => {
  const { url } = await freshDatabase()
  const own = open(url)
  await own.raw(`create table t (id integer primary key, parent integer references t on update cascade, name text,
    version ${version} not null default 1)`)
  await trackTable(own, 't')
  await own.raw(`insert into t (id, name) values (1, 'one'), (2, 'two')`)
  return { own, reopen: () => open(url) }
}

const versions = async (own: Knex) => (await own.raw('select id, version from t order by id')).rows
const versionOf = async (own: Knex, id = 1) =>
  Number((await own.raw('select version from t where id = ?', [id])).rows[0].version)
const update = (own: Knex, id = 1) => own.raw(`update t set name = name || '.' where id = ?`, [id])
const logged = async (own: Knex) =>
  (
    await own.raw(
      `select c.record_id || ' ' || c.event || ' ' || c.version as what from noclobber.changes c where c.table_name = 'public.t' order by c.seq`,
    )
  ).rows.map(({ what }: { what: string }) => what)

/** As after a crash: PostgreSQL empties unlogged tables, and no session of before is left. */
const crash = (own: Knex) => own.raw('truncate noclobber.version_floors')

test('a first installation counts 1, 2, 3', async () => {
  const { own } = await tracked()
  await update(own)
  await update(own)
  expect(await versions(own)).toEqual([
    { id: 1, version: '3' },
    { id: 2, version: '1' },
  ])
})

test('an epoch set by hand raises the versions of sessions that go on, once', async () => {
  const { own } = await tracked()
  await update(own)
  await own.transaction(async (transaction) => {
    await transaction.raw('set local session_replication_role = replica')
    await transaction.raw('update noclobber.log_epoch set epoch = gen_random_uuid()')
  })
  await own.raw('select noclobber.epoch()')
  await update(own)
  const first = await versionOf(own)
  expect(first).toBeGreaterThan(10_000)
  await update(own)
  expect(await versionOf(own)).toBe(first + 1)
  await own.raw(`insert into t (id, name) values (3, 'three')`)
  expect(await versionOf(own, 3)).toBeGreaterThan(10_000)
})

test.each(['bigint', 'integer'])('each history is above those before it: %s', async (type) => {
  const { own, reopen } = await tracked(type)
  let last = await versionOf(own)
  for (let history = 0; history < 3; history += 1) {
    await crash(own)
    await own.raw('update noclobber.log_epoch set epoch = gen_random_uuid()')
    // A crash leaves no session: this one has asked for no floor yet, and no node has begun the history.
    const session = reopen()
    await update(session)
    const now = await versionOf(session)
    expect(now).toBeGreaterThan(last + 100)
    await session.raw('select noclobber.epoch()')
    await update(session)
    last = await versionOf(session)
    expect(last).toBeGreaterThan(now)
  }
})

test('a history that ends before anybody asks for its epoch is below the next, however far it was ahead of the clock', async () => {
  const { own, reopen } = await tracked()
  await own.raw(`update noclobber.version_base set floor_ms = 1e9`)
  let last = await versionOf(own)
  for (let history = 0; history < 10; history += 1) {
    await crash(own)
    const session = reopen()
    await update(session)
    // What was written and lost after it had these numbers.
    expect(await versionOf(session)).toBeGreaterThan(last + 50_000)
    last = await versionOf(session)
  }
  await own.raw('select noclobber.epoch()')
  const [{ floor_ms, notes }] = (
    await own.raw(
      'select floor_ms, (select count(*)::int from noclobber.noted_floors) as notes from noclobber.version_base',
    )
  ).rows
  expect([Number(floor_ms) >= last - 10_000, notes]).toEqual([true, 0])
})

test('a commit that makes a floor, or begins a history, waits for the disk', async () => {
  const { own, reopen } = await tracked()
  const after = async (session: Knex, statement: string) =>
    session.transaction(async (transaction) => {
      await transaction.raw('set local synchronous_commit = off')
      await transaction.raw(statement)
      return (await transaction.raw('show synchronous_commit')).rows[0].synchronous_commit
    })
  const write = `update t set name = name || '.' where id = 1`
  expect(await after(own, write)).toBe('off')
  await crash(own)
  const session = reopen()
  expect(await after(session, write)).toBe('local')
  expect(await after(session, write)).toBe('off')
  expect(await after(session, 'select noclobber.epoch()')).toBe('local')
  expect(await after(session, 'select noclobber.epoch()')).toBe('off')
})

test('each change is logged once, with the version that it got', async () => {
  const { own } = await tracked()
  await own.raw(`insert into t (id, parent, name) select n, 1, 'child' from generate_series(3, 60) n`)
  const before = (await logged(own)).length
  await own.raw('update noclobber.log_epoch set epoch = gen_random_uuid()')
  // The rows that the foreign key updates come with the statement's own.
  await own.raw(`update t set id = 100 where id = 1`)
  await own.raw(`update t set name = 'all'`)
  await own.raw(`delete from t where id = 2`)
  const entries: string[] = (await logged(own)).slice(before)
  expect(new Set(entries).size).toBe(entries.length)
  expect(entries.length).toBe(2 + 58 + 60 + 1)
  for (const { id, version } of await versions(own))
    expect(
      entries
        .filter((entry) => entry.startsWith(`${id} `))
        .at(-1)
        ?.split(' ')[2],
    ).toBe(version)
  const numbers = entries.map((entry) => Number(entry.split(' ')[2]))
  expect(Math.min(...numbers)).toBeGreaterThan(10_000)
})

test('a table that was restored alone goes on above what the log knows', async () => {
  const { own } = await tracked()
  await update(own)
  await update(own)
  const epoch = async () => (await own.raw('select noclobber.epoch() as epoch')).rows[0].epoch
  const was = await epoch()
  const { rows } = await own.raw(
    `select pg_get_triggerdef(g.oid) as def from pg_trigger g where g.tgrelid = 't'::regclass and not g.tgisinternal`,
  )
  await own.raw(`create table copy (like t including all); insert into copy select * from t; update copy set version = 2;
    drop table t; alter table copy rename to t`)
  for (const { def } of rows) await own.raw(def)
  await update(own)
  expect(await versionOf(own)).toBeGreaterThan(10_000)
  expect(await epoch()).not.toBe(was)
  expect(await epoch()).toBe(await epoch())
})

test('a table that is made anew again and again goes on above each one before it', async () => {
  const { own } = await tracked()
  let last = await versionOf(own)
  for (let time = 0; time < 4; time += 1) {
    await own.raw('drop table t; create table t (id integer primary key, name text)')
    await trackTable(own, 't')
    await own.raw(`insert into t (id, name) values (1, 'one')`)
    const now = await versionOf(own)
    expect(now).toBeGreaterThan(last + 100)
    last = now
  }
})

test('the floor of a write that was under way when the history began counts for the next', async () => {
  const { own, reopen } = await tracked()
  let last = await versionOf(own)
  for (let history = 0; history < 6; history += 1) {
    await crash(own)
    const [writer, node] = [reopen(), reopen()]
    const writing = await writer.transaction()
    await writing.raw(`update t set name = name || '.' where id = 1`)
    await node.raw('select noclobber.epoch()')
    await writing.commit()
    await node.raw('select noclobber.epoch()')
    const now = await versionOf(own)
    expect(now).toBeGreaterThan(last)
    const [{ floor_ms }] = (await own.raw('select floor_ms from noclobber.version_base')).rows
    expect(Number(floor_ms)).toBeGreaterThanOrEqual(now - 10_000)
    last = now
  }
})

test('floors that come with a dump don’t count', async () => {
  const { own } = await tracked()
  const before = await versionOf(own)
  const { rows } = await own.raw('select * from noclobber.version_floors')
  await own.raw('truncate noclobber.version_floors')
  await own('noclobber.version_floors').insert(rows)
  const fresh = open(own.client.config.connection)
  await update(fresh)
  expect(await versionOf(own)).toBeGreaterThan(before + 10_000 - 1)
})
