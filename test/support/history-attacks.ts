// What the attacks on a history that goes back share: a primary with standbys behind a proxy, two nodes that read the log for each other
// over Redis, and pages of every kind.
import { migrate } from '../../migrations/index.ts'
import { createRecordClient } from '../../web/client/record-client.ts'
import type { RecordClient, RecordClientOptions } from '../../web/client/record-client-options.ts'
import { type AppOptions, startApp, type TestApp, trackTables } from './app.ts'
import { atEnd } from './at-end.ts'
import { startSystemCluster, type TestCluster } from './clusters.ts'
import { startFaultProxy } from './fault-proxy.ts'
import { redisClient, startRedis } from './redis.ts'
import { withKnex } from './restore.ts'
import { waitFor } from './wait-for.ts'

export interface Project {
  name: string
  notes: string
}

/** The pages' timers run faster than the clock. */
const SPEED = 5

const hurried: NonNullable<RecordClientOptions['clock']> = {
  now: Date.now,
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs / SPEED)
    return () => clearTimeout(timer)
  },
}

/** All that is committed has arrived there. */
export const caughtUp = async (primary: TestCluster, standby: TestCluster) => {
  const [row] = await primary.sql('select pg_current_wal_flush_lsn() as lsn')
  const sql = `select pg_last_wal_replay_lsn() >= '${row?.lsn}' as there`
  await waitFor(async () => (await standby.sql(sql))[0]?.there, { what: 'the standby to catch up' })
}

export const startHistoryAttacks = async (options: AppOptions = {}) => {
  const { cluster, archive } = await startSystemCluster()
  await cluster.sql('alter system set wal_log_hints = on')
  await cluster.sql(`alter system set wal_keep_size = '256MB'`)
  await cluster.stop()
  await cluster.start()
  await withKnex(cluster.url(), async (knex) => {
    await migrate(knex)
    await trackTables(knex)
    await options.prepare?.(knex)
  })
  const proxy = await startFaultProxy(cluster.port())
  const redis = await startRedis()
  const node = (): Promise<TestApp> =>
    startApp({
      ...options,
      prepare: async () => {},
      database: { url: proxy.urlFor(cluster.url()), name: 'postgres', drop: async () => {} },
      redis: redisClient(redis.url) as never,
      relay: true,
    })
  const [first, second] = [await node(), await node()]
  const place = { primary: cluster }

  /** A standby that has all so far, and gets no more. */
  const standby = async (of = place.primary): Promise<TestCluster> => {
    const made = await of.baseBackup(true)
    await made.start()
    await caughtUp(of, made)
    await made.sql('alter system reset primary_conninfo')
    await made.sql('select pg_reload_conf()')
    return made
  }

  /** It is the primary from now on; the one before is killed. */
  const takeOver = async (next: TestCluster) => {
    proxy.set('refuse')
    const before = place.primary
    await before.kill()
    await next.sql('select pg_promote()')
    place.primary = next
    proxy.lead(next.port())
    proxy.set('pass')
    return before
  }

  const openTab = (app: TestApp, person: string, more: RecordClientOptions = {}): RecordClient => {
    const client = createRecordClient({
      ...{ url: `${app.origin}/api/v1`, token: () => person, userId: () => person, clock: hurried },
      ...more,
    })
    atEnd(() => client.close())
    return client
  }

  const open = (client: RecordClient, id: string) => {
    const editor = client.editor<Project>('project', id)
    atEnd(editor.subscribe(() => {}))
    return editor
  }

  /** Sockets, a stream and polls, on both nodes. */
  const openPages = async (id: string) => {
    const pages = [
      open(openTab(first, 'alice'), id),
      open(openTab(second, 'bob'), id),
      open(openTab(first, 'bob', { transports: ['event_stream'] }), id),
      open(openTab(second, 'vera', { transports: [] }), id),
    ]
    await waitFor(() => pages.every((page) => page.get().record), { what: 'the pages' })
    return pages
  }

  /** All pages show what SQL has. */
  const right = async (id: string, pages: ReturnType<typeof open>[]) => {
    const truth = async () =>
      (await place.primary.sql(`select version::float8 as version, name from projects where id = ${id}`))[0]
    const isRight = async () => {
      const row = await truth()
      return pages.every(
        ({ get }) => get().record?.version === row?.version && get().record?.fields.name === row?.name,
      )
    }
    await waitFor(isRight, {
      what: () =>
        `pages to be right: ${pages.map(({ get }) => `${get().status} v${get().record?.version} ${get().record?.fields.name}`)}`,
      deadlineMs: 30_000,
    })
  }

  /** A request, sent until the database is back. */
  const call = (app: TestApp, ...request: Parameters<TestApp['call']>) =>
    waitFor(
      async () => {
        const answer = await app.call(...request).catch(() => null)
        return answer && answer.status !== 503 ? answer : null
      },
      { what: 'the database to be back', deadlineMs: 60_000 },
    )

  return { first, second, place, archive, proxy, standby, takeOver, openTab, open, openPages, right, call }
}
