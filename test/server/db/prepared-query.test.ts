// Prepared statements on one connection: from the second time on they are sent in fewer steps, and mean the same.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import createKnex from 'knex'
import pg from 'pg'
import { beforeEach, expect, test } from 'vitest'
import { acquireIdle } from '../../../server/db/left-open.ts'
import { asKnex } from '../../../server/db/pg-as-knex.ts'
import { startApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'

const warned: string[] = []
const note = (_details: object, message: string) => void warned.push(message)
const app = await startApp({ pool: { max: 1 }, log: { info: () => {}, warn: note, error: note } })

const ALICE = { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' as const }

beforeEach(() => app.sql('delete from samples'))

const SAMPLE = {
  amount: '12345678901234567890.25',
  whole: '9007199254740993',
  day: '2026-11-21',
  moment: '2026-11-21T09:30:00.123456Z',
  local_time: '2026-11-21T09:30:00.5',
  document: { a: ['"', '\\', 'ü', null, { b: 1.5 }], 'key "2"': true },
  ratio: 0.1,
  code: 'ab',
  label: 'a "label" \\ with {braces}, ünicode 🙂\n',
  days: ['2026-11-21', '2027-01-01'],
}

test('a record of every kind of column reads the same the first, second and third time', async () => {
  const { id } = await app.make('sample', { ...SAMPLE })
  const texts: string[] = []
  for (let time = 0; time < 3; time += 1) texts.push((await app.call('GET', `/records/sample/${id}`)).text)
  expect(new Set(texts).size).toBe(1)
  expect(JSON.parse(texts[0] as string).data.fields).toMatchObject({
    ...SAMPLE,
    local_time: '2026-11-21T09:30:00.500000',
    code: 'ab   ',
  })
})

test('nulls, texts and numbers are saved the same each time', async () => {
  const { id } = await app.make('sample', {})
  for (const [version, label] of ['one', null, '', 'null', '{"a"}', '\\'].entries()) {
    const changes = { label, whole: label === null ? null : version, ratio: version / 3 }
    const saved = await app.call('PATCH', `/records/sample/${id}`, {
      body: { client_version: version + 1, changes },
    })
    expect(saved.body.data.fields).toMatchObject(changes)
    expect(saved.body.data.version).toBe(version + 2)
  }
})

test('a refused value leaves the connection as it was', async () => {
  const [first, second] = [await app.make('sample', { label: 'taken' }), await app.make('sample', {})]
  const save = (label: string) =>
    app.call('PATCH', `/records/sample/${second.id}`, { body: { client_version: 1, changes: { label } } })
  for (let time = 0; time < 3; time += 1) expect((await save('taken')).status).toBe(422)
  expect((await save('free')).status).toBe(200)
  expect((await app.call('GET', `/records/sample/${first.id}`)).body.data.fields.label).toBe('taken')
})

test('records with a column whose type changes meanwhile are read and saved on', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const read = () => app.call('GET', `/records/project/${id}`)
  const save = async (name: string) => {
    const { version } = (await read()).body.data
    return app.call('PATCH', `/records/project/${id}`, {
      body: { client_version: version, changes: { name } },
    })
  }
  for (const name of ['a', 'b']) expect((await save(name)).status).toBe(200)
  for (const type of ['varchar(300)', 'text']) {
    await app.sql(`alter table projects alter column name type ${type}`)
    expect((await read()).status).toBe(200)
    expect((await save(type)).body.data.fields.name).toBe(type)
    expect((await read()).body.data.fields.name).toBe(type)
  }
})

test.each(['discard all', 'deallocate all'])(
  'after %s on a connection of the pool everything goes on',
  async (command) => {
    const label = (version: number, value: string) => ({ client_version: version, changes: { label: value } })
    const { id } = await app.make('sample', { label: 'one' })
    const path = `/records/sample/${id}`
    const asked: [string, () => Promise<{ status: number }>][] = [
      ['a read', () => app.call('GET', path)],
      ['a save', () => app.call('PATCH', path, { body: label(1, 'two') })],
      ['a list', () => app.call('GET', '/records/sample')],
      [
        'a replayed save',
        () => app.call('PATCH', path, { body: { ...label(2, 'three'), mutation_id: command } }),
      ],
      [
        'a bulk edit',
        () =>
          app.call('PATCH', '/records/sample', {
            body: { changes: { ratio: 2 }, records: [{ id, client_version: 3 }] },
          }),
      ],
      [
        'an import',
        () =>
          app.call('POST', '/records/sample/import?key=id', {
            text: `id,label\n${id},four\n`,
            headers: { 'content-type': 'text/csv' },
          }),
      ],
      ['a deletion', () => app.call('DELETE', path, { body: { client_version: 5 } })],
    ]
    const statuses: [string, number][] = []
    for (const [what, ask] of asked) {
      await app.call('GET', path)
      await app.call('GET', '/records/sample?limit=1')
      await app.knex.raw(command)
      statuses.push([what, (await ask()).status])
    }
    expect(statuses.filter(([, status]) => status >= 300)).toEqual([])
    const { id: other } = await app.make('sample', { label: 'one' })
    await app.knex.raw(command)
    const saved = await app.knex.transaction((transaction) =>
      app.records.save('sample', other, {
        actor: ALICE,
        clientVersion: 1,
        changes: { label: 'two' },
        transaction,
      }),
    )
    expect(saved.outcome).toBe('saved')
  },
)

test.each([
  ['open', 'begin'],
  ['failed', 'begin; do $$ begin raise exception $r$no$r$; end $$'],
  ['old and read-only', 'begin isolation level repeatable read read only; select 1'],
])('what is saved where somebody left a transaction %s on the connection is there', async (_, left) => {
  const { id } = await app.make('sample', { label: 'one' })
  const path = `/records/sample/${id}`
  warned.length = 0
  await app.knex.raw(left).catch(() => {})
  const saved = await app.call('PATCH', path, { body: { client_version: 1, changes: { label: 'two' } } })
  expect(saved.status).toBe(200)
  expect(warned).toEqual([expect.stringContaining('begun by raw SQL (BEGIN)')])
  await app.knex.raw('rollback')
  expect(await app.sql('select label, version::int from samples where id = ?', [id])).toEqual([
    { label: 'two', version: 2 },
  ])
  await app.knex.raw(left).catch(() => {})
  expect((await app.call('GET', path)).body.data.version).toBe(2)
  // In a transaction of the library's own.
  await app.knex.raw(left).catch(() => {})
  const edit = { changes: { label: 'three' }, records: [{ id, client_version: 2 }] }
  const edited = await app.call('PATCH', '/records/sample', { body: { ...edit, mutation_id: left } })
  expect([edited.status, edited.body.data]).toEqual([200, [expect.objectContaining({ version: 3 })]])
  await app.knex.raw('rollback')
  expect((await app.call('GET', path)).body.data.fields.label).toBe('three')
  await app.knex.raw(left).catch(() => {})
  expect((await app.call('GET', '/changes')).status).toBe(200)
})

test.each([
  ['another encoding', `set client_encoding = 'LATIN1'`, 'another client_encoding'],
  ['another role', 'set role pg_monitor', 'role = pg_monitor'],
  ['triggers off', 'set session_replication_role = replica', 'session_replication_role = replica'],
  ['read-only', 'set default_transaction_read_only = on', 'default_transaction_read_only = on'],
])('what is saved where somebody left a connection with %s is what was sent', async (_, left, named) => {
  const { id } = await app.make('sample', { label: 'one' })
  const path = `/records/sample/${id}`
  warned.length = 0
  await app.knex.raw(left)
  const saved = await app.call('PATCH', path, { body: { client_version: 1, changes: { label: 'žü€' } } })
  expect([saved.status, saved.body.data.fields.label]).toEqual([200, 'žü€'])
  expect(warned).toEqual([expect.stringContaining(named)])
  expect(await app.sql('select label, version::int from samples where id = ?', [id])).toEqual([
    { label: 'žü€', version: 2 },
  ])
  await app.knex.raw(left)
  const edit = { changes: { label: 'ž' }, records: [{ id, client_version: 2 }] }
  expect((await app.call('PATCH', '/records/sample', { body: edit })).status).toBe(200)
  expect(await app.sql('select label from samples where id = ?', [id])).toEqual([{ label: 'ž' }])
  await app.knex.raw(left)
  expect((await app.call('GET', '/changes')).status).toBe(200)
  await app.knex.raw('discard all')
})

test('texts are not misread in a transaction of the caller’s that is in another encoding', async () => {
  const { id } = await app.make('sample', { label: 'one' })
  const saved = app.knex.transaction(async (transaction) => {
    await transaction.raw(`set local client_encoding = 'LATIN1'`)
    return app.records.save('sample', id, {
      actor: ALICE,
      clientVersion: 1,
      changes: { label: 'ž' },
      transaction,
    })
  })
  await expect(saved).rejects.toThrow('another client_encoding')
})

test('in a pool of pg a connection that somebody left within a transaction is closed', async () => {
  const pool = new pg.Pool({ connectionString: app.database.url, max: 1 })
  atEnd(() => pool.end())
  await pool.query('begin')
  const closed: Error[] = []
  const connection = await acquireIdle<pg.PoolClient>(asKnex(pool), (error) => closed.push(error))
  expect([closed.length, (await connection.query('select 1 as one')).rows]).toEqual([1, [{ one: 1 }]])
  connection.release()
})

test('an error that comes before the state that it leaves is waited out', async () => {
  const url = new URL(app.database.url)
  const { hostname, port } = url
  // The last message of an answer, six bytes that say the state, comes some time behind the others.
  const proxy = createServer((client) => {
    const database = connect(Number(port), hostname)
    client.pipe(database)
    database.on('data', (chunk) => {
      client.write(chunk.subarray(0, -6))
      setTimeout(() => client.write(chunk.subarray(-6)), 30)
    })
    client.on('close', () => database.destroy())
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  url.port = String((proxy.address() as AddressInfo).port)
  const knex = createKnex({ client: 'pg', connection: url.href, pool: { min: 0, max: 1 } })
  atEnd(async () => {
    await knex.destroy()
    proxy.close()
  })
  await knex.raw('select 1')
  await knex.raw(`begin; do $$ begin raise exception 'no'; end $$`).catch(() => {})
  const closed: Error[] = []
  const connection = await acquireIdle<pg.Client>(knex, (error) => closed.push(error))
  const answer = await connection.query('select 1 as one').catch(String)
  await knex.client.releaseConnection(connection)
  expect([closed.length, answer]).toMatchObject([1, { rows: [{ one: 1 }] }])
})

test('what is discarded out of sight, as by a pooler, is prepared again', async () => {
  const { id } = await app.make('sample', { label: 'one' })
  const path = `/records/sample/${id}`
  await app.call('GET', path)
  await app.knex.raw(`do $$ begin execute 'deallocate all'; end $$`)
  expect((await app.call('GET', path)).status).toBe(200)
})
