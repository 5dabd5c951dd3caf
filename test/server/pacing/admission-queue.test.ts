// A reconnect storm on one node: all get in, those who go while they wait harm nobody, and requests go on meanwhile.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createAdmissionQueue, leaveInTurn } from '../../../server/pacing/admission-queue.ts'
import { startApp } from '../../support/app.ts'
import { openStream } from '../../support/app-stream.ts'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait-for.ts'

const HANDSHAKE = [
  'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
  'host: localhost',
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
  '',
  '',
].join('\r\n')

const WIDTH = { idle: 4, busy: 1 }
const FIFTY = Array.from({ length: 50 }, (_, number) => number)

test('lets everybody in, in order, a few at a time', async () => {
  const enter = createAdmissionQueue(WIDTH, { isBusy: () => false })
  const entered: number[] = []
  for (const number of FIFTY) enter(() => entered.push(number))
  expect(entered).toEqual([0, 1, 2, 3])
  await waitFor(() => entered.length === 50, { what: 'the last one' })
  expect(entered).toEqual(FIFTY)
})

test('lets the last to come pass as soon as the first, where that is asked for', async () => {
  const enter = createAdmissionQueue({ idle: 1, busy: 1 }, { isBusy: () => false, isFromBothEnds: true })
  const entered: number[] = []
  for (const number of FIFTY) enter(() => entered.push(number))
  await waitFor(() => entered.length === 50, { what: 'the last one' })
  expect(entered.slice(0, 6)).toEqual([0, 49, 1, 48, 2, 47])
})

test('lets one in a turn while the node is busy, and as many as before once it is idle', async () => {
  const turns: number[][] = [[]]
  let busyTurns = 10
  const enter = createAdmissionQueue(WIDTH, {
    isBusy: () => {
      turns.push([])
      busyTurns -= 1
      return busyTurns >= 0
    },
  })
  for (const number of FIFTY) enter(() => turns.at(-1)?.push(number))
  await waitFor(() => turns.flat().length === 50, { what: 'the last one' })
  expect(turns.flat()).toEqual(FIFTY)
  // The first call only begins to measure.
  expect(
    turns
      .slice(1)
      .map(({ length }) => length)
      .slice(0, 12),
  ).toEqual([4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 4])
})

test('anyone who has left takes nobody’s turn', async () => {
  const enter = createAdmissionQueue(WIDTH, { isBusy: () => true })
  const entered: number[] = []
  let turns = 0
  for (const number of FIFTY) {
    const hasLeft = () => number % 10 !== 0
    enter(
      () => entered.push(number),
      () => {
        turns += 1
        return hasLeft()
      },
    )
  }
  await waitFor(() => entered.at(-1) === 40 && turns === 46, { what: 'the last one' })
  expect(entered).toEqual([0, 1, 2, 3, 10, 20, 30, 40])
})

test('connections that end at one moment end in turn, and one that is closed before its turn only closes', async () => {
  const passes: { pass: () => void; hasLeft: () => boolean }[] = []
  const received: string[] = []
  const served: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const name = ['first', 'second'][served.push(socket) - 1]
    socket.on('end', () => received.push(`${name} ends`))
    socket.on('close', () => received.push(`${name} is closed`))
    leaveInTurn(socket, (pass, hasLeft = () => false) => passes.push({ pass, hasLeft }))
    socket.resume()
  }).listen(0, '127.0.0.1')
  atEnd(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const clients = ['first', 'second'].map(() => connect(port, '127.0.0.1'))
  await waitFor(() => served.length === 2, { what: 'both connections' })
  for (const client of clients) client.end()
  await waitFor(() => served.every(({ readableEnded }) => readableEnded), { what: 'both ends' })
  expect(received).toEqual([])
  served[0]?.destroy()
  await waitFor(() => received.length === 1, { what: 'the close' })
  for (const { pass, hasLeft } of passes) if (!hasLeft()) pass()
  served[1]?.destroy()
  await waitFor(() => received.length === 3, { what: 'the other close' })
  expect(received).toEqual(['first is closed', 'second ends', 'second is closed'])
})

test('clients that reset their connection before it is accepted harm nobody', {
  tags: 'fault:handshakes-reset',
}, async () => {
  const app = await startApp()
  const { id } = await app.make('project', { name: 'Bridge' })
  const port = Number(new URL(app.origin).port)
  const resets = Array.from(
    { length: 150 },
    () =>
      new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.write(HANDSHAKE, () => socket.resetAndDestroy())
        })
        socket.on('error', () => {})
        socket.on('close', () => resolve())
      }),
  )
  const [watchers, answer] = await Promise.all([
    Promise.all(Array.from({ length: 60 }, () => app.socket())),
    app.call('GET', `/records/project/${id}`),
    ...resets,
  ])
  expect(answer.status).toBe(200)
  expect(watchers.every(({ socket }) => socket.connected)).toBe(true)
})

test('a save is answered before a reconnect storm has come in, and before it has gone', async () => {
  const app = await startApp()
  const { id } = await app.make('project', { name: 'Bridge' })
  const save = async (client_version: number) => {
    const body = { client_version, changes: { name: `Bridge ${client_version}` } }
    expect((await app.call('PATCH', `/records/project/${id}`, { body })).status).toBe(200)
    return app.io.engine.clientsCount
  }
  await save(1)
  const port = Number(new URL(app.origin).port)
  const clients = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'))
  atEnd(() => clients.map((socket) => socket.destroy()))
  const taken = promisify(app.server.getConnections.bind(app.server))
  await waitFor(async () => (await taken()) >= clients.length, { what: 'the connections' })
  for (const socket of clients) socket.resume().write(HANDSHAKE)
  expect(await save(2)).toBeLessThan(clients.length / 2)
  await waitFor(() => app.io.engine.clientsCount === clients.length, { what: 'all of them' })
  for (const socket of clients) socket.end()
  expect(await save(3)).toBeGreaterThan(0)
  await waitFor(() => app.io.engine.clientsCount === 0, { what: 'an empty room' })
})

test('a storm of streams is let in a few at a time, so nobody waits for the database behind all of them', async () => {
  const app = await startApp({ limits: { streamsPerPerson: 100 } })
  const { id } = await app.make('project', { name: 'Bridge' })
  const { pool } = app.knex.client
  let mostAtOnce = 0
  pool.on('acquireRequest', () => {
    mostAtOnce = Math.max(mostAtOnce, pool.numPendingAcquires() + pool.numUsed())
  })
  const port = Number(new URL(app.origin).port)
  const clients = Array.from({ length: 100 }, () => connect(port, '127.0.0.1'))
  atEnd(() => clients.map((socket) => socket.destroy()))
  const taken = promisify(app.server.getConnections.bind(app.server))
  await waitFor(async () => (await taken()) >= clients.length, { what: 'the connections' })
  let opened = 0
  for (const socket of clients) {
    socket.once('data', () => {
      opened += 1
    })
    socket.write(
      `GET /api/v1/events?record=project:${id} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer alice\r\n\r\n`,
    )
  }
  await waitFor(() => opened === clients.length, { what: 'all streams' })
  expect(mostAtOnce).toBeLessThan(clients.length / 4)
})

test('a person’s streams are counted when they are let in, not while they wait', async () => {
  const app = await startApp({ limits: { streamsPerPerson: 20 } })
  const clients = Array.from({ length: 60 }, () => openStream(app.origin, 'list=project'))
  const statuses = (await Promise.all(clients)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(20)
  expect(statuses.filter((status) => status === 429)).toHaveLength(40)
})
