// The oracle: writers of all kinds, readers of all kinds, faults in between; at the end SQL says what is true, and every
// reader is held against it. Nothing here knows how the feed works: a broken one gives a verdict that isn't clean.
import { setTimeout as pause } from 'node:timers/promises'
import { startApp, type TestApp } from './app.ts'
import { atEnd } from './at-end.ts'
import { startFaultProxy } from './fault-proxy.ts'
import { createBook, keyOf, type Written } from './oracle-book.ts'
import { type Follower, startFollowing, startPager } from './oracle-followers.ts'
import { startSocketWatcher, startStreamWatcher, type View, type Watcher } from './oracle-watchers.ts'
import { HELD_PROJECT, seedRecords, writeAll } from './oracle-writers.ts'
import { randomOf } from './random.ts'
import { redisClient, startRedis } from './redis.ts'
import { waitFor } from './wait-for.ts'

export interface OracleOptions {
  seed: number
  commits: number
  /** How long one transaction stays open at least. */
  holdMs?: number
  /** Once all is quiet, a reader that has not come further for so long has come to its end. */
  deadlineMs?: number
  /** One of both nodes reads the log for the other, over a Redis to which the line fails again and again. */
  relay?: boolean
}

/** What is wrong, reader by reader: all empty in a run without fault. */
export interface Verdict {
  /** Between what writers were answered and what the log holds. */
  log: { unlogged: string[]; unwritten: string[]; importedChanges: number }
  /** Changes that a follower never got, got twice, or got though they never were. */
  followers: Record<
    string,
    { missed: string[]; doubled: string[]; invented: string[]; disordered: string[]; resets: number }
  >
  /** Records that a watcher holds in another version than SQL: `id: held/true`. */
  views: Record<string, string[]>
  /** Rolled-back or otherwise untrue versions that somebody received. */
  untrue: string[]
}

export interface OracleReport {
  verdict: Verdict
  figures: Record<string, number>
  /** Longest time from a commit to a reader that nobody disturbed, and to one that was cut off again and again. */
  worstLagMs: Record<'undisturbed' | 'disturbed', Record<string, number>>
}

/** What a clean verdict is, for these readers. */
export const isClean = ({ log, followers, views, untrue }: Verdict): boolean =>
  log.unlogged.length + log.unwritten.length + log.importedChanges + untrue.length === 0 &&
  Object.values(followers).every(
    ({ missed, doubled, invented, disordered, resets }) =>
      missed.length + doubled.length + invented.length + disordered.length + resets === 0,
  ) &&
  Object.values(views).every((wrong) => wrong.length === 0)

const LOGGED = `select split_part(table_name, '.', 2) as source, record_id as id, version, event,
  coalesce(tenant_id, '') as tenant, updated_by->>'kind' = 'import' as imported
  from noclobber.changes where seq > ? order by seq`

const TYPES: Record<string, string> = { tasks: 'task', projects: 'project', tags: 'tag' }

/** id → version as SQL has it, of what a view is of. */
const truthOf = async ({ sql }: TestApp, { of, held }: View): Promise<Map<string, number>> => {
  const [type = '', filter = ''] = of.split(':')
  const where = type === 'tag' ? 'true' : `tenant_id = 'acme'`
  const rows =
    type === 'records'
      ? await sql(
          `select * from (select 'task:' || id as id, version from tasks union all
             select 'project:' || id, version from projects) r where r.id = any(?)`,
          [[...held.keys()]],
        )
      : await sql(`select id, version from ${type}s where ${where} ${filter && `and ${filter}`}`)
  return new Map(rows.map(({ id, version }) => [String(id), Number(version)]))
}

const differences = async (app: TestApp, view: View): Promise<string[]> => {
  const truth = await truthOf(app, view)
  const ids = new Set([...truth.keys(), ...view.held.keys()])
  return [...ids].flatMap((id) => {
    const [has, is] = [view.held.get(id), truth.get(id)]
    return has === is ? [] : `${id}: ${has ?? 'none'}/${is ?? 'none'}`
  })
}

const doubledIn = (keys: string[]) => {
  const seen = new Set<string>()
  return keys.filter((key) => seen.has(key) || !seen.add(key))
}

/** Entries of one record that came in another order than that of its versions. */
const disorderedIn = (keys: string[]) => {
  const newest = new Map<string, number>()
  return keys.filter((key) => {
    const [type, id, version = ''] = key.split(' ')
    const record = `${type} ${id}`
    const isLater = Number(version.slice(1)) > (newest.get(record) ?? 0)
    newest.set(record, Number(version.slice(1)))
    return !isLater
  })
}

/** Runs it all once. */
export const runOracle = async (options: OracleOptions): Promise<OracleReport> => {
  const { seed, commits, holdMs = 0, deadlineMs = 20_000, relay = false } = options
  const random = randomOf(seed)
  const line = relay ? await startFaultProxy((await startRedis()).port) : null
  const linked = () => (line ? { relay, redis: redisClient(`redis://127.0.0.1:${line.port}`) as never } : {})
  const app = await startApp({ pool: { min: 0, max: 12 }, ...linked() })
  const far = await startApp({ database: app.database, limits: { pollMs: 200 }, ...linked() })
  await seedRecords(app)
  const [top] = await app.sql('select max(seq) as seq from noclobber.changes')
  const { cursor } = (await app.call('GET', '/changes')).body
  const book = createBook()
  const proxies = await Promise.all(
    [app, far].map(({ origin }) => startFaultProxy(Number(new URL(origin).port))),
  )
  const [near, shaky] = proxies as [(typeof proxies)[0], (typeof proxies)[0]]

  const program = startFollowing({ name: 'long polls', origin: app.origin, cursor, limit: 200 })
  const broken = startFollowing({
    name: 'cut off and restarted',
    origin: near.urlFor(app.origin).replace(/\/$/, ''),
    cursor,
    limit: 50,
  })
  const followers: Follower[] = [
    startPager(app, { name: 'pages of 7', origin: app.origin, cursor, limit: 7 }),
    program.follower,
    broken.follower,
    startFollowing({
      name: 'tasks alone, another node',
      origin: far.origin,
      cursor,
      types: ['task'],
      limit: 100,
    }).follower,
    startFollowing({ name: 'another tenant', origin: app.origin, cursor, as: 'gina', limit: 100 }).follower,
  ]
  const lists = ['task', 'project', 'tag']
  const scopes = ['task:project_id=1', 'task:project_id=2']
  const records = [`project:${HELD_PROJECT}`, ...Array.from({ length: 40 }, (_, at) => `task:${at + 1}`)]
  const watchers: Watcher[] = await Promise.all([
    startSocketWatcher(app, { name: 'socket', origin: app.origin, lists, records }),
    startSocketWatcher(app, { name: 'socket cut off', origin: near.urlFor(app.origin), lists, records }),
    startSocketWatcher(far, {
      name: 'socket cut off, another node',
      origin: shaky.urlFor(far.origin),
      lists: scopes,
      records,
    }),
    startStreamWatcher(app, { name: 'stream', origin: app.origin, lists }),
    startStreamWatcher(app, {
      name: 'stream cut off',
      origin: near.urlFor(app.origin).replace(/\/$/, ''),
      lists,
    }),
  ])

  for (const reader of [...followers, ...watchers]) atEnd(reader.stop)

  let isWriting = true
  const shake = async () => {
    for (let round = 0; isWriting; round += 1) {
      await pause(80 + random.below(250))
      for (const proxy of proxies) {
        const fault = random.pick(['cut', 'cut', 'slice', 'refuse', 'pass'] as const)
        if (fault === 'cut') proxy.cut()
        else proxy.set(fault)
      }
      if (round % 7 === 3) broken.restart()
      // Mostly there: what is held back comes late, all at once.
      if (random.below(4) === 0) line?.cut()
      line?.set(random.pick(['pass', 'pass', 'pass', 'slice', 'hole'] as const))
    }
    for (const proxy of [...proxies, ...(line ? [line] : [])]) proxy.set('pass')
  }
  const begun = performance.now()
  const shaking = shake()
  await writeAll(app, book, { seed, commits, holdMs }).finally(() => {
    isWriting = false
  })
  const seconds = (performance.now() - begun) / 1_000
  await shaking
  await mark(app, book.commit)

  const rows = await app.sql(LOGGED, [top.seq])
  const logged = rows.map(({ source, tenant, imported, ...row }) => ({
    key: keyOf({ ...row, type: TYPES[source] ?? source } as Written),
    tenant,
    imported,
  }))
  const wanted = new Map(
    followers.map((follower) => [
      follower,
      logged.filter(({ key, tenant }) => follower.sees(key, tenant)).map(({ key }) => key),
    ]),
  )
  const isComplete = (follower: Follower) => follower.seen.length >= (wanted.get(follower)?.length ?? 0)
  const views = watchers.flatMap((watcher) => watcher.views)
  const allAgree = async () => {
    if (!followers.every(isComplete) || !views.every((view) => view.isSettled())) return false
    for (const view of views) if ((await differences(app, view)).length > 0) return false
    return true
  }
  const progress = () =>
    followers.reduce((sum, { seen }) => sum + seen.length, 0) +
    watchers.reduce((sum, { received }) => sum + received.size, 0)
  for (let before = -1; progress() > before; ) {
    before = progress()
    const agreed = await waitFor(allAgree, { what: 'all readers to agree', deadlineMs }).catch(() => false)
    if (agreed) break
  }
  for (const reader of [...followers, ...watchers]) await reader.stop()

  const truth = new Set(logged.map(({ key }) => key))
  const written = new Set(book.keys())
  const imports = logged.filter(({ imported }) => imported)
  const verdict: Verdict = {
    log: {
      unlogged: [...written].filter((key) => !truth.has(key)),
      unwritten: logged.filter(({ key, imported }) => !imported && !written.has(key)).map(({ key }) => key),
      importedChanges: imports.length - book.figures.importedChanges,
    },
    followers: {},
    views: {},
    untrue: [],
  }
  for (const follower of followers) {
    const { seen } = follower
    const due = wanted.get(follower) as string[]
    const had = new Set(seen)
    verdict.followers[follower.name] = {
      missed: due.filter((key) => !had.has(key)),
      doubled: doubledIn(seen),
      invented: seen.filter((key) => !due.includes(key)),
      disordered: disorderedIn(seen),
      resets: follower.resets,
    }
  }
  for (const view of views) verdict.views[view.name] = await differences(app, view)
  const received = new Set([
    ...followers.flatMap(({ seen }) => seen),
    ...watchers.flatMap(({ received }) => [...received.keys()]),
  ])
  verdict.untrue = [...received].filter(
    (key) => !truth.has(key) || book.ghosts.has(key.split(' ').slice(0, 2).join(' ')),
  )

  const lags = (entries: Iterable<[string, number]>) => {
    let worst = 0
    for (const [key, at] of entries) worst = Math.max(worst, book.lagMs(key, at))
    return Math.round(worst)
  }
  const readers = [
    ...followers.map(({ name, seen, times }) => {
      const entries = seen.map((key, at): [string, number] => [key, times[at] as number])
      return { name, lag: lags(entries) }
    }),
    ...watchers.map(({ name, received }) => ({ name, lag: lags(received) })),
  ]
  const lagsOf = (disturbed: boolean) =>
    Object.fromEntries(
      readers
        .filter(({ name }) => name.includes('cut off') === disturbed)
        .map(({ name, lag }) => [name, lag]),
    )
  const worstLagMs = { undisturbed: lagsOf(false), disturbed: lagsOf(true) }
  const faults = [...followers, ...watchers].reduce((sum, reader) => sum + reader.faults, 0)
  return {
    verdict,
    figures: {
      ...book.figures,
      changes: logged.length,
      ghosts: book.ghosts.size,
      faults,
      reads: await readsOf(app),
      farReads: await readsOf(far),
      seconds: Math.round(seconds),
    },
    worstLagMs,
  }
}

/** How often a node has read the log by itself. */
const readsOf = async ({ records }: TestApp) =>
  Number(/^noclobber_log_reads_total (\d+)/m.exec(await records.metrics.text())?.[1])

/** One more change of each type, after everything: a follower that has it has read to the end. */
const mark = async ({ sql }: TestApp, commit: (changes: Written[]) => void) => {
  const made = [
    [
      'task',
      `insert into tasks (tenant_id, project_id, title) values ('acme', 1, 'end'), ('globex', 1, 'end')`,
    ],
    ['project', `insert into projects (tenant_id, name) values ('acme', 'end')`],
    ['tag', `insert into tags (id) values ('end')`],
  ] as const
  for (const [type, text] of made) {
    const rows = await sql(`${text} returning id, version`)
    commit(rows.map(({ id, version }) => ({ type, id, version, event: 'created' })))
  }
}
