// A whole server on a pool of pg, without Knex: the log, tracked tables, routes, events, and transactions of the app's own.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { migrate, trackTable, untrackTable } from 'noclobber/migrations'
import { type Actor, createRecordServer, defineRecordType, doctor, pruneLog } from 'noclobber/server'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { connectWatcher } from '../../support/app-socket.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { waitFor } from '../../support/wait-for.ts'

const database = await freshDatabase()
const pool = new pg.Pool({ connectionString: database.url, max: 5 })
await pool.query(
  'create table boats (id serial primary key, tenant_id text not null, name text not null, built date, weight numeric)',
)
await migrate(pool)
await migrate(pool)
await trackTable(pool, 'boats', { tenant: 'tenant_id' })

const alice: Actor = { id: 'alice', name: 'Alice', tenantId: 'acme' }
const text = z.any().optional()
const boat = defineRecordType('boat', {
  table: 'boats',
  fields: { name: z.string().min(1), built: text, weight: text },
})
const records = createRecordServer({
  log: null,
  pool,
  types: [boat],
  authenticate: ({ headers }) => (headers.authorization === 'Bearer alice' ? alice : null),
})
const server = createServer(records.handler).listen(0, '127.0.0.1')
await once(server, 'listening')
records.attach(server)
await records.start()
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
afterAll(async () => {
  await records.stop()
  await pool.end()
})

const call = async (method: string, path: string, body?: object) => {
  const response = await fetch(`${origin}/api/v1${path}`, {
    method,
    headers: { authorization: 'Bearer alice', 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  const sent = await response.text()
  return { status: response.status, body: sent === '' ? null : JSON.parse(sent) }
}

const makeBoat = async (name: string): Promise<string> => {
  const { status, body } = await call('POST', '/records/boat', {
    fields: { name, built: '1999-12-31', weight: 12.5 },
  })
  expect([status, body.data?.fields]).toEqual([201, { name, built: '1999-12-31', weight: 12.5 }])
  return body.data.id
}

const nameOf = async (id: string) =>
  (await pool.query('select name, version::int from boats where id = $1', [id])).rows[0]

test('saves, refuses, lists, imports, edits in bulk and sends a watcher the event', async () => {
  const id = await makeBoat('Gull')
  const watcher = await connectWatcher({ origin } as never)
  await watcher.watch(['boat', id])
  const saved = await call('PATCH', `/records/boat/${id}`, {
    client_version: 1,
    changes: { name: 'Tern' },
    mutation_id: 'm1',
  })
  expect([saved.status, saved.body.data.version]).toEqual([200, 2])
  const again = { client_version: 1, changes: { name: 'Tern' }, mutation_id: 'm1' }
  expect((await call('PATCH', `/records/boat/${id}`, again)).status).toBe(200)
  const stale = await call('PATCH', `/records/boat/${id}`, { client_version: 1, changes: { name: 'Swan' } })
  expect([stale.status, stale.body.changed_fields]).toEqual([409, ['name']])
  await watcher.receives('RecordUpdated', { id })
  const bulk = await call('PATCH', '/records/boat', {
    changes: { weight: 1 },
    records: [{ id, client_version: 2 }],
    mutation_id: 'm2',
  })
  expect(bulk.body.data).toMatchObject([{ outcome: 'saved' }])
  const imported = await fetch(`${origin}/api/v1/records/boat/import`, {
    method: 'POST',
    headers: { authorization: 'Bearer alice', 'content-type': 'text/csv' },
    body: 'name\nOne\nTwo\n',
  })
  expect(((await imported.json()) as { data: object }).data).toMatchObject({ created: 2 })
  expect((await call('GET', '/records/boat?sort=-name')).body.data).toHaveLength(3)
  expect((await call('GET', '/changes?cursor=start')).body.data.length).toBeGreaterThan(2)
  expect(await records.health()).toMatchObject({ status: 'ok' })
  expect(await records.metrics.text()).toContain('noclobber_pool_used')
})

test('a write runs in the transaction of a client, and only savepoints of it are ours', async () => {
  const id = await makeBoat('Gull')
  const client = await pool.connect()
  try {
    await client.query('begin')
    const saved = await records.save('boat', id, {
      ...{ actor: alice, clientVersion: '1', changes: { name: 'Tern' }, mutationId: 'in one' },
      transaction: client,
    })
    expect(saved.outcome).toBe('saved')
    expect(await nameOf(id)).toEqual({ name: 'Gull', version: 1 })
    const many = await records.saveMany('boat', {
      ...{ actor: alice, changes: { name: 'Swan' }, records: [{ id, clientVersion: 1 }], mutationId: 'many' },
      transaction: client,
    })
    expect(many).toMatchObject({ outcome: 'aborted' })
    await client.query('commit')
    expect(await nameOf(id)).toEqual({ name: 'Tern', version: 2 })
    await expect(
      records.save('boat', id, {
        actor: alice,
        clientVersion: 2,
        changes: { name: 'X' },
        transaction: client,
      }),
    ).rejects.toThrow('has ended')
    await client.query('begin')
    await records.save('boat', id, {
      actor: alice,
      clientVersion: 2,
      changes: { name: 'Crane' },
      transaction: client,
    })
    await client.query('rollback')
    expect(await nameOf(id)).toEqual({ name: 'Tern', version: 2 })
  } finally {
    client.release()
  }
})

test('the client of an ORM’s transaction is found by its process', async () => {
  const id = await makeBoat('Gull')
  const client = await pool.connect()
  const other = await freshDatabase()
  const elsewhere = new pg.Client(other.url)
  await elsewhere.connect()
  try {
    await client.query('begin')
    const answers = [
      (sql: string) => client.query(sql),
      async (sql: string) => (await client.query(sql)).rows,
      async (sql: string) => (await client.query(sql)).rows.map(({ pid }) => ({ pid: BigInt(pid) })),
      async (sql: string) => [(await client.query(sql)).rows, {}],
    ]
    for (const ask of answers) expect(await records.transactionOf(ask)).toBe(client)
    const saved = await records.save('boat', id, {
      ...{ actor: alice, clientVersion: 1, changes: { name: 'Tern' } },
      transaction: await records.transactionOf((sql) => client.query(sql)),
    })
    expect(saved.outcome).toBe('saved')
    await client.query('rollback')
    expect(await nameOf(id)).toEqual({ name: 'Gull', version: 1 })
    await expect(records.transactionOf((sql) => elsewhere.query(sql))).rejects.toThrow(
      'no connection of the pool',
    )
    await expect(records.transactionOf(() => undefined)).rejects.toThrow('no connection of the pool')
  } finally {
    client.release()
    await elsewhere.end()
  }
})

test('a migration by a connected client, in a transaction or not; doctor and prune by the pool', async () => {
  const client = await pool.connect()
  await client.query('create table piers (id serial primary key, tenant_id text not null, "a?b" text)')
  await trackTable(client, 'piers', { tenant: 'tenant_id', ignore: ['a?b'] })
  await client.query('begin')
  await untrackTable(client, 'piers', { dropColumns: true })
  await client.query('rollback')
  expect(
    (await doctor(pool, { tables: ['boats', 'piers'] })).findings.filter(({ level }) => level === 'problem'),
  ).toEqual([])
  await client.query('begin')
  await untrackTable(client, 'piers', { dropColumns: true })
  await client.query('commit')
  client.release()
  expect((await doctor(pool)).tables).toEqual(['public.boats'])
  expect(await pruneLog(pool, { retentionMs: 1e12 })).toMatchObject({ busy: false })
})

test('a lost connection ends nothing; a server without a database is refused', async () => {
  const id = await makeBoat('Gull')
  const lost = await pool.connect()
  lost.on('error', () => {})
  const { rows } = await lost.query('select pg_backend_pid() as pid')
  await pool.query('select pg_terminate_backend($1)', [rows[0].pid])
  await waitFor(
    async () => {
      const answer = await lost.query('select 1').then(
        () => 'alive',
        () => 'gone',
      )
      return answer === 'gone'
    },
    { what: 'the end of the connection' },
  )
  lost.release(true)
  expect((await call('GET', `/records/boat/${id}`)).status).toBe(200)
  expect(() => createRecordServer({ log: null, types: [], authenticate: () => null })).toThrow(
    '`knex` or a `pool`',
  )
})
