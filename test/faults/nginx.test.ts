// The deployment's own proxy before two nodes: every wire comes through it, at once, and a node may leave behind it.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { io } from 'socket.io-client'
import { beforeAll, describe, expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { type Cluster, startCluster } from '../support/cluster.ts'
import { startLoad, versionOf } from '../support/cluster-load.ts'
import { startNginx, type TestNginx } from '../support/nginx.ts'
import { isWithout } from '../support/programs.ts'
import { waitFor } from '../support/wait-for.ts'

const BOB = { authorization: 'Bearer demo:bob', 'content-type': 'application/json' }

describe.skipIf(isWithout('redis') || isWithout('nginx'))('nginx before two nodes', () => {
  let cluster: Cluster
  let nginx: TestNginx
  let url: string
  beforeAll(async () => {
    cluster = await startCluster()
    nginx = await startNginx(cluster.nodes.map((node) => node.url))
    url = nginx.url
  }, 120_000)

  /** By the other node's own door, so that the news has to travel. */
  const save = async (id: string) => {
    const client_version = await versionOf(url, id)
    const answer = await fetch(`${cluster.nodes[1]?.url}/api/v1/records/project/${id}`, {
      method: 'PATCH',
      headers: BOB,
      body: JSON.stringify({ client_version, changes: { notes: `After ${client_version}` } }),
    })
    expect(answer.status).toBe(200)
    return client_version + 1
  }

  test.each(['websocket', 'polling'] as const)('events come over %s', async (transport) => {
    const id = transport === 'websocket' ? '1' : '2'
    const socket = io(url, { transports: [transport], auth: { token: 'demo:alice' }, forceNew: true })
    atEnd(() => socket.disconnect())
    const received: number[] = []
    socket.on('RecordUpdated', ({ version }) => received.push(version))
    const answer = await socket
      .timeout(20_000)
      .emitWithAck('watch', { records: [{ type: 'project', id }], lists: [] })
    expect(answer.records[0]).toMatchObject({ ok: true })
    for (let round = 0; round < 3; round += 1) {
      const version = await save(id)
      await waitFor(() => received.includes(version), { what: `version ${version}`, deadlineMs: 15_000 })
    }
    expect(socket.io.engine.transport.name).toBe(transport)
  })

  test('a stream begins at once and is not held back', async () => {
    const gone = new AbortController()
    atEnd(() => gone.abort())
    const stream = await fetch(`${url}/api/v1/events?record=project:3`, { headers: BOB, signal: gone.signal })
    let text = ''
    const reading = (async () => {
      for await (const chunk of stream.body as unknown as AsyncIterable<Uint8Array>)
        text += new TextDecoder().decode(chunk)
    })()
    reading.catch(() => {})
    await waitFor(() => text.includes('event: Watching'), { what: 'the first event', deadlineMs: 15_000 })
    const version = await save('3')
    await waitFor(() => text.includes(`"version":${version}`), { what: 'the change', deadlineMs: 15_000 })
    gone.abort()
  })

  test('a held poll is answered when there is news, and a body beyond the limit is refused', async () => {
    const { cursor } = await (await fetch(`${url}/api/v1/changes`, { headers: BOB })).json()
    const held = fetch(`${url}/api/v1/changes?cursor=${cursor}&wait=25`, { headers: BOB })
    const version = await save('4')
    const { data } = await (await held).json()
    expect(data).toMatchObject([{ type: 'project', id: '4', version }])
    const large = await fetch(`${url}/api/v1/records/project`, {
      method: 'POST',
      headers: BOB,
      body: JSON.stringify({ fields: { name: 'x'.repeat(2_000_000) } }),
    })
    expect(large.status).toBe(413)
  })

  test('both nodes are restarted one after the other under load, and everybody converges', {
    tags: ['fault:nodes-restarted-behind-nginx', 'full'],
    timeout: 120_000,
  }, async () => {
    const load = await startLoad(url, {
      ids: ['5', '6'],
      transports: ['websocket', 'polling'],
      pauseMs: 20,
    })
    const { ended } = await cluster.ask('roll')
    expect(ended.map(({ code }: { code: number }) => code)).toEqual([0, 0])
    const before = load.saves()
    await waitFor(() => load.saves() > before + 10, { what: 'saves after it', deadlineMs: 30_000 })
    await load.stop()
    expect(load.failures(), await nginx.log()).toEqual([])
    await load.converged(30_000)
  })

  test('the compose file starts what the configuration names', async () => {
    const compose = await readFile(
      fileURLToPath(new URL('../../docker-compose.yml', import.meta.url)),
      'utf8',
    )
    for (const name of ['node1', 'node2', 'proxy', 'postgres', 'redis'])
      expect(compose).toMatch(new RegExp(`^  ${name}:`, 'm'))
    expect(compose).toContain('./deploy/nginx.conf:/etc/nginx/conf.d/default.conf:ro')
  })
})
