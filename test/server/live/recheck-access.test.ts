// Permissions that go: what arrives after, who is sent it, and how soon, on one node and on two.
import { describe, expect, test } from 'vitest'
import { watchersOf } from '../../../server/live/socket-watchers.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { isWithout } from '../../support/programs.ts'
import { redisClient, startRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait-for.ts'

const LATER = { recheckMs: 600_000 }

const watched = async (app: TestApp, as = 'vera') => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const watcher = await app.socket({ as })
  expect((await watcher.watch(['project', id])).records[0].ok).toBe(true)
  return { id, watcher }
}

const withoutPermission = (app: TestApp) =>
  app.people.set('vera', { id: 'vera', name: 'Vera', tenantId: 'acme', role: 'none' })

test('a permission that goes is noticed by the timer: the room is left and the watcher notified', async () => {
  const app = await startApp({ limits: { recheckMs: 100 } })
  const { id, watcher } = await watched(app)
  withoutPermission(app)
  expect(await watcher.receives('AccessRevoked')).toEqual({
    records: [{ type: 'project', id }],
    lists: [],
  })
  await app.sql(`update projects set name = 'Tunnel' where id = ${id}`)
  const bob = await app.socket({ as: 'bob' })
  await bob.watch(['project', id])
  await bob.flushed()
  expect(watcher.received.filter(({ name }) => name === 'RecordUpdated')).toEqual([])
})

test('nothing is sent after a permission went, though nobody has looked again', async () => {
  const app = await startApp({ limits: LATER })
  const { id, watcher } = await watched(app)
  const { actor } = [...watchersOf(app.io).values()].find(({ data }) => data.actor.id === 'vera')?.data ?? {}
  Object.assign(actor as object, { role: 'none' })
  await app.call('PATCH', `/records/project/${id}`, {
    body: { client_version: 1, changes: { name: 'Tunnel' } },
  })
  await watcher.receives('AccessRevoked')
  expect(watcher.received.filter(({ name }) => name === 'RecordUpdated')).toEqual([])
})

test('a session that ends closes its sockets', async () => {
  const app = await startApp({ limits: { recheckMs: 100 } })
  const { watcher } = await watched(app)
  app.people.delete('vera')
  await waitFor(() => !watcher.socket.connected, { what: 'the closing' })
})

test.each([
  ['another tenant’s', { id: 'vera', tenantId: 'globex' }],
  ['another person’s', { id: 'bob', tenantId: 'acme' }],
])('a session that becomes %s closes its sockets, and takes away what they showed', async (_whose, now) => {
  const app = await startApp({ limits: { recheckMs: 100 } })
  const { id, watcher } = await watched(app)
  app.people.set('vera', { name: 'Vera', role: 'editor', ...now })
  expect(await watcher.receives('AccessRevoked')).toEqual({ records: [{ type: 'project', id }], lists: [] })
  await waitFor(() => !watcher.socket.connected, { what: 'the closing' })
})

test('a record that moves to another tenant is deleted for those who watched it, who receive no more of it', async () => {
  const app = await startApp({ limits: { recheckMs: 100 } })
  const { id, watcher } = await watched(app)
  await app.sql(`update projects set tenant_id = 'globex' where id = ${id}`)
  await watcher.receives('RecordDeleted', { id, tenant_id: 'acme' })
  await app.sql(`update projects set name = 'Theirs' where id = ${id}`)
  const gina = await app.socket({ as: 'gina' })
  await gina.watch(['project', id])
  await gina.flushed()
  expect(watcher.received.filter(({ event }) => event.tenant_id === 'globex')).toEqual([])
  expect((await app.call('GET', `/records/project/${id}`)).status).toBe(410)
})

test('a deleted record is not taken away: its watchers may know who deleted it', async () => {
  const app = await startApp({ limits: { recheckMs: 100 } })
  const { id, watcher } = await watched(app)
  await app.call('DELETE', `/records/project/${id}`, { headers: { 'if-match': '"1"' } })
  await watcher.receives('RecordDeleted', { id })
  await app.records.revoke({ tenantId: 'acme' })
  await watcher.flushed()
  expect(watcher.received.filter(({ name }) => name === 'AccessRevoked')).toEqual([])
})

describe('records.revoke', () => {
  test('makes everybody concerned be looked at again at once', async () => {
    const app = await startApp({ limits: LATER })
    const { id, watcher } = await watched(app)
    withoutPermission(app)
    await app.records.revoke({ tenantId: 'acme', userId: 'vera' })
    expect(await watcher.receives('AccessRevoked')).toMatchObject({ records: [{ id }] })
  })

  test('can close a person’s connections, and no others', async () => {
    const app = await startApp({ limits: LATER })
    const { watcher } = await watched(app)
    const other = await app.socket({ as: 'bob' })
    await app.records.revoke({ userId: 'vera', disconnect: true })
    await waitFor(() => !watcher.socket.connected, { what: 'the closing' })
    expect(other.socket.connected).toBe(true)
  })

  test.skipIf(isWithout('redis'))('reaches the sockets of other nodes', async () => {
    const { url } = await startRedis()
    const client = () => redisClient(url)
    const one = await startApp({ limits: LATER, redis: client() })
    const two = await startApp({ limits: LATER, redis: client(), database: one.database })
    const { id } = await one.make('project', { name: 'Bridge' })
    const watcher = await two.socket({ as: 'vera' })
    await watcher.watch(['project', id])
    withoutPermission(two)
    await waitFor(
      async () => {
        await one.records.revoke({ tenantId: 'acme', type: 'project', id })
        return watcher.received.some(({ name }) => name === 'AccessRevoked')
      },
      { what: 'the revocation to arrive' },
    )
  })
})
