// The primary is lost without a word, as when its machine loses power: connections that stand go on standing, and nothing comes through
// them. The standby takes its place, and new connections lead there. Nodes notice by themselves, and pages are right within 10 s.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { migrate } from '../../migrations/index.ts'
import { createRecordClient } from '../../web/client/record-client.ts'
import { startApp, trackTables } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'
import { makeStandby, startCluster, type TestCluster } from '../support/clusters.ts'
import { writeDown } from '../support/figures.ts'
import { withKnex } from '../support/restore.ts'
import { waitFor } from '../support/wait-for.ts'

/** A virtual address: what stands stays with the server that it was made to, what is new goes to the one that has the address. */
const startAddress = async (first: TestCluster) => {
  let target = first
  let isLost = (_: TestCluster) => false
  const pipe = (from: Socket, to: Socket, server: TestCluster) => {
    from.on('data', (chunk: Buffer) => void (isLost(server) || to.destroyed || to.write(chunk)))
    from.on('error', () => {})
    from.on('close', () => void (isLost(server) || to.destroy()))
  }
  const sockets = new Set<Socket>()
  const address = createServer((near) => {
    const server = target
    const far = connect(server.port(), '127.0.0.1')
    for (const socket of [near, far]) sockets.add(socket)
    pipe(near, far, server)
    pipe(far, near, server)
  }).listen(0, '127.0.0.1')
  await once(address, 'listening')
  atEnd(() => {
    for (const socket of sockets) socket.destroy()
    address.close()
  })
  const url = new URL(first.url())
  url.port = String((address.address() as AddressInfo).port)
  const takeOver = (next: TestCluster) => {
    const before = target
    target = next
    isLost = (server) => server === before
  }
  return { url: url.href, takeOver }
}

const primary = await startCluster()
await withKnex(primary.url(), async (knex) => {
  await migrate(knex)
  await trackTables(knex)
})
await primary.stop()
const standby = await primary.copy()
await primary.start()
await makeStandby(standby, primary)
await standby.start()
const address = await startAddress(primary)
const app = await startApp({
  database: { url: address.url, name: 'postgres', drop: async () => {} },
  pool: { min: 0, max: 3 },
})
afterAll(() => app.stop())

test('nodes leave a primary that says nothing any more, with all that waits for it', {
  tags: 'fault:primary-silent',
  timeout: 60_000,
}, async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const pages = [undefined, ['event_stream' as const], []].map((transports) => {
    const client = createRecordClient({
      ...{ url: `${app.origin}/api/v1`, token: () => 'alice', userId: () => 'alice' },
      ...(transports && { transports }),
    })
    atEnd(() => client.close())
    const editor = client.editor<{ name: string }>('project', id)
    atEnd(editor.subscribe(() => {}))
    return editor
  })
  const showing = (name: string) => () => pages.every((page) => page.get().record?.fields.name === name)
  await waitFor(showing('Bridge'), { what: 'the pages' })
  const isThere = async () => (await standby.sql(`select from projects where id = ${id}`)).length > 0
  await waitFor(isThere, { what: 'the standby' })
  await standby.stop()
  await app.sql(`update projects set name = 'Lost' where id = ${id}`)
  await waitFor(showing('Lost'), { what: 'what will be lost' })
  await standby.set("primary_conninfo = ''")
  await standby.start()
  await standby.sql('select pg_promote()')
  await standby.sql(`update projects set notes = 'of the new history' where id = ${id}`)
  // More requests than the pool has connections wait for the one that is lost.
  address.takeOver(standby)
  const back = performance.now()
  const waiting = [1, 2, 3, 4, 5].map((number) =>
    app.call('PATCH', `/records/project/${id}`, {
      body: { client_version: 1, changes: { notes: `${number}` }, mutation_id: `silent-${number}` },
    }),
  )
  await waitFor(showing('Bridge'), {
    what: () =>
      `the pages to be right: ${pages.map((page) => `${page.get().status} ${page.get().record?.fields.name}`)}`,
    deadlineMs: 30_000,
  })
  const rightMs = performance.now() - back
  for (const { status } of await Promise.all(waiting)) expect([409, 503]).toContain(status)
  const servedMs = performance.now() - back
  writeDown('pages are right after a primary that fell silent (10 s)', `${Math.round(rightMs)} ms`)
  expect([Math.max(rightMs, servedMs) < 10_000, rightMs, servedMs]).toEqual([true, rightMs, servedMs])
  const now = (await app.call('GET', `/records/project/${id}`)).body.data
  const saved = await app.call('PATCH', `/records/project/${id}`, {
    body: { client_version: now.version, changes: { name: 'Quay' } },
  })
  expect(saved.status).toBe(200)
  await waitFor(showing('Quay'), { what: 'a save of the new history' })
})
