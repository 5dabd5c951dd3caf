// A Socket.IO server that the app has for itself, and several record servers in one process: everybody is served by
// their own, and nothing of one is sent to, taken from or ended by the other.
import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import openKnex from 'knex'
import { createRecordServer, type RecordServer } from 'noclobber/server'
import { Server } from 'socket.io'
import { io as connect, type Socket } from 'socket.io-client'
import { expect, test } from 'vitest'
import { type Person, startApp, TYPES } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait-for.ts'

const app = await startApp()
const people = new Map<string, Person>()
const ALICE: Person = { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' }

const recordServer = (options: Partial<Parameters<typeof createRecordServer<Person>>[0]> = {}) => {
  const records = createRecordServer<Person>({
    log: null,
    knex: app.knex,
    types: TYPES,
    authenticate: ({ headers }) => people.get(headers.authorization?.slice(7) ?? '') ?? null,
    limits: { recheckMs: 50 },
    ...options,
  })
  atEnd(() => records.stop())
  return records
}

const httpServer = async (handler?: Parameters<typeof createServer>[1]) => {
  const server = createServer(handler as never).listen(0, '127.0.0.1')
  atEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return server
}

const urlOf = (server: HttpServer) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** Connected, or what the server said. */
const open = async (
  server: HttpServer,
  auth: object = {},
  more: { path?: string; namespace?: string; transport?: 'websocket' | 'polling' } = {},
): Promise<Socket | string> => {
  const { namespace = '', path = '/socket.io', transport = 'websocket' } = more
  const socket = connect(`${urlOf(server)}${namespace}`, {
    ...{ transports: [transport], forceNew: true, reconnection: false, auth, path },
  })
  atEnd(() => socket.disconnect())
  return new Promise((resolve) => {
    socket.on('connect', () => resolve(socket))
    socket.on('connect_error', (error) => resolve(error.message))
  })
}

const opened = async (...asked: Parameters<typeof open>): Promise<Socket & { names: string[] }> => {
  const socket = await open(...asked)
  if (typeof socket === 'string') throw new Error(socket)
  const names: string[] = []
  socket.onAny((name) => names.push(name))
  return Object.assign(socket, { names })
}

const watch = (socket: Socket, id: string) =>
  socket.timeout(10_000).emitWithAck('watch', { records: [{ type: 'project', id }] })

/** An app's own server with a middleware, messages and a namespace of its own; the first is called `watch` as ours is. */
const ownServer = async () => {
  const server = await httpServer()
  const io = new Server(server)
  io.use((socket, next) => {
    socket.data.shop = 'guest'
    next()
  })
  io.on('connection', (socket) => {
    socket.on('who', (answer) => answer(socket.data.shop ?? 'lost'))
    socket.join('tenant:acme:list:project')
  })
  io.of('/chat').on('connection', (socket) => socket.on('hi', (answer) => answer('hi')))
  atEnd(() => void io.close())
  people.set('alice', ALICE)
  return { server, io }
}

test('guests of an app’s own server come, stay and keep their data', async () => {
  const { server, io } = await ownServer()
  const before = await opened(server)
  const records = recordServer()
  records.attach(io)
  await records.start()
  const guest = await opened(server)
  const alice = await opened(server, { token: 'alice' })
  const chat = await opened(server, {}, { namespace: '/chat' })
  for (const socket of [before, guest, alice]) expect(await socket.emitWithAck('who')).toBe('guest')
  expect(await chat.emitWithAck('hi')).toBe('hi')
  const { id } = await app.make('project', { name: 'Bridge' })
  expect((await watch(alice, id)).records[0].ok).toBe(true)
  expect(await watch(guest, id)).toMatchObject({ ok: false, code: 'unauthenticated' })
  await app.call('PATCH', `/records/project/${id}`, {
    body: { client_version: 1, changes: { name: 'Tower' } },
  })
  await waitFor(() => alice.names.includes('RecordUpdated'), { what: 'the event' })
  // In the room of the list by the app's doing, and sent nothing all the same.
  expect([before.names, guest.names]).toEqual([[], []])
})

test('a dozen record servers of one pool, as for a schema each, leave one listener on its connections', async () => {
  const knex = openKnex({ client: 'pg', connection: app.database.url, pool: { min: 1, max: 1 } })
  atEnd(() => knex.destroy())
  for (let count = 0; count < 12; count += 1) {
    const records = recordServer({ knex })
    await records.start()
    await records.stop()
  }
  const connection = await knex.client.acquireConnection()
  expect(connection.listenerCount('end')).toBeLessThan(10)
  await knex.client.releaseConnection(connection)
})

test('a client of ours without a session is refused, so that it asks for a sign-in', async () => {
  const { server, io } = await ownServer()
  recordServer().attach(io)
  expect(await open(server, { tab_id: 'tab' })).toBe('unauthenticated')
})

test('guests stop neither rechecks nor a revocation, and what a listener throws ends no round', async () => {
  const { server, io } = await ownServer()
  const records = recordServer()
  records.attach(io)
  people.set('bob', { ...ALICE, id: 'bob' })
  io.on('connection', (socket) => {
    socket.onAnyOutgoing((name) => {
      if (socket.handshake.auth.token === 'bob') throw new Error(`not ${name}`)
    })
    socket.once('disconnecting', () => {
      if (socket.handshake.auth.token === 'bob') throw new Error('not me')
    })
  })
  await records.start()
  const guest = await opened(server)
  const [bob, alice] = [await opened(server, { token: 'bob' }), await opened(server, { token: 'alice' })]
  const { id } = await app.make('project', { name: 'Bridge' })
  for (const socket of [bob, alice]) socket.emit('watch', { records: [{ type: 'project', id }] })
  expect((await watch(alice, id)).records[0].ok).toBe(true)
  await records.revoke({ tenantId: 'acme', userId: 'bob', disconnect: true })
  people.delete('alice')
  await waitFor(() => !alice.connected, { what: 'the recheck' })
  expect(guest.connected).toBe(true)
})

test('a drain moves our sockets and leaves the app its guests', async () => {
  const { server, io } = await ownServer()
  const records = recordServer()
  records.attach(io)
  await records.start()
  const [guest, alice] = [await opened(server), await opened(server, { token: 'alice' })]
  await records.drain({ noticeMs: 0, spreadMs: 0 })
  await waitFor(() => !alice.connected, { what: 'the drain' })
  expect(guest.connected).toBe(true)
  expect(typeof (await open(server))).toBe('object')
})

test('stop takes away all that attach put on an app’s own server', async () => {
  const { server, io } = await ownServer()
  const inner = () => ({
    listeners: io.listeners('connection').length,
    middlewares: (io.of('/') as unknown as { _fns: unknown[] })._fns.length,
    adapter: ['join-room', 'leave-room', 'create-room', 'delete-room'].map((name) =>
      io.of('/').adapter.listenerCount(name),
    ),
  })
  const before = inner()
  const records = recordServer()
  const attached = records.attach(io)
  expect(records.attach(io).io).toBe(attached.io)
  await records.start()
  const alice = await opened(server, { token: 'alice' })
  const { id } = await app.make('project', { name: 'Bridge' })
  await watch(alice, id)
  const [socket] = [...io.sockets.sockets.values()]
  await attached.stop()
  expect(inner()).toEqual(before)
  // `error` is Socket.IO's own.
  expect([socket?.eventNames(), socket?.listenerCount('error')]).toEqual([['error', 'who'], 1])
  expect([...(socket?.rooms ?? [])].filter((name) => /:(record|user):/.test(name))).toEqual([])
  expect(alice.connected).toBe(true)
  // And another may serve it then.
  const later = recordServer()
  later.attach(io)
  await later.start()
  expect((await watch(await opened(server, { token: 'alice' }), id)).records[0].ok).toBe(true)
})

test('a second record server is refused on one Socket.IO server, and at one path of an HTTP server', async () => {
  const { io } = await ownServer()
  recordServer().attach(io)
  expect(() => recordServer().attach(io)).toThrow('another record server')
  const server = await httpServer()
  recordServer().attach(server)
  expect(() => recordServer().attach(server)).toThrow('path')
  expect(() => recordServer().attach(server, { path: '/socket.io/' })).toThrow('path')
  expect(typeof (await open(server, { token: 'alice' }))).toBe('object')
})

test('several record servers stand on one HTTP server, each at its path, and leave one by one', async () => {
  const server = await httpServer((_request, response) => response.end('the app'))
  const made: [RecordServer<Person>, path: string][] = [
    [recordServer(), '/acme/socket.io'],
    [
      recordServer({ authenticate: () => ({ ...ALICE, id: 'gina', tenantId: 'globex' }) }),
      '/globex/socket.io',
    ],
    [recordServer(), '/socket.io'],
  ]
  for (const [records, path] of made) records.attach(server, { path })
  const { id } = await app.make('project', { name: 'Bridge' })
  const outcomes = async (transport?: 'polling') =>
    Promise.all(
      made.map(async ([, path]) => {
        const socket = await open(server, { token: 'alice' }, { path, ...(transport && { transport }) })
        return typeof socket === 'string' ? 'refused' : (await watch(socket, id)).records[0].ok
      }),
    )
  expect(await outcomes()).toEqual([true, false, true])
  await made[0]?.[0].stop()
  // Over polling, since an upgrade that nobody takes is cut after a while only.
  expect(await outcomes('polling')).toEqual(['refused', false, true])
  await made[2]?.[0].stop()
  expect(await outcomes('polling')).toEqual(['refused', false, 'refused'])
  expect(await (await fetch(urlOf(server))).text()).toBe('the app')
  await made[1]?.[0].stop()
  expect(server.listening).toBe(false)
})
