// Redis as an attacker: somebody who may subscribe and publish there, and has nothing else. They put nobody into a
// room, forge nothing, disconnect nobody, read no token, and end no node.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdapter } from '@socket.io/redis-adapter'
import { Cluster } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { Server } from 'socket.io'
import { describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { connectWatcher } from '../support/app-socket.ts'
import { atEnd } from '../support/at-end.ts'
import { isWithout } from '../support/programs.ts'
import { randomOf } from '../support/random.ts'
import { redisClient, startRedis } from '../support/redis.ts'
import { forgeries, KNOWN_CHANNELS, type RedisAttacker, redisAttacker } from '../support/redis-attacker.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { byRun } from '../support/short-run.ts'
import { twoNodes } from '../support/two-nodes.ts'
import { waitFor } from '../support/wait-for.ts'

const SEED = Number(process.env.SEED ?? 20_261_129)
const TOKEN = 'token-that-nobody-may-read'

/** Redis cuts off who is slow to read; here everything that is forged shall arrive. */
const UNLIMITED = ['--client-output-buffer-limit', 'pubsub', '0', '0', '0']

const single = async (client: (url: string) => unknown) => {
  const { url, port } = await startRedis({ settings: UNLIMITED })
  return { client: () => client(url), attacker: () => redisAttacker([port]) }
}

const sharded = async (client: (roots: { host: string; port: number }[]) => unknown) => {
  const { roots } = await startRedisCluster(UNLIMITED)
  const ports = roots.map(({ port }) => port)
  return { client: () => client(roots), attacker: () => redisAttacker(ports, true) }
}

const WAYS = {
  'a single Redis with ioredis': () => single(redisClient),
  'a single Redis with node-redis': () => single((url) => createClient({ url })),
  'a cluster with ioredis': () =>
    sharded((roots) => {
      const client = new Cluster(roots, { lazyConnect: true })
      client.on('error', () => {})
      atEnd(() => client.disconnect())
      return client
    }),
  'a cluster with node-redis': () =>
    sharded((roots) => createCluster({ rootNodes: roots.map((socket) => ({ socket })) })),
}

const droppedBy = async ({ records }: TestApp): Promise<number> => {
  const lines = (await records.metrics.text()).split('\n')
  return lines
    .filter((line) => line.startsWith('noclobber_node_messages_dropped_total{'))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

const roomsOf = ({ io }: TestApp) => [...io.of('/').adapter.rooms.keys()]

/** What is so long means nothing where nobody listens, and is opened by no node: two of their channels get it. */
const LONG_BYTES = 1_000_000
const LONG_CHANNELS = 2

/** Publishes everything on every channel, and waits until the nodes have looked at it. */
const attack = async (apps: TestApp[], attacker: RedisAttacker, messages: Buffer[]) => {
  const listened = new Set(await attacker.channels())
  const channels = [...new Set([...KNOWN_CHANNELS, ...listened])]
  expect(channels.length).toBeGreaterThan(KNOWN_CHANNELS.length)
  const short = messages.filter(({ length }) => length < LONG_BYTES)
  const before = await Promise.all(apps.map(droppedBy))
  const withLong = new Set([...listened].slice(0, LONG_CHANNELS))
  for (const channel of channels) await attacker.publish(channel, withLong.has(channel) ? messages : short)
  for (const [at, app] of apps.entries()) {
    const seen = async () => (await droppedBy(app)) - (before[at] ?? 0)
    await waitFor(async () => (await seen()) >= messages.length / 2, {
      what: 'what was dropped to be counted',
      deadlineMs: 60_000,
    })
  }
}

describe.skipIf(isWithout('redis'))('somebody on Redis', () => {
  test.each(byRun({ short: Object.entries(WAYS).slice(1, 2), full: Object.entries(WAYS) }))(
    'moves, forges, reads and ends nothing over %s',
    async (_, start) => {
      const { client, attacker: attackerOf } = await start()
      const { one, two, watcher: bob, linked, project } = await twoNodes(() => client() as never)
      for (const { people } of [one, two])
        people.set(TOKEN, { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' })
      const alice = await two.socket({
        as: TOKEN,
        options: { extraHeaders: { cookie: `session=${TOKEN}` } },
      })
      await alice.watch(['project', project.id])
      const gina = await two.socket({ as: 'gina' })
      await gina.watchList('project')
      await linked()
      const attacker = await attackerOf()
      await linked()
      await alice.ask('presence', { type: 'project', id: project.id, state: 'editing' })
      const ginaId = gina.socket.id as string
      const target = {
        socketIds: [ginaId, alice.socket.id as string],
        rooms: roomsOf(two).filter((room) => room.startsWith('tenant:acme')),
        ...{ tenantId: 'acme', type: 'project', id: project.id },
      }
      const known = new Set(roomsOf(two))
      await attack([one, two], attacker, forgeries(target, attacker.intercepted, randomOf(SEED)))

      expect(
        [...(two.io.of('/').adapter.sids.get(ginaId) ?? [])].filter((room) => room.includes('acme')),
      ).toEqual([])
      expect(roomsOf(two).filter((room) => !known.has(room))).toEqual([])
      const sockets = [alice, bob, gina]
      expect(sockets.map(({ socket }) => socket.connected)).toEqual([true, true, true])
      for (const { received } of sockets) {
        expect(received.filter(({ name }) => ['Forged', 'AccessRevoked'].includes(name))).toEqual([])
        expect(received.filter(({ event }) => event?.version === 99)).toEqual([])
        const people = received.flatMap(({ name, event }) => (name === 'PresenceChanged' ? event.people : []))
        expect(people.filter(({ user }: { user: { id: string } }) => user.id !== 'alice')).toEqual([])
      }
      expect(gina.received).toEqual([])
      expect((await two.call('GET', '/records/project')).status).toBe(200)

      // The nodes themselves still ask each other, and nothing of a handshake travels.
      await linked()
      const found = await waitFor(
        async () => {
          const remote = await one.io.fetchSockets()
          return remote.length === 3 ? remote : null
        },
        { what: 'the sockets of the other node' },
      )
      expect(found.map(({ id }) => id).sort()).toEqual(sockets.map(({ socket }) => socket.id).sort())
      expect(JSON.stringify(found.map(({ handshake, data }) => [handshake, data]))).not.toContain(TOKEN)
      one.io.emit('Lunch', { at: '12:30', menu: Buffer.from('soup') })
      expect(await bob.receives('Lunch')).toEqual({ at: '12:30', menu: Buffer.from('soup') })
      expect(attacker.intercepted.length).toBeGreaterThan(10)
      const tokens = attacker.intercepted.filter(({ message }) => message.includes(TOKEN))
      expect(tokens).toEqual([])
    },
    300_000,
  )

  test('says old messages again in vain', async () => {
    const { url, port } = await startRedis()
    const { one, two, watcher: bob, linked } = await twoNodes(() => redisClient(url))
    await linked()
    const attacker = await redisAttacker([port])
    one.io.emit('Lunch', { at: '12:30' })
    await bob.receives('Lunch')
    const before = await droppedBy(two)
    const again = [...attacker.intercepted]
    for (const { channel, message } of again) await attacker.publish(channel, [message])
    await waitFor(async () => (await droppedBy(two)) - before >= again.length, { what: 'all to be dropped' })
    expect(bob.received.filter(({ name }) => name === 'Lunch')).toHaveLength(1)
    expect(await two.records.metrics.text()).toMatch(/dropped_total\{reason="repeated"\} [1-9]/)
  })

  test('receives nothing of another database, and reaches none', async () => {
    const { url } = await startRedis()
    const first = await twoNodes(() => redisClient(url))
    const other = await startApp({ redis: redisClient(url) })
    const outsider = await other.socket()
    await first.linked()
    first.one.io.emit('Lunch', {})
    await first.watcher.receives('Lunch')
    await outsider.flushed()
    expect(outsider.received).toEqual([])
    expect(await droppedBy(other)).toBe(0)
  })

  test('a server with an adapter of the app’s own carries the hints, and takes none that is forged', async () => {
    const { url, port } = await startRedis()
    const ownServer = async () => {
      const [publisher, subscriber] = [redisClient(url), redisClient(url)]
      const http = createServer().listen(0, '127.0.0.1')
      await once(http, 'listening')
      const io = new Server(http, { adapter: createAdapter(publisher, subscriber) })
      atEnd(() => io.close())
      return { io, origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}` }
    }
    const { one, two, watcher, linked } = await twoNodes(() => undefined)
    const [here, there] = [await ownServer(), await ownServer()]
    one.records.attach(here.io)
    two.records.attach(there.io)
    two.people.set(TOKEN, { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' })
    await linked()
    for (const forged of ['wake', '', 'AAAA', 'x'.repeat(10_000), null, {}, 7])
      (here.io as never as { serverSideEmit(...values: unknown[]): void }).serverSideEmit('noclobber', forged)
    await waitFor(async () => (await droppedBy(two)) >= 4, { what: 'the forged ones to be counted' })

    // What the app's adapter says of a socket is the app's; what this library keeps with it stays on its node.
    const attacker = await redisAttacker([port])
    await connectWatcher({ origin: there.origin, sql: two.sql }, { as: TOKEN })
    const [found] = await here.io.fetchSockets()
    expect(found?.data).toEqual({})
    await linked()
    const texts = attacker.intercepted.map(({ message }) => message.toString())
    expect(texts.filter((text) => text.includes('acme') && text.includes('editor'))).toEqual([])
    expect(watcher.socket.connected).toBe(true)
  })
})

describe('a socket that somebody has put into another tenant’s rooms', () => {
  test('receives nothing there: not of a record, of a list, of an import, of many at once, of people', async () => {
    const app = await startApp({ limits: { bulkThreshold: 5 } })
    const { id } = await app.make('project', { name: 'Bridge' })
    const alice = await app.socket()
    await alice.watch(['project', id])
    await alice.watchList('project')
    await alice.watchList('task', { project_id: String(id) })
    const gina = await app.socket({ as: 'gina' })
    // Her own rooms of the same types, so that what is sent to both would come once.
    await gina.watchList('project')
    app.io
      .in(gina.socket.id as string)
      .socketsJoin(roomsOf(app).filter((room) => room.startsWith('tenant:acme')))
    const body = { client_version: 1, changes: { name: 'Bridge 2' } }
    expect((await app.call('PATCH', `/records/project/${id}`, { body })).status).toBe(200)
    await app.sql(
      `insert into projects (tenant_id, name) select 'acme', 'P' || n from generate_series(1, 20) n`,
    )
    await app.sql(`insert into tasks (tenant_id, project_id, title) values ('acme', ?, 'T')`, [id])
    await alice.ask('presence', { type: 'project', id, state: 'editing' })
    await alice.receives('PresenceChanged')
    await alice.receives('RecordsImported')
    await alice.flushed()
    expect(alice.received.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['RecordUpdated', 'RecordCreated', 'RecordsImported', 'PresenceChanged']),
    )
    expect(await gina.flushed()).toEqual([])
    const own = await app.make('project', { name: 'Tunnel' }, 'gina')
    await gina.receives('RecordCreated', { id: own.id })
  })
})
