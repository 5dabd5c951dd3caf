// A node whose reading of the log is cut off while everything else works: its pages say that they are behind, and since when;
// and what a page calls up to date as of a time is compared with what the database had then.
import knex from 'knex'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { createRecordClient } from '../../web/client/record-client.ts'
import type { TransportKind } from '../../web/client/transport/transport.ts'
import { startApp, trackTables } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { freshDatabase } from '../support/postgres.ts'
import { byRun } from '../support/short-run.ts'
import { waitFor } from '../support/wait-for.ts'

const database = await freshDatabase()
const direct = knex({ client: 'pg', connection: database.url, pool: { min: 0, max: 2 } })
afterAll(() => direct.destroy())
await trackTables(direct)
const proxy = await startFaultProxy(Number(new URL(database.url).port))
const app = await startApp({
  database,
  databaseUrl: proxy.urlFor(database.url),
  pool: { min: 6, max: 6 },
  limits: { heartbeatMs: 50 },
})

const sql = async (text: string) => (await direct.raw(text)).rows

/** The database's processes that serve the connections of a pool. */
const backendsOf = ({ client: { pool } }: knex.Knex): number[] =>
  [...pool.used, ...pool.free].map(({ resource }) => resource.processID)

/** Ends the feed's connections, and lets in no others. The pool's own stand. */
const cutFeed = async () => {
  await Promise.all(Array.from({ length: 6 }, () => app.sql('select pg_sleep(0.05)')))
  proxy.set('full')
  const { rows } = await direct.raw(
    `select count(pg_terminate_backend(pid))::int as count from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and not pid = any(?)`,
    [[...backendsOf(app.knex), ...backendsOf(direct)]],
  )
  // Besides the feed's one that it had before, or by which it asks whether an overdue session still exists.
  expect(rows[0].count).toBeGreaterThan(0)
}

beforeEach(() => proxy.set('pass'))

const openPage = async (transports: TransportKind[]) => {
  const client = createRecordClient({
    ...{ url: `${app.origin}/api/v1`, transports, token: () => 'alice', userId: () => 'alice' },
  })
  atEnd(() => client.close())
  const { id } = await app.make('project', { name: 'Bridge' })
  const editor = client.editor('project', id)
  const list = client.liveList('project', {})
  editor.subscribe(() => {})
  list.subscribe(() => {})
  const isCurrent = () =>
    client.connection.get().status === 'live' && editor.asOf() !== null && list.asOf() !== null
  await waitFor(isCurrent, { what: 'a page that is up to date', deadlineMs: 20_000 })
  return { client, editor, list, id: String(id) }
}

type Opened = Awaited<ReturnType<typeof openPage>>

/** A page that says so, and works all the same. */
const isBehind = async ({ client, editor, list, id }: Opened, cutAt: number) => {
  const status = () => client.connection.get().status
  await sql(`update projects set name = 'Tunnel', version = version where id = ${id}`)
  await waitFor(() => status() === 'behind', { what: 'behind', deadlineMs: 20_000 })
  for (const asOf of [client.connection.get().asOf, editor.asOf(), list.asOf()])
    expect(Date.parse(asOf ?? '')).toBeLessThan(cutAt + 1_000)
  const answer = await app.call('GET', `/records/project/${id}/version`)
  expect(answer.body.behind_ms).toBeGreaterThan(5_000)
  // Behind, a page asks for versions itself.
  await waitFor(() => editor.values().name === 'Tunnel', { what: 'the change', deadlineMs: 30_000 })
  expect(status()).toBe('behind')
  await expect(editor.save()).resolves.toBeNull()
  editor.change('name', 'Ferry')
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved' })
}

test('pages on a WebSocket and on an event stream say that they are behind, since when, and when it is over', {
  tags: 'fault:log-reading-cut',
  timeout: 90_000,
}, async () => {
  const transports: TransportKind[] = ['websocket', 'event_stream']
  const pages = await Promise.all(transports.map((transport) => openPage([transport])))
  await cutFeed()
  const cutAt = Date.now()
  await Promise.all(pages.map((page) => isBehind(page, cutAt)))
  proxy.set('pass')
  const releasedAt = Date.now()
  for (const { client, editor } of pages) {
    await waitFor(() => client.connection.get().status === 'live', { what: 'live', deadlineMs: 20_000 })
    await waitFor(() => Date.parse(editor.asOf() ?? '') > releasedAt, {
      what: 'a new time',
      deadlineMs: 20_000,
    })
    client.close()
  }
})

const SAMPLES = Number(process.env.NOCLOBBER_SAMPLES ?? byRun({ short: 150, full: 500 }))

test('what is called up to date as of a time was the newest then, under cuts', {
  timeout: 60_000 + SAMPLES * 50,
}, async () => {
  const { editor, list, id } = await openPage(['websocket'])
  const commits: { version: number; at: string }[] = []
  let isOver = false
  const write = async () => {
    while (!isOver) {
      const [{ version }] = await sql(
        `update projects set name = 'Name ' || random(), version = version where id = ${id} returning version`,
      )
      const [{ at }] = await sql(
        `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') at`,
      )
      commits.push({ version: Number(version), at })
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 300))
    }
  }
  const writing = write()
  const lies: string[] = []
  let said = 0
  const check = (what: string, asOf: string | null, version: number) => {
    if (asOf === null) return
    said += 1
    const then = commits.findLast(({ at }) => at <= asOf)
    if (then && then.version > version)
      lies.push(`${what} at ${version} as of ${asOf}: ${then.version} since ${then.at}`)
  }
  for (let at = 0; at < SAMPLES; at += 1) {
    if (at === Math.floor(SAMPLES / 3)) await cutFeed()
    if (at === Math.floor((2 * SAMPLES) / 3)) proxy.set('pass')
    check('the record', editor.asOf(), editor.get().record?.version ?? 0)
    const row = list.get().byId.get(id)
    const waiting = list.get().staged.get(id)
    check('the list', list.asOf(), Math.max(row?.version ?? 0, waiting?.version ?? 0))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  isOver = true
  await writing
  console.info(`${said} statements of ${SAMPLES} samples, ${commits.length} commits, ${lies.length} lies`)
  expect(said).toBeGreaterThan(SAMPLES)
  expect(lies).toEqual([])
})
