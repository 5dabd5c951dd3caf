// Readers of an event stream who are cut off again and again, each of another make: 1,000 changes, 20 cuts, and in the
// end each has received exactly what the log says. Every cut loses something: some changes are made while a reader
// listens, and some while nobody does.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { EventSource } from 'eventsource'
import { beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import type { Received } from '../../support/app-socket.ts'
import { openStream } from '../../support/app-stream.ts'
import { atEnd } from '../../support/at-end.ts'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import { byRun } from '../../support/short-run.ts'
import { readStreamText } from '../../support/stream-text.ts'
import { waitFor } from '../../support/wait-for.ts'

const CUTS = byRun({ short: 8, full: 20 })
const CHANGES = 50 * CUTS
/** In two transactions: five records created, and all of them changed. */
const RECORDS_A_BATCH = 5
/** Between two cuts: batches that come while the reader listens, and batches that nobody receives. */
const LISTENED_TO = 3
const MISSED = 2

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})

/** A reader of a stream that resumes where it was cut off. */
interface Reader {
  /** Comes, or comes back; resolves with `Watching`. */
  begin(): Promise<void>
  /** Cuts it off; resolves when nothing more can reach it. */
  cut(): Promise<void>
  /** All events of each connection. */
  received(): Received[]
  /** The id of each connection. */
  cameWith: string[]
}

const isWatching = (received: Received[]) => received.some(({ name }) => name === 'Watching')

const nodeReader = (path: string): Reader => {
  const sittings: Awaited<ReturnType<typeof openStream>>[] = []
  const cameWith: string[] = []
  return {
    cameWith,
    received: () => sittings.flatMap(({ received }) => received),
    begin: async () => {
      const after = sittings.at(-1)?.lastId() ?? ''
      cameWith.push(after)
      const sitting = await openStream(app.origin, path.split('?')[1] ?? '', after ? { after } : {})
      sittings.push(sitting)
      await sitting.receives('Watching')
    },
    cut: async () => {
      const sitting = sittings.at(-1)
      sitting?.cut()
      await waitFor(() => sitting?.isClosed(), { what: 'the end of the stream' })
    },
  }
}

/** `curl -N`, killed as hard as can be. */
const curlReader = (path: string): Reader => {
  const sittings: ReturnType<typeof readStreamText>[] = []
  const cameWith: string[] = []
  let kill = async () => {}
  return {
    cameWith,
    received: () => sittings.flatMap(({ received }) => received),
    begin: async () => {
      const after = sittings.at(-1)?.lastId() ?? ''
      cameWith.push(after)
      const sitting = readStreamText(after)
      sittings.push(sitting)
      const resume = after ? ['-H', `Last-Event-ID: ${after}`] : []
      const curl = spawn('curl', ['-sN', '-H', 'Authorization: Bearer alice', ...resume, app.origin + path])
      atEnd(() => curl.kill('SIGKILL'))
      curl.stdout.setEncoding('utf8').on('data', sitting.take)
      kill = async () => {
        curl.kill('SIGKILL')
        await once(curl, 'close')
      }
      await waitFor(() => isWatching(sitting.received), { what: 'the first event', deadlineMs: 15_000 })
    },
    cut: () => kill(),
  }
}

/** An EventSource comes back after as long as the server says, which is more than a test waits twenty times. */
const RETRY_MS = 50
const hurried = () =>
  new TransformStream<Uint8Array, Uint8Array>({
    transform: (bytes, controller) => {
      const text = Buffer.from(bytes).toString('latin1')
      controller.enqueue(Buffer.from(text.replace(/^retry: \d+\n/, `retry: ${RETRY_MS}\n`), 'latin1'))
    },
  })

/** The `eventsource` of npm, behind a line that is cut. */
const eventSourceReader = async (path: string): Promise<Reader> => {
  const proxy = await startFaultProxy(Number(new URL(app.origin).port))
  const cameWith: string[] = []
  const received: Received[] = []
  let source: EventSource | undefined
  const open = () => {
    source = new EventSource(proxy.urlFor(app.origin + path), {
      fetch: async (url, init) => {
        const headers = { ...init.headers, authorization: 'Bearer alice' }
        const answer = await fetch(url, { ...init, headers } as RequestInit)
        cameWith.push(init.headers['Last-Event-ID'] ?? '')
        const { status, headers: answered, url: from, redirected } = answer
        const body = answer.body?.pipeThrough(hurried()) ?? null
        return { status, headers: answered, url: from, redirected, body }
      },
    })
    atEnd(() => source?.close())
    for (const name of ['Watching', 'RecordCreated', 'RecordUpdated', 'Resync'])
      source.addEventListener(name, ({ data }) => received.push({ name, event: JSON.parse(data) }))
  }
  return {
    cameWith,
    received: () => received,
    begin: async () => {
      const before = received.length
      if (source) proxy.set('pass')
      else open()
      await waitFor(() => isWatching(received.slice(before)), { what: 'the stream', deadlineMs: 20_000 })
    },
    cut: async () => {
      proxy.set('refuse')
      await waitFor(() => source?.readyState === EventSource.CONNECTING, { what: 'the loss' })
    },
  }
}

const write = async (project: string, batches: number) => {
  for (let batch = 0; batch < batches; batch += 1) {
    await app.sql(
      `insert into tasks (tenant_id, project_id, title)
       select 'acme', ?, 'Task ' || n from generate_series(1, ${RECORDS_A_BATCH}) n`,
      [project],
    )
    await app.sql(`update tasks set title = title || '!' where project_id = ? and version = 1`, [project])
  }
}

const changesIn = (received: Received[]) =>
  new Set(
    received
      .filter(({ name }) => name === 'RecordCreated' || name === 'RecordUpdated')
      .map(({ event }) => `${event.id} v${event.version}`),
  )

it.concurrent.each([
  ['a program on Node', nodeReader],
  ['curl -N', curlReader],
  ['an EventSource', eventSourceReader],
])(
  `sends %s every change, over ${CHANGES} changes and ${CUTS} cuts`,
  async (_who, readerOf) => {
    const { id: project } = await app.make('project', { name: 'Busy' })
    const reader = await readerOf(`/api/v1/events?list=task:project_id=${project}`)
    const missed: number[] = []
    await reader.begin()
    for (let cut = 0; cut < CUTS; cut += 1) {
      const before = changesIn(reader.received()).size
      const writing = write(project, LISTENED_TO)
      // Some of it may be under way when the line is cut.
      const some = 1 + ((cut * 7) % (LISTENED_TO * RECORDS_A_BATCH))
      await waitFor(() => changesIn(reader.received()).size >= before + some, {
        what: `${some} changes of round ${cut}`,
        deadlineMs: 20_000,
      })
      await reader.cut()
      await writing
      await write(project, MISSED)
      missed.push(CHANGES * ((cut + 1) / CUTS) - changesIn(reader.received()).size)
      await reader.begin()
    }
    const rows = await app.sql(
      `select c.record_id || ' v' || c.version as change from noclobber.changes c
       join tasks t on t.id::text = c.record_id where c.table_name = 'public.tasks' and t.project_id = ?`,
      [project],
    )
    const committed = rows.map(({ change }) => change)
    const left = () => {
      const received = changesIn(reader.received())
      return committed.filter((change) => !received.has(change))
    }
    await waitFor(() => left().length === 0, { what: 'the rest', deadlineMs: 20_000 }).catch(() => {})
    expect(left()).toEqual([])
    expect([committed.length, changesIn(reader.received()).size]).toEqual([CHANGES, CHANGES])
    expect(Math.min(...missed)).toBeGreaterThanOrEqual(MISSED * RECORDS_A_BATCH * 2)
    // Without an id at first, and with one after each cut.
    expect(reader.cameWith.map((id) => id !== '')).toEqual([false, ...Array(CUTS).fill(true)])
    expect(reader.received().filter(({ name }) => name === 'Resync')).toEqual([])
    await reader.cut()
  },
  120_000,
)
