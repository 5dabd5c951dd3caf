// Networks that fail in every way, and a client that ends up with what the database says each time. The figures are
// printed at the end: from the moment when the fault is over to the moment when the client shows the newest version.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Clock, type Page, systemClock } from '../../web/client/base/clock.ts'
import { createRecordClient } from '../../web/client/record-client.ts'
import type { RecordClient } from '../../web/client/record-client-options.ts'
import type { TransportKind } from '../../web/client/transport/transport.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { startHttpProxy } from '../support/http-proxy.ts'
import { createKilledNode, type KilledNode } from '../support/killed-node.ts'
import { oneIn } from '../support/short-run.ts'
import { waitFor } from '../support/wait-for.ts'

const figures: { way: string; fault: string; ms: number }[] = []
let app: TestApp

beforeAll(async () => {
  app = await startApp()
})

afterAll(() => {
  const lines = figures.map(
    ({ way, fault, ms }) => `${way.padEnd(14)} ${fault.padEnd(38)} ${String(ms).padStart(6)} ms`,
  )
  console.info(`\nConverged after the fault was over:\n${lines.join('\n')}\n`)
})

/** A clock for who looks up after half a minute or so: what waits so long waits a tenth of it. */
const LONG_MS = 20_000
const impatient: Clock = {
  now: systemClock.now,
  after: (delayMs, run) => systemClock.after(delayMs >= LONG_MS ? delayMs / 10 : delayMs, run),
}

/** A page whose visibility and network a test turns itself. */
function createPage() {
  const listeners = new Set<() => void>()
  const facts = { isVisible: true, isOnline: true }
  const page: Page = {
    isVisible: () => facts.isVisible,
    isOnline: () => facts.isOnline,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  const set = (change: Partial<typeof facts>) => {
    Object.assign(facts, change)
    for (const listener of [...listeners]) listener()
  }
  return { page, set }
}

const FIELDS = { project: { name: 'Bridge' }, task: { project_id: 1, title: 'Bridge' } }

const open = async (
  origin: string,
  transports: TransportKind[],
  page?: Page,
  type: keyof typeof FIELDS = 'project',
  clock: Clock = systemClock,
) => {
  const client = createRecordClient({
    url: `${origin}/api/v1`,
    transports,
    clock,
    token: () => 'alice',
    userId: () => 'alice',
    timeoutMs: 3_000,
    ...(page && { page }),
  })
  atEnd(() => client.close())
  const id = (await app.make(type, FIELDS[type])).id as string
  const editor = client.editor(type, id)
  editor.subscribe(() => {})
  await waitFor(() => editor.get().record, { what: 'the record', deadlineMs: 15_000 })
  const is = (status: string, deadlineMs = 40_000) =>
    waitFor(() => client.connection.get().status === status, { what: status, deadlineMs })
  return { client, id, editor, is }
}

type Opened = Awaited<ReturnType<typeof open>>

/** Somebody writes; the client must come to show it. */
const change = async (id: string, table: 'projects' | 'tasks' = 'projects') => {
  const text = table === 'tasks' ? 'title' : 'name'
  const [row] = await app.sql(`update ${table} set ${text} = ${text} || '!' where id = ? returning version`, [
    id,
  ])
  return Number(row.version)
}

const converges = async (
  { editor, is }: Opened,
  version: number,
  way: string,
  fault: string,
  live = 'live',
) => {
  const from = performance.now()
  await waitFor(() => editor.get().record?.version === version, {
    what: `version ${version}`,
    deadlineMs: 60_000,
  })
  figures.push({ way, fault, ms: Math.round(performance.now() - from) })
  await is(live)
}

const WAYS = oneIn<[string, TransportKind[]]>(2, [
  ['websocket', ['websocket']],
  ['long_polling', ['long_polling']],
  ['event_stream', ['event_stream']],
])

// The ways wait for their time and not for each other; what happens to one of them happens in its order.
describe.concurrent.each(WAYS)('over %s', (way, transports) => {
  let proxy: FaultProxy
  let opened: Opened
  const { page, set } = createPage()
  beforeAll(async () => {
    proxy = await startFaultProxy(Number(new URL(app.origin).port))
    opened = await open(proxy.urlFor(app.origin).replace(/\/$/, ''), transports, page)
    await opened.is('live')
  })

  it.sequential('comes back after resets', { tags: 'fault:client-reset' }, async () => {
    proxy.set('refuse')
    await waitFor(() => opened.client.connection.get().status !== 'live', { what: 'the loss' })
    const version = await change(opened.id)
    proxy.set('pass')
    await converges(opened, version, way, 'connections reset and refused')
  })

  it.sequential('works over a line that gives a few bytes at a time, late', {
    tags: 'fault:client-slow',
  }, async () => {
    proxy.set('slice')
    proxy.delay(150)
    await converges(opened, await change(opened.id), way, 'sliced into 7 bytes, 150 ms late each way')
    proxy.cut()
    await converges(opened, await change(opened.id), way, 'the same, and cut once')
    proxy.delay(0)
    proxy.set('pass')
  })

  it.sequential('rests while it is hidden, and is up to date at once when it is seen', async () => {
    set({ isVisible: false })
    proxy.cut()
    await waitFor(() => opened.client.connection.get().status !== 'live', { what: 'the loss' })
    const version = await change(opened.id)
    set({ isVisible: true })
    await converges(opened, version, way, 'cut while the page was hidden')
  })

  it.sequential('says Offline without a network, and catches up with one', {
    tags: 'fault:client-offline',
  }, async () => {
    proxy.set('refuse')
    set({ isOnline: false })
    await opened.is('offline')
    const version = await change(opened.id)
    proxy.set('pass')
    set({ isOnline: true })
    await converges(opened, version, way, 'offline, then online')
  })

  it.sequential('does not believe a line on which nothing comes any more', {
    tags: 'fault:client-silent',
  }, async () => {
    proxy.set('hole')
    const version = await change(opened.id)
    // What a laptop does that wakes up: it looks at versions, finds that no event brought them, and connects anew.
    set({ isVisible: false })
    set({ isVisible: true })
    await waitFor(() => opened.client.connection.get().lastCheckedAt !== null, { what: 'a look' })
    proxy.cut()
    proxy.set('pass')
    await converges(opened, version, way, 'black hole')
  })
})

it.concurrent('finds by comparing versions that a connection only looks alive', async () => {
  const { page, set } = createPage()
  const muted = { isMuted: false }
  const client = createRecordClient({
    url: `${app.origin}/api/v1`,
    token: () => 'alice',
    page,
    transports: ['event_stream'],
    fetch: async (input, init) => {
      const answer = await fetch(input, init)
      if (!String(input).includes('/events')) return answer
      // A stream of which nothing gets through any more, and no end either.
      const filter = new TransformStream({
        transform(chunk, controller) {
          if (!muted.isMuted) controller.enqueue(chunk)
        },
      })
      const body = answer.body?.pipeThrough(filter) ?? null
      return new Response(body, { status: answer.status, headers: answer.headers })
    },
  })
  atEnd(() => client.close())
  const { id } = await app.make('project', { name: 'Bridge' })
  const editor = client.editor('project', id)
  editor.subscribe(() => {})
  await waitFor(() => client.connection.get().status === 'live', { what: 'live', deadlineMs: 30_000 })
  muted.isMuted = true
  const version = await change(id)
  let losses = 0
  client.connection.subscribe(() => {
    if (client.connection.get().status === 'live') return
    losses += 1
    // The next connection is a good one.
    muted.isMuted = false
  })
  const from = performance.now()
  set({ isVisible: false })
  set({ isVisible: true })
  await waitFor(() => editor.get().record?.version === version, { what: 'the version', deadlineMs: 30_000 })
  figures.push({
    way: 'event_stream',
    fault: 'alive to look at, and mute',
    ms: Math.round(performance.now() - from),
  })
  await waitFor(() => losses > 0, { what: 'a new connection', deadlineMs: 30_000 })
  await waitFor(() => client.connection.get().status === 'live', { what: 'live again', deadlineMs: 20_000 })
})

describe.concurrent('transport fallback', () => {
  it('goes down to a stream where no upgrade comes through, and up again when one does', {
    tags: ['fault:proxy-without-upgrades', 'full'],
    timeout: 120_000,
  }, async () => {
    const proxy = await startHttpProxy(app.origin)
    proxy.upgrades = false
    const from = performance.now()
    const opened = await open(proxy.origin, ['websocket', 'event_stream'], undefined, 'project', impatient)
    const kind = (transport: TransportKind) =>
      waitFor(() => opened.client.connection.get().transport === transport, {
        what: transport,
        deadlineMs: 60_000,
      })
    await kind('event_stream')
    figures.push({
      way: 'fallback',
      fault: 'no upgrades: live by a stream',
      ms: Math.round(performance.now() - from),
    })
    await converges(opened, await change(opened.id), 'fallback', 'a change, by the stream')
    proxy.upgrades = true
    const up = performance.now()
    await kind('websocket')
    figures.push({
      way: 'fallback',
      fault: 'upgrades again, ten times as impatient',
      ms: Math.round(performance.now() - up),
    })
    await converges(opened, await change(opened.id), 'fallback', 'a change, by WebSocket')
  })

  it('polls where answers are held back, and says so within seconds', {
    tags: 'fault:proxy-buffers',
  }, async () => {
    const proxy = await startHttpProxy(app.origin)
    proxy.buffers = true
    const from = performance.now()
    const opened = await open(proxy.origin, ['event_stream'])
    await opened.is('polling')
    figures.push({
      way: 'fallback',
      fault: 'answers held back: polling',
      ms: Math.round(performance.now() - from),
    })
    await converges(opened, await change(opened.id), 'polling', 'a change, by its version', 'polling')
  })
})

describe.concurrent('a server that is killed and started again', { tags: 'fault:server-restarted' }, () => {
  let node: KilledNode
  beforeAll(async () => {
    node = await createKilledNode(app.database.url)
  })

  it('is found again over each way', { timeout: 120_000 }, async () => {
    const before = await node.run()
    const opened = await Promise.all(
      WAYS.map(async ([way, transports]) => ({
        way,
        page: await open(node.origin, transports, undefined, 'task'),
      })),
    )
    await Promise.all(opened.map(({ page }) => page.is('live')))
    await before.kill()
    for (const { way, page } of opened)
      await waitFor(() => page.client.connection.get().status !== 'live', { what: `the loss over ${way}` })
    const versions = await Promise.all(opened.map(({ page }) => change(page.id, 'tasks')))
    await node.run()
    await Promise.all(
      opened.map(({ way, page }, at) =>
        converges(page, versions[at] as number, way, 'server killed by SIGKILL and started again'),
      ),
    )
  })
})

describe('the switch', () => {
  it('leaves polling and the guard where live events are off', async () => {
    const quiet = await startApp({ live: false })
    const client: RecordClient = createRecordClient({ url: `${quiet.origin}/api/v1`, token: () => 'alice' })
    atEnd(() => client.close())
    const { id } = await quiet.make('project', { name: 'Bridge' })
    const editor = client.editor('project', id)
    editor.subscribe(() => {})
    await waitFor(() => client.connection.get().status === 'polling', { what: 'polling', deadlineMs: 30_000 })
    await quiet.sql(`update projects set name = 'By hand' where id = ?`, [id])
    editor.change('name', 'Mine')
    expect(await editor.save()).toMatchObject({ outcome: 'conflict' })
    expect(editor.values()).toMatchObject({ name: 'Mine' })
  })
})
