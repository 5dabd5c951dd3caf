// Retention: what goes, what stays, and what those get who come too late.
import createKnex from 'knex'
import { expect, test } from 'vitest'
import { setRetention, trackTable } from '../../../migrations/index.ts'
import { pruneLog } from '../../../server/index.ts'
import { type ChangeApp, startChangeApp } from '../../support/change-app.ts'
import { compacted } from '../../support/compaction.ts'
import { waitFor } from '../../support/wait-for.ts'

const DAY = 24 * 3_600_000

/** Makes everything in the log older than the retention. */
const age = async (app: ChangeApp, where = 'true') => {
  await compacted(app)
  return app.sql(
    `update noclobber.record_changes set updated_at = updated_at - interval '40 days' where ${where}`,
  )
}

const versionsIn = async (app: ChangeApp) =>
  (await app.sql('select record_id, version from noclobber.changes order by seq')).map(
    ({ record_id, version }) => `${record_id} v${version}`,
  )

test('what is older than the retention goes, batch by batch, and the rest stays', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into notes (tenant_id) select 'a' from generate_series(1, 25)`)
  await age(app)
  await app.sql(`update notes set title = 'young' where id = 3`)
  await app.sql(`insert into noclobber.mutations values
    ('a', 'ann', 'old', 'h', '{}', now() - interval '40 days'), ('a', 'ann', 'young', 'h', '{}', now())`)
  expect(await pruneLog(app.knex, { batch: 10, pauseMs: 1 })).toEqual({
    changes: 25,
    values: 0,
    mutations: 1,
    busy: false,
  })
  expect(await versionsIn(app)).toEqual(['3 v2'])
  expect(await app.sql('select mutation_id from noclobber.mutations')).toEqual([{ mutation_id: 'young' }])
  expect(await pruneLog(app.knex)).toEqual({ changes: 0, values: 0, mutations: 0, busy: false })
})

test('a row with a wrong clock holds nothing up', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into notes (tenant_id) select 'a' from generate_series(1, 30)`)
  await age(app, `record_id <> '4'`)
  await app.sql(
    `update noclobber.record_changes set updated_at = now() + interval '9 years' where record_id = '4'`,
  )
  expect((await pruneLog(app.knex, { batch: 10, pauseMs: 1 })).changes).toBe(29)
  expect(await versionsIn(app)).toEqual(['4 v1'])
})

test('a cursor from before what was pruned is reset; one from behind it goes on', async () => {
  const app = await startChangeApp()
  const { cursor: old } = (await app.ask('')).body
  await app.sql(`insert into notes (tenant_id) select 'a' from generate_series(1, 30)`)
  const { cursor: within } = (await app.ask(`?cursor=${old}&limit=10`)).body
  const { cursor: behind } = (await app.ask('')).body
  await age(app)
  await app.sql(`insert into notes (tenant_id) values ('a')`)
  await pruneLog(app.knex)
  for (const cursor of [old, within]) {
    const { status, body } = await app.ask(`?cursor=${cursor}`)
    expect([status, body.reset, body.data]).toEqual([200, true, []])
    expect((await app.ask(`?cursor=${body.cursor}`)).body.reset).toBeUndefined()
  }
  const { body } = await app.ask(`?cursor=${behind}`)
  expect([body.reset, body.data.map(({ id }) => id)]).toEqual([undefined, ['31']])
  const { body: all } = await app.ask('?cursor=start')
  expect([all.reset, all.data.map(({ id }) => id)]).toEqual([undefined, ['31']])
})

test('a follower inside a batch goes on while what is behind it is pruned', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into notes (tenant_id) select 'a' from generate_series(1, 30)`)
  const { body: first } = await app.ask('?cursor=start&limit=20')
  await age(app, 'seq in (select c.seq from noclobber.record_changes c order by c.seq limit 20)')
  expect((await pruneLog(app.knex)).changes).toBe(20)
  const { body } = await app.ask(`?cursor=${first.cursor}`)
  expect([body.reset, body.data.map(({ id }) => Number(id))]).toEqual([
    undefined,
    [21, 22, 23, 24, 25, 26, 27, 28, 29, 30],
  ])
})

test('a transaction still open keeps what it could belong in front of, and no cursor is lost to it', async () => {
  const app = await startChangeApp()
  const slow = await app.connect()
  await slow.query('begin')
  await slow.query(`insert into notes (id, tenant_id) values (900, 'a')`)
  await app.sql(`insert into notes (tenant_id) values ('a')`)
  await age(app)
  expect((await pruneLog(app.knex)).changes).toBe(0)
  const { cursor } = (await app.ask('')).body
  await slow.query('commit')
  const { body } = await app.ask(`?cursor=${cursor}`)
  expect([body.reset, body.data.map(({ id }) => id)]).toEqual([undefined, ['900']])
  expect((await pruneLog(app.knex)).changes).toBe(1)
})

test('one node prunes at a time', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into notes (tenant_id) select 'a' from generate_series(1, 40)`)
  await age(app)
  const ending = new AbortController()
  const first = pruneLog(app.knex, { batch: 10, pauseMs: 60_000, signal: ending.signal })
  await waitFor(async () => (await versionsIn(app)).length === 30, { what: 'the first batch' })
  expect(await pruneLog(app.knex)).toEqual({ changes: 0, values: 0, mutations: 0, busy: true })
  ending.abort()
  expect((await first).changes).toBe(10)
  expect((await pruneLog(app.knex)).changes).toBe(30)
})

test('a turn that lasts longer than a transaction may is kept', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into notes (tenant_id) select 'a' from generate_series(1, 40)`)
  await age(app)
  const [server] = await app.sql(`select current_setting('server_version_num') as number`)
  const limits = [
    'idle_in_transaction_session_timeout',
    ...(Number(server?.number) >= 170_000 ? ['transaction_timeout'] : []),
  ]
  const short = createKnex({
    client: 'pg',
    connection: {
      connectionString: app.databaseUrl,
      options: limits.map((name) => `-c ${name}=150ms`).join(' '),
    },
  })
  expect(await pruneLog(short, { batch: 10, pauseMs: 60 })).toMatchObject({ changes: 40, busy: false })
  await short.destroy()
})

test('the server prunes by itself', async () => {
  const app = await startChangeApp({ limits: { pruneEveryMs: 50 } })
  await app.sql(`insert into notes (tenant_id) values ('a')`)
  await age(app)
  await waitFor(async () => (await versionsIn(app)).length === 0, { what: 'the log to be pruned' })
})

test('a conflict whose history was pruned says that the fields are not known', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into notes (tenant_id, title) values ('a', 'one')`)
  await app.sql(`update notes set title = 'two'`)
  await age(app)
  await pruneLog(app.knex, { retentionMs: 30 * DAY })
  await app.sql(`update notes set title = 'three'`)
  const patch = (version: number) =>
    fetch(`${app.url}/records/note/1`, {
      method: 'PATCH',
      headers: { authorization: 'Bearer ann', 'content-type': 'application/json' },
      body: JSON.stringify({ client_version: version, changes: { title: 'mine' } }),
    }).then((answer) => answer.json())
  expect(await patch(1)).toMatchObject({ code: 'stale_record', changed_fields: null })
  expect(await patch(2)).toMatchObject({ code: 'stale_record', changed_fields: ['title'] })
})

test('a table keeps its values and its changes for times of its own, and the rest goes when the log says', async () => {
  const app = await startChangeApp()
  await app.sql('create table kept (id integer primary key, tenant_id text not null, secret text)')
  await app.sql('create table brief (id integer primary key, tenant_id text not null, secret text)')
  for (const table of ['kept', 'brief'])
    await trackTable(app.knex, table, { tenant: 'tenant_id', history: 'values' })
  await setRetention(app.knex, 'kept', { values: '20 days', names: '1 year' })
  await setRetention(app.knex, 'brief', { names: '20 days' })
  for (const table of ['kept', 'brief']) {
    await app.sql(`insert into ${table} select n, 'a', 'a secret' from generate_series(1, 12) n`)
    await app.sql(`update ${table} set secret = 'a secret still' where id = 1`)
    await app.sql(`delete from ${table} where id = 2`)
  }
  await app.sql(`insert into notes (tenant_id) select 'a' from generate_series(1, 12)`)
  await compacted(app)
  await app.sql(`update noclobber.record_changes set updated_at = updated_at - interval '25 days'`)
  const { cursor } = (await app.ask('')).body
  await app.sql(`insert into kept values (99, 'a', 'a secret of today')`)
  const pruned = await pruneLog(app.knex, { batch: 5, pauseMs: 1 })
  expect(pruned).toEqual({ changes: 14, values: 14, mutations: 0, busy: false })
  const left =
    await app.sql(`select table_name, count(*)::int as changes, count(changed_values)::int as values, count(old_row)::int as rows
    from noclobber.changes group by 1 order by 1`)
  expect(left).toEqual([
    { table_name: 'public.kept', changes: 15, values: 1, rows: 0 },
    { table_name: 'public.notes', changes: 12, values: 0, rows: 0 },
  ])
  expect((await app.ask(`?cursor=${cursor}`)).body.reset).toBeUndefined()
  await app.sql(`insert into kept values (2, 'a', 'again')`)
  expect(await app.sql('select version from kept where id = 2')).toEqual([{ version: '3' }])

  await app.sql(`update noclobber.record_changes set updated_at = updated_at - interval '10 days'`)
  expect(await pruneLog(app.knex, { batch: 5, pauseMs: 1 })).toMatchObject({ changes: 12, values: 0 })
  await setRetention(app.knex, 'kept', {})
  expect(await pruneLog(app.knex, { batch: 5, pauseMs: 1 })).toMatchObject({ changes: 14, values: 0 })
  expect(await pruneLog(app.knex)).toEqual({ changes: 0, values: 0, mutations: 0, busy: false })
})

test('a cursor from before a deletion whose values are gone is reset: nobody goes on showing what was deleted', async () => {
  const app = await startChangeApp()
  await setRetention(app.knex, 'notes', { values: '20 days' })
  await app.sql(`insert into notes (tenant_id) values ('a'), ('a')`)
  const { cursor: before } = (await app.ask('')).body
  await app.sql('delete from notes where id = 2')
  const { cursor: behind } = (await app.ask('')).body
  expect(await pruneLog(app.knex)).toMatchObject({ values: 0 })
  expect((await app.ask(`?cursor=${before}`)).body.reset).toBeUndefined()
  await app.sql(`update noclobber.record_changes set updated_at = updated_at - interval '25 days'`)
  expect(await pruneLog(app.knex)).toMatchObject({ changes: 0, values: 1 })
  expect((await app.ask(`?cursor=${before}`)).body.reset).toBe(true)
  expect((await app.ask(`?cursor=${behind}`)).body.reset).toBeUndefined()
})

test('a time that is none, and a table that isn’t there, are refused', async () => {
  const app = await startChangeApp()
  for (const values of ['soon', '-1 day', '0', '', `1 day'; drop table notes`])
    await expect(setRetention(app.knex, 'notes', { values })).rejects.toThrow('Not a time')
  await expect(setRetention(app.knex, 'nothing', { names: '1 day' })).rejects.toThrow('There is no table')
  expect(await app.sql('select * from noclobber.retentions')).toEqual([])
})

test('what was proposed for a record that is deleted goes with its deletion: a later one with its id has none of it', async () => {
  const app = await startChangeApp()
  const propose = (id: number, version: number) =>
    app.sql(
      `insert into noclobber.proposals (table_name, record_id, tenant_id, client_version, changes, proposed_by)
       values ('public.notes', ?, 'a', ?, '{"title": "what the first one was to be"}', '{}')`,
      [String(id), version],
    )
  await app.sql(`insert into notes (id, tenant_id) values (7, 'a'), (8, 'a')`)
  await propose(7, 1)
  await propose(8, 1)
  await app.sql('delete from notes where id = 7')
  // The log of this table is kept for a shorter time than proposals are.
  await setRetention(app.knex, 'notes', { names: '1 hour' })
  await app.sql(`update noclobber.record_changes set updated_at = updated_at - interval '2 hours'`)
  await pruneLog(app.knex)
  await app.sql(`insert into notes (id, tenant_id) values (7, 'a')`)
  expect(await app.sql('select record_id from noclobber.proposals')).toEqual([{ record_id: '8' }])
})
