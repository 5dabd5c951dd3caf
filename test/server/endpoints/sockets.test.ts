// The contract's events and acknowledgements for a plain socket.io-client.
import { randomUUID } from 'node:crypto'
import { trackTable } from 'noclobber/migrations'
import { defineRecordType } from 'noclobber/server'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Person, startApp, TYPES } from '../../support/app.ts'

const WIDE = Array.from({ length: 200 }, (_, at) => `column_with_a_rather_long_name_${at}`)
const app = await startApp({
  types: [
    ...TYPES,
    defineRecordType<Person>('wide', {
      table: 'wide',
      fields: Object.fromEntries(WIDE.map((name) => [name, z.number().default(0)])),
    }),
  ],
  prepare: async (knex) => {
    await knex.raw(`create table wide (id text primary key, tenant_id text not null,
      ${WIDE.map((name) => `${name} int`).join(', ')})`)
    await trackTable(knex, 'wide', { tenant: 'tenant_id' })
  },
})
const { call, make, sql } = app
const MICROS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/

const save = (type: string, id: string, client_version: number, changes: object, options: object = {}) =>
  call('PATCH', `/records/${type}/${id}`, { as: 'bob', body: { client_version, changes }, ...options })
const names = (received: { name: string }[]) => received.map(({ name }) => name)

describe('watch', () => {
  test('answers with the version that is there, and each change follows', async () => {
    const { id } = await make('project', { name: 'x' })
    const alice = await app.socket({ as: 'alice' })
    const { records } = await alice.watch(['project', id])
    expect(records).toEqual([
      {
        type: 'project',
        id,
        ok: true,
        version: 1,
        updated_at: expect.stringMatching(MICROS),
        updated_by: { id: 'alice', name: 'Alice', kind: 'user' },
        deleted: false,
      },
    ])
    const saved = await save(
      'project',
      id,
      1,
      { name: 'y', status: 'active' },
      { headers: { 'x-tab-id': 'tab-7' } },
    )
    expect(await alice.receives('RecordUpdated')).toEqual({
      tenant_id: 'acme',
      type: 'project',
      id,
      version: 2,
      changed_fields: ['name', 'status'],
      updated_at: saved.body.data.updated_at,
      updated_by: { id: 'bob', name: 'Bob', kind: 'user' },
      // Bob's page is sent to nobody but Bob.
      tab_id: null,
    })
    await call('DELETE', `/records/project/${id}`, { body: { client_version: 2 } })
    expect(await alice.receives('RecordDeleted')).toMatchObject({
      id,
      version: 3,
      changed_fields: [],
      tab_id: null,
    })
  })

  test('works over polling, by a cookie, and by a token', async () => {
    const { id } = await make('project', { name: 'x' })
    const watchers = [
      await app.socket({ transports: ['polling'] }),
      await app.socket({ as: 'Bearer alice' }),
      await app.socket({ options: { auth: {}, extraHeaders: { cookie: 'a=b; session=alice' } } }),
      await app.socket({ options: { auth: {}, extraHeaders: { authorization: 'Bearer alice' } } }),
    ]
    for (const watcher of watchers) expect((await watcher.watch(['project', id])).records[0].ok).toBe(true)
    await save('project', id, 1, { name: 'y' })
    for (const watcher of watchers) await watcher.receives('RecordUpdated', { id })
  })

  test.each(['websocket', 'polling'] as const)(
    'a token goes before a cookie of somebody else, over %s',
    async (transport) => {
      const { id } = await make('project', { name: 'of acme' })
      for (const person_id of [undefined, 'gina']) {
        const gina = await app.socket({
          transports: [transport],
          options: { auth: { token: 'gina', person_id }, extraHeaders: { cookie: 'session=alice' } },
        })
        expect((await gina.watch(['project', id])).records[0]).toMatchObject({ ok: false })
      }
      const bob = await app.socket({
        transports: [transport],
        options: { auth: { token: 'bob', person_id: 'bob' }, extraHeaders: { cookie: 'session=gina' } },
      })
      expect((await bob.watch(['project', id])).records[0].ok).toBe(true)
    },
  )

  test('answers for a deleted record with its deletion', async () => {
    const { id } = await make('project', { name: 'x' })
    await call('DELETE', `/records/project/${id}`, { body: { client_version: 1 } })
    const { records } = await (await app.socket()).watch(['project', id])
    expect(records).toMatchObject([{ ok: true, version: 2, deleted: true }])
  })

  test('of a list answers whether it changed since a cursor', async () => {
    const watcher = await app.socket()
    const scope = { project_id: '4711' }
    const before = await watcher.watchList('task', scope)
    expect(before).toEqual({ type: 'task', scope, ok: true, cursor: expect.any(String), behind: false })
    const again = async () =>
      (await watcher.ask('watch', { lists: [{ type: 'task', scope, cursor: before.cursor }] })).lists[0]
        .behind
    expect(await again()).toBe(false)
    await make('task', { project_id: 4712, title: 'elsewhere' })
    expect(await again()).toBe(false)
    await make('task', { project_id: 4711, title: 'here' })
    expect(await again()).toBe(true)
  })

  test('misses nothing of a record that is saved while it is answered', async () => {
    const { id } = await make('project', { name: 'x' })
    for (let version = 1; version <= 20; version += 1) {
      const watcher = await app.socket()
      const [{ records }, saved] = await Promise.all([
        watcher.watch(['project', id]),
        save('project', id, version, { name: `n${version}` }),
      ])
      expect(saved.status).toBe(200)
      if (records[0].version <= version) await watcher.receives('RecordUpdated', { version: version + 1 })
      watcher.socket.disconnect()
    }
  })

  test('is undone by unwatch, even while it is answered', async () => {
    const { id } = await make('project', { name: 'x' })
    const watcher = await app.socket()
    const records = [{ type: 'project', id }]
    await watcher.watch(['project', id])
    // The creation itself may be sent only now, by the feed.
    await watcher.forget()
    expect(await watcher.ask('unwatch', { records })).toEqual({ records: [], lists: [] })
    await save('project', id, 1, { name: 'y' })
    expect(await watcher.flushed()).toEqual([])
    const watching = watcher.ask('watch', { records })
    await watcher.ask('unwatch', { records })
    await watching
    await save('project', id, 2, { name: 'z' })
    expect(await watcher.flushed()).toEqual([])
  })
})

describe('an event', () => {
  test('reaches a watcher of record and lists once', async () => {
    const watcher = await app.socket()
    const { id } = await make('task', { project_id: 1, title: 'x' })
    await watcher.watch(['task', id])
    await watcher.watchList('task')
    await watcher.watchList('task', { project_id: '1' })
    await watcher.forget()
    await save('task', id, 1, { title: 'y' })
    const { id: other } = await make('task', { project_id: 1, title: 'z' })
    expect(names(await watcher.flushed())).toEqual(['RecordUpdated', 'RecordCreated'])
    expect(watcher.received[1]?.event).toMatchObject({ id: other, version: 1 })
  })

  test('of a move from one list to another reaches both', async () => {
    const [from, to, outsider] = [await app.socket(), await app.socket(), await app.socket()]
    await from.watchList('task', { project_id: '21' })
    await to.watchList('task', { project_id: '22' })
    await outsider.watchList('task', { project_id: '23' })
    const { id } = await make('task', { project_id: 21, title: 'x' })
    await save('task', id, 1, { project_id: 22 })
    expect(names(await from.flushed())).toEqual(['RecordCreated', 'RecordUpdated'])
    expect(names(await to.flushed())).toEqual(['RecordUpdated'])
    expect(await outsider.flushed()).toEqual([])
  })

  test('is not made by a save that changes nothing', async () => {
    const watcher = await app.socket()
    const { id } = await make('project', { name: 'same' })
    await watcher.watch(['project', id])
    await watcher.forget()
    await save('project', id, 1, { name: 'same' })
    await save('project', id, 1, {})
    await save('project', id, 9, { name: 'stale' })
    expect(await watcher.flushed()).toEqual([])
  })

  test('is not echoed to the socket that the writer names as its own', async () => {
    const { id } = await make('project', { name: 'x' })
    const [own, other] = [await app.socket({ as: 'bob' }), await app.socket({ as: 'bob' })]
    for (const watcher of [own, other]) {
      await watcher.watch(['project', id])
      await watcher.forget()
    }
    await save('project', id, 1, { name: 'y' }, { headers: { 'x-socket-id': own.socket.id as string } })
    expect(names(await other.flushed())).toEqual(['RecordUpdated'])
    expect(await own.flushed()).toEqual([])
  })

  test('is kept from nobody else by X-Socket-ID: neither another person’s socket nor a room', async () => {
    const { id } = await make('project', { name: 'x' })
    const alice = await app.socket({ as: 'alice' })
    await alice.watch(['project', id])
    await alice.watchList('project')
    const rooms = [
      alice.socket.id as string,
      `tenant:acme:record:project:${id}`,
      'tenant:acme:list:project',
      'tenant:acme:user:alice',
    ]
    for (const [at, room] of rooms.entries()) {
      await save('project', id, at + 1, { name: room.slice(0, 200) }, { headers: { 'x-socket-id': room } })
      await alice.receives('RecordUpdated', { version: at + 2 })
    }
  })

  test('stays under 1 KB, whatever changed and whatever the writer', async () => {
    app.people.set('long', { id: 'l'.repeat(100), name: 'Ł'.repeat(400), tenantId: 'acme', role: 'editor' })
    const sizes: number[] = []
    const watcher = await app.socket({ as: 'long' })
    watcher.socket.onAny((name, event) => {
      if (event?.type === 'wide') sizes.push(Buffer.byteLength(JSON.stringify([name, event])))
    })
    const id = randomUUID().padEnd(200, 'i')
    await call('POST', '/records/wide', { body: { id, fields: {} } })
    await watcher.watch(['wide', id])
    const changes = Object.fromEntries(WIDE.map((name) => [name, 1]))
    const headers = { 'x-tab-id': 't'.repeat(200) }
    expect((await save('wide', id, 1, changes, { as: 'long', headers })).status).toBe(200)
    const event = await watcher.receives('RecordUpdated', { id })
    expect(sizes[0]).toBeLessThan(1_000)
    expect(event).toMatchObject({ version: 2, tab_id: 't'.repeat(200), updated_by: { id: 'l'.repeat(100) } })
    const history = await call('GET', `/records/wide/${id}/history`)
    expect(history.body.data[0].changed_fields).toHaveLength(200)
  })

  test('comes after the commit of a caller’s transaction, and never after its rollback', async () => {
    const { id } = await make('project', { name: 'x' })
    const watcher = await app.socket()
    await watcher.watch(['project', id])
    await watcher.forget()
    const actor = app.people.get('bob') as Person
    const saveIn = async (name: string, fail: boolean) =>
      app.knex.transaction(async (transaction) => {
        const changes = { name }
        const outcome = await app.records.save('project', id, {
          actor,
          clientVersion: 1,
          changes,
          transaction,
        })
        expect(outcome.outcome).toBe('saved')
        expect(await watcher.flushed()).toEqual([])
        if (fail) throw new Error('rolled back')
      })
    await expect(saveIn('never', true)).rejects.toThrow('rolled back')
    expect(await watcher.flushed()).toEqual([])
    await saveIn('kept', false)
    expect(await watcher.receives('RecordUpdated')).toMatchObject({ id, version: 2 })
  })

  test('of SQL by hand names the database role, or the program that names itself', async () => {
    const { id } = await make('project', { name: 'x' })
    const watcher = await app.socket()
    await watcher.watch(['project', id])
    const [{ session_user: role }] = await sql('select session_user')
    await sql(`update projects set status = 'done' where id = ?`, [id])
    expect(await watcher.receives('RecordUpdated', { version: 2 })).toMatchObject({
      changed_fields: ['status'],
      updated_by: { id: role, name: role, kind: 'database' },
      tab_id: null,
    })
    await app.knex.transaction(async (transaction) => {
      await transaction.raw(`set local noclobber.actor = 'nightly billing'`)
      await transaction.raw(`update projects set status = 'active' where id = ?`, [id])
    })
    expect((await watcher.receives('RecordUpdated', { version: 3 })).updated_by).toEqual({
      id: 'nightly billing',
      name: 'nightly billing',
      kind: 'service',
    })
    const read = await call('GET', `/records/project/${id}`)
    expect(read.body.data).toMatchObject({
      version: 3,
      updated_by: { name: 'nightly billing', kind: 'service' },
    })
  })
})
