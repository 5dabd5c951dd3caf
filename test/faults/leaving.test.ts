// A node that is asked to leave while every kind of thing is open on it: it answers what it can, and goes by itself.
import { connect, type Socket } from 'node:net'
import pg from 'pg'
import { io } from 'socket.io-client'
import { beforeAll, describe, expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { type Cluster, startCluster } from '../support/cluster.ts'
import { versionOf } from '../support/cluster-load.ts'
import { isWithout } from '../support/programs.ts'
import { waitFor } from '../support/wait-for.ts'

const BOB = { authorization: 'Bearer demo:bob' }

/** A connection by hand: what is said on it is said word for word, and nothing is ever answered to the node. */
interface Line {
  socket: Socket
  received(): string
  isOver(): boolean
}

const openLine = async (url: string, ...lines: string[]): Promise<Line> => {
  const { port, hostname } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
  let text = ''
  let over = false
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.on('close', () => {
    over = true
  })
  socket.on('end', () => {
    over = true
  })
  socket.on('error', () => {})
  atEnd(() => socket.destroy())
  socket.write(lines.join('\r\n'))
  return { socket, received: () => text, isOver: () => over }
}

const asking = (method: string, path: string, ...headers: string[]) => [
  `${method} ${path} HTTP/1.1`,
  'host: localhost',
  'authorization: Bearer demo:bob',
  ...headers,
]

const HANDSHAKE = [
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
]

const openSocket = async (url: string, transport: 'websocket' | 'polling') => {
  const socket = io(url, {
    transports: [transport],
    auth: { token: 'demo:bob' },
    forceNew: true,
    reconnection: false,
  })
  atEnd(() => socket.disconnect())
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', reject)
  })
  const answer = await socket
    .timeout(10_000)
    .emitWithAck('watch', { records: [{ type: 'project', id: '1' }] })
  expect(answer.records[0]).toMatchObject({ ok: true })
  return socket
}

describe.skipIf(isWithout('redis'))('a node that leaves', { tags: 'fault:node-leaves' }, () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster({ nodes: 1 })
  }, 120_000)

  /** Another program's transaction that holds a record, until it is rolled back. */
  const holding = async (id: number) => {
    const holder = new pg.Client(cluster.database)
    holder.on('error', () => {})
    await holder.connect()
    atEnd(() => holder.end())
    await holder.query('begin')
    await holder.query('select from projects where id = $1 for update', [id])
    return holder
  }

  const saveOf = async (url: string, id: string) => {
    const client_version = await versionOf(url, id)
    const notes = `Left at ${client_version}`
    return fetch(`${url}/api/v1/records/project/${id}`, {
      method: 'PATCH',
      headers: { ...BOB, 'content-type': 'application/json' },
      body: JSON.stringify({ client_version, changes: { notes } }),
    })
  }

  const WAITING = `select from pg_stat_activity where wait_event_type = 'Lock' and query ~* 'update'`
  const untilWaiting = async (count: number) => {
    const watcher = new pg.Client(cluster.database)
    await watcher.connect()
    atEnd(() => watcher.end())
    await waitFor(async () => (await watcher.query(WAITING)).rows.length >= count, {
      what: 'the saves that wait for the lock',
      deadlineMs: 20_000,
    })
  }

  test('answers what waits, says goodbye to who listens, cuts who never ends, and exits with 0', async () => {
    const [node] = cluster.nodes
    const url = node?.url ?? ''
    const held = fetch(`${url}/api/v1/changes?wait=25`, { headers: BOB })
    const sockets = [await openSocket(url, 'websocket'), await openSocket(url, 'polling')]
    const left = sockets.map(
      (socket) => new Promise<string>((resolve) => socket.once('disconnect', (reason) => resolve(reason))),
    )
    const stream = await fetch(`${url}/api/v1/events?record=project:1`, { headers: BOB })
    const streamed = stream.text()

    const deaf = await openLine(
      url,
      ...asking('GET', '/socket.io/?EIO=4&transport=websocket', ...HANDSHAKE, '', ''),
    )
    const unread = await openLine(url, ...asking('GET', '/api/v1/events?list=project', '', ''))
    await waitFor(() => deaf.received().includes('101') && unread.received().includes('Watching'), {
      what: 'the deaf ones',
    })
    unread.socket.pause()
    const lines = [
      deaf,
      unread,
      // A handshake that stops half way, before Socket.IO has said who it is and before HTTP has read it all.
      await openLine(url, ...asking('GET', '/socket.io/?EIO=4&transport=polling', '', '')),
      await openLine(url, ...asking('GET', '/socket.io/?EIO=4&transport=websocket', ...HANDSHAKE, '')),
      // Bodies that never end: a save's, and an import's.
      await openLine(
        url,
        ...asking(
          'PATCH',
          '/api/v1/records/project/1',
          'content-type: application/json',
          'content-length: 500',
        ),
        '',
        '{"client',
      ),
      await openLine(
        url,
        ...asking(
          'POST',
          '/api/v1/records/project/import',
          'content-type: application/x-ndjson',
          'transfer-encoding: chunked',
        ),
        '',
        `10\r\n{"name": "Nobody\r\n`,
      ),
      // Connections that are kept: one that is idle, and one that asks and asks.
      await openLine(url, ...asking('GET', '/healthz', '', '')),
      await openLine(url, ...asking('GET', '/healthz', '', '')),
    ]
    const busy = lines.at(-1) as Line
    const asks = setInterval(() => {
      if (busy.socket.writable) busy.socket.write(asking('GET', '/readyz', '', '').join('\r\n'))
    }, 20)
    atEnd(() => clearInterval(asks))

    const [released, kept] = [await holding(2), await holding(3)]
    const saves = [saveOf(url, '2'), saveOf(url, '3')]
    for (const save of saves) save.catch(() => {})
    await untilWaiting(2)

    const begun = performance.now()
    const ended = cluster.ask('stop node1')
    try {
      await waitFor(() => busy.received().includes('503'), { what: 'the node to say that it leaves' })
      await released.query('rollback')
      expect((await saves[0])?.status).toBe(200)
      expect((await held).status).toBe(200)
      expect(await streamed).toContain('event: Watching')
      expect(await Promise.all(left)).toEqual(['io server disconnect', 'io server disconnect'])
      expect(await ended).toMatchObject({ code: 0, signal: null })
      expect(performance.now() - begun).toBeLessThan(25_000)
      const ofThisNode = lines.filter((line) => line !== unread)
      await waitFor(() => ofThisNode.every(({ isOver }) => isOver()), { what: 'every line to end' })
    } finally {
      clearInterval(asks)
      await ended
      for (const holder of [released, kept]) await holder.query('rollback')
      await cluster.ask('start node1')
    }
  }, 120_000)
})
