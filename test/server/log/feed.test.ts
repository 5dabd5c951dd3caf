// Every committed change reaches every watcher, whatever order transactions commit in and whatever breaks on the way.
import { randomInt } from 'node:crypto'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import type { TestWatcher } from '../../support/app-socket.ts'
import { atEnd } from '../../support/at-end.ts'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import { waitFor } from '../../support/wait-for.ts'

const app = await startApp()
const { call, make, sql } = app

const connect = async (url = app.database.url) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  atEnd(() => client.end())
  return client
}

const insert = async (client: pg.Client, project: number) => {
  const { rows } = await client.query(
    `insert into tasks (tenant_id, project_id, title) values ('acme', $1, 'x') returning id`,
    [project],
  )
  return rows[0].id as string
}

/** The ids of what was created, as received. */
const created = (watcher: TestWatcher) =>
  watcher.received.filter(({ name }) => name === 'RecordCreated').map(({ event }) => event.id as string)

const watching = async (node: TestApp, project: number) => {
  const watcher = await node.socket()
  expect((await watcher.watchList('task', { project_id: String(project) })).ok).toBe(true)
  return watcher
}

/** Another node on the same database, through a proxy that goes wrong on demand. */
const nodeBehindProxy = async (options: Parameters<typeof startApp>[0] = {}) => {
  const proxy = await startFaultProxy(Number(new URL(app.database.url).port))
  const url = new URL(proxy.urlFor(app.database.url))
  const name = `node_${randomInt(1e9)}`
  url.searchParams.set('application_name', name)
  const warnings: string[] = []
  const warn = (_details: object, message: string) => warnings.push(message)
  const node = await startApp({
    database: app.database,
    databaseUrl: url.href,
    acquireMs: 2_000,
    limits: { feedTimeoutMs: 400 },
    log: { info: () => {}, warn, error: warn },
    ...options,
  })
  const backends = async () =>
    (await sql(`select pid from pg_stat_activity where application_name = ?`, [name])).length
  return { proxy, node, warnings, backends }
}

test('transactions that commit out of order are delivered once each, those rolled back never', async () => {
  const watcher = await watching(app, 1)
  const clients = await Promise.all(Array.from({ length: 8 }, () => connect()))
  const expected: string[] = []
  for (let round = 0; round < 12; round += 1) {
    const open: { client: pg.Client; id: string }[] = []
    for (const client of clients) {
      await client.query('begin')
      open.push({ client, id: await insert(client, 1) })
    }
    for (let left = open.length; left > 0; left -= 1) {
      const [{ client, id }] = open.splice(randomInt(left), 1) as [(typeof open)[number]]
      const keeps = randomInt(4) > 0
      await client.query(keeps ? 'commit' : 'rollback')
      if (keeps) expected.push(id)
      if (left % 3 === 0) await watcher.flushed()
    }
  }
  await watcher.flushed()
  expect(created(watcher).sort()).toEqual(expected.sort())
})

test('twenty writers at once are delivered once each, in any order of their commits', async () => {
  const watcher = await watching(app, 2)
  const clients = await Promise.all(Array.from({ length: 20 }, () => connect()))
  const expected: string[] = []
  await Promise.all(
    clients.map(async (client, at) => {
      for (let write = 0; write < 15; write += 1) {
        await client.query('begin')
        const id = await insert(client, 2)
        for (let turns = randomInt(20); turns > 0; turns -= 1) await client.query('select')
        const keeps = (at + write) % 5 !== 0
        await client.query(keeps ? 'commit' : 'rollback')
        if (keeps) expected.push(id)
      }
    }),
  )
  await watcher.flushed()
  expect(expected).toHaveLength(240)
  expect(created(watcher).sort()).toEqual(expected.sort())
})

test('one transaction of more changes than a read takes is delivered whole', async () => {
  const node = await startApp({ database: app.database, limits: { feedBatch: 7, bulkThreshold: 1_000 } })
  const watcher = await watching(node, 3)
  const made = await sql(
    `insert into tasks (tenant_id, project_id, title) select 'acme', 3, n::text from generate_series(1, 100) n returning id`,
  )
  await watcher.flushed()
  expect(created(watcher)).toEqual(made.map(({ id }) => String(id)))
  await node.stop()
})

test('another program’s long transaction, here or in another database, delays nobody', async () => {
  const here = await connect()
  const elsewhere = new URL(app.database.url)
  elsewhere.pathname = '/postgres'
  for (const client of [here, await connect(elsewhere.href)]) {
    await client.query('begin isolation level repeatable read')
    await client.query('select pg_current_xact_id()')
  }
  await insert(here, 999)
  const watcher = await watching(app, 4)
  for (let write = 0; write < 5; write += 1) {
    const { id } = await make('task', { project_id: 4, title: 'x' })
    await watcher.receives('RecordCreated', { id })
  }
  await here.query('rollback')
})

test('SQL by hand arrives soon, while nothing else wakes anybody', async () => {
  const quiet = await startApp({ database: app.database, limits: { pollMs: 30_000 } })
  const watcher = await watching(quiet, 5)
  const psql = await connect()
  await watcher.flushed()
  await insert(psql, 5)
  // Sooner than by the timer.
  const event = await watcher.receives('RecordCreated', {}, 20_000)
  expect(event.updated_by).toEqual({ id: psql.user, name: psql.user, kind: 'database' })
  await quiet.stop()
})

test('a feed whose backend is ended loses nothing', async () => {
  const { node, backends } = await nodeBehindProxy()
  const watcher = await watching(node, 6)
  const expected: string[] = []
  for (let round = 0; round < 3; round += 1) {
    const ended = await sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()
        and query ~ 'listen noclobber|noclobber.changes'`,
    )
    expect(ended.length).toBeGreaterThan(0)
    for (let write = 0; write < 10; write += 1) {
      expected.push((await make('task', { project_id: 6, title: 'x' })).id)
    }
    await waitFor(() => expected.every((id) => created(watcher).includes(id)), {
      what: 'all that was made meanwhile',
      deadlineMs: 10_000,
    })
  }
  await waitFor(async () => (await backends()) <= 2, { what: 'no connection to be left over' })
  await node.stop()
})

test('another history of the log is sent as Resync, and goes on from there', async () => {
  const watcher = await watching(app, 7)
  const { cursor } = await watcher.watchList('task', { project_id: '7' })
  await sql('update noclobber.log_epoch set epoch = gen_random_uuid()')
  await watcher.receives('Resync')
  const { id } = await make('task', { project_id: 7, title: 'x' })
  await watcher.receives('RecordCreated', { id })
  const lists = [{ type: 'task', scope: { project_id: '7' }, cursor }]
  expect((await watcher.ask('watch', { lists })).lists[0]).toMatchObject({ ok: true, behind: true })
})

test('a database that is down at the start is waited for', async () => {
  const proxy = await startFaultProxy(Number(new URL(app.database.url).port))
  proxy.set('refuse')
  const node = await startApp({
    database: app.database,
    databaseUrl: proxy.urlFor(app.database.url),
    awaitStart: false,
  })
  const down = await node.call('GET', '/records/project/1')
  expect([down.status, down.body.code, Number(down.headers.get('retry-after')) > 0]).toEqual([
    503,
    'unavailable',
    true,
  ])
  proxy.set('pass')
  await node.records.start()
  const watcher = await watching(node, 8)
  const { id } = await make('task', { project_id: 8, title: 'x' })
  await watcher.receives('RecordCreated', { id })
  await node.stop()
})

test('a black hole before the database is noticed, and what was made meanwhile arrives', async () => {
  const { proxy, node, warnings } = await nodeBehindProxy()
  const watcher = await watching(node, 9)
  proxy.set('hole')
  const expected: string[] = []
  for (let write = 0; write < 5; write += 1)
    expected.push((await make('task', { project_id: 9, title: 'x' })).id)
  await waitFor(() => warnings.length >= 2, { what: 'the feed to notice, twice', deadlineMs: 15_000 })
  expect(created(watcher)).toEqual([])
  proxy.set('pass')
  await waitFor(() => created(watcher).length >= 5, { what: 'the changes', deadlineMs: 10_000 })
  expect([...new Set(created(watcher))]).toEqual(expected)
  await node.stop()
})

test('a connection that opens after its time-out is closed', async () => {
  const { proxy, node, warnings, backends } = await nodeBehindProxy()
  const watcher = await watching(node, 12)
  proxy.delay(200)
  proxy.cut()
  await waitFor(() => warnings.length >= 4, { what: 'connections that come late', deadlineMs: 15_000 })
  proxy.delay(0)
  const { id } = await make('task', { project_id: 12, title: 'x' })
  await watcher.receives('RecordCreated', { id })
  await waitFor(async () => (await backends()) <= 2, { what: 'the late ones to be closed' })
  await node.stop()
})

test('a node stops at once though its database is silent', async () => {
  const { proxy, node } = await nodeBehindProxy({ limits: { feedTimeoutMs: 60_000, pollMs: 20 } })
  proxy.set('hole')
  await make('task', { project_id: 1, title: 'x' })
  const begun = performance.now()
  await node.records.stop()
  expect(performance.now() - begun).toBeLessThan(20_000)
  proxy.cut()
})

test('connections that are cut, slow or sliced lose nothing', async () => {
  const { proxy, node } = await nodeBehindProxy({ limits: { feedTimeoutMs: 5_000 } })
  const watcher = await watching(node, 10)
  const expected: string[] = []
  for (const fault of ['cut', 'slice', 'delay', 'cut'] as const) {
    if (fault === 'cut') proxy.cut()
    else if (fault === 'slice') proxy.set('slice')
    else proxy.delay(40)
    for (let write = 0; write < 5; write += 1)
      expected.push((await make('task', { project_id: 10, title: 'x' })).id)
    await waitFor(() => expected.every((id) => created(watcher).includes(id)), {
      what: `all changes through ${fault}`,
      deadlineMs: 15_000,
    })
    proxy.set('pass')
    proxy.delay(0)
  }
  expect([...new Set(created(watcher))]).toEqual(expected)
  await node.stop()
})

test('two nodes on one database each send to their own watchers once', async () => {
  // Each of the ten saves is an event.
  const options = { database: app.database, limits: { eventsPerRecord: Number.POSITIVE_INFINITY } }
  const [one, other] = [await startApp(options), await startApp(options)]
  const [near, far] = [await watching(one, 11), await watching(other, 11)]
  const { id, version: created } = await make('task', { project_id: 11, title: 'x' })
  for (const watcher of [near, far]) await watcher.watch(['task', id])
  const expected = [created]
  for (let write = 1; write <= 10; write += 1) {
    const node = write % 2 === 0 ? one : other
    const body = { client_version: expected.at(-1), changes: { title: `t${write}` } }
    const saved = await node.call('PATCH', `/records/task/${id}`, { body })
    expect(saved.status).toBe(200)
    expected.push(saved.body.data.version)
  }
  for (const watcher of [near, far]) {
    const versions = (await watcher.flushed()).map(({ event }) => event.version)
    expect(versions).toEqual(expected)
  }
  await Promise.all([one.stop(), other.stop()])
})

test('changes whose permission cannot be looked up are tried again, and at last sent as Resync', async () => {
  const node = await startApp({ database: app.database, pool: { min: 0, max: 1 }, acquireMs: 400 })
  const { id, version } = await make('note', { owner: 'everybody' })
  const watcher = await node.socket()
  await watcher.watch(['note', id])
  await watcher.forget()
  const change = (client_version: number) =>
    call('PATCH', `/records/note/${id}`, {
      body: { client_version, changes: { body: `b${client_version}` } },
    })

  const brief = await node.knex.transaction()
  await change(version)
  await waitFor(() => node.knex.client.pool.numPendingAcquires() > 0, { what: 'the feed to ask' })
  await brief.rollback()
  await watcher.receives('RecordUpdated', { version: version + 1 })

  const long = await node.knex.transaction()
  await change(version + 1)
  await watcher.receives('Resync', {}, 15_000)
  await long.rollback()
  expect(watcher.received.map(({ name }) => name)).toEqual(['RecordUpdated', 'Resync'])
  await change(version + 2)
  await watcher.receives('RecordUpdated', { version: version + 3 })
  await node.stop()
})
