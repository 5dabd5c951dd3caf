// The database's history goes back on real servers: promotion of a standby that lags, a split brain, a data folder rolled back, a
// crash with synchronous_commit = off, recovery to a point in time. Nobody saves over what they never saw, nobody is let in by a
// row that was lost, every commit of the new history arrives, and pages come out of it.

import { Redis } from 'ioredis'
import { afterAll, expect, test } from 'vitest'
import { migrate } from '../../migrations/index.ts'
import { runCommand } from '../../server/cli/run.ts'
import { followChanges } from '../../web/client/http/follow-changes.ts'
import { bannerFor } from '../../web/client/record/banner.ts'
import { createRecordClient } from '../../web/client/record-client.ts'
import type { RecordClientOptions } from '../../web/client/record-client-options.ts'
import { createWords } from '../../web/client/words/messages.ts'
import { type AppOptions, startApp, type TestApp, trackTables } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'
import { createFastClock } from '../support/clocks.ts'
import { makeStandby, startCluster, type TestCluster } from '../support/clusters.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { startRedis } from '../support/redis.ts'
import { withKnex } from '../support/restore.ts'
import { waitFor } from '../support/wait-for.ts'

const first = await startCluster()
await withKnex(first.url(), async (knex) => {
  await migrate(knex)
  await trackTables(knex)
})
let primary: TestCluster = first
const proxy = await startFaultProxy(first.port())
const redis = await startRedis()
const redisClient = () => {
  const client = new Redis(redis.url)
  client.on('error', () => {})
  atEnd(() => client.disconnect())
  return client
}
const nodeOn = (url: string, ownRedis?: AppOptions['redis']) =>
  startApp({
    ...(ownRedis && { redis: ownRedis }),
    databaseUrl: url,
    database: { url, name: 'postgres', drop: async () => {} },
    awaitStart: false,
  })
const app = await nodeOn(proxy.urlFor(first.url()))
const other = await nodeOn(proxy.urlFor(first.url()))
await Promise.all([app.records.start(), other.records.start()])

const words = createWords()
const hurried = createFastClock()

const openTab = (node: TestApp, person: string, options: RecordClientOptions = {}) => {
  const client = createRecordClient({
    url: `${node.origin}/api/v1`,
    token: () => person,
    userId: () => person,
    clock: hurried,
    ...options,
  })
  atEnd(() => client.close())
  return client
}

interface Project {
  name: string
  status: string
}

const save = (node: TestApp, id: string, client_version: number, changes: object, as = 'bob') =>
  node.call('PATCH', `/records/project/${id}`, { as, body: { client_version, changes } })

/** A save, sent until the database is back. */
const saveOnceBack = (
  node: TestApp,
  ...rest: Parameters<typeof save> extends [TestApp, ...infer R] ? R : never
) =>
  waitFor(
    async () => {
      const answer = await save(node, ...rest).catch(() => null)
      return answer && answer.status !== 503 ? answer : null
    },
    { what: 'the database to be back', deadlineMs: 60_000 },
  )

const sentence = (editor: { get(): never }) =>
  bannerFor(editor.get(), Date.now(), words)
    ?.parts.map(({ text }) => text)
    .join('')

/** Somebody who watches in every way; what is lost is saved by Alice, on the screen of all. */
const watchers = async () => {
  const { id, version: made } = await app.make('project', { name: 'Bridge' })
  const tabs = [
    openTab(app, 'alice'),
    openTab(other, 'bob'),
    openTab(app, 'bob', { transports: ['event_stream'] } as never),
    openTab(other, 'vera', { transports: [] } as never),
  ]
  const editors = tabs.map((tab) => {
    const editor = tab.editor<Project>('project', id)
    atEnd(editor.subscribe(() => {}))
    return editor
  })
  const list = (tabs[1] as (typeof tabs)[0]).liveList('project')
  atEnd(list.subscribe(() => {}))
  const followed = new Map<string, number>([[id, made]])
  const following = followChanges({
    url: `${app.origin}/api/v1`,
    token: () => 'alice',
    types: ['project'],
    onReset: async () => {
      followed.clear()
      const { body } = await app.call('GET', '/records/project?limit=1000')
      for (const record of body.data) followed.set(record.id, record.version)
    },
  })
  atEnd(following.stop)
  void (async () => {
    for await (const { changes } of following) for (const each of changes) followed.set(each.id, each.version)
  })().catch(() => {})
  await waitFor(() => editors.every((editor) => editor.get().record), { what: 'the editors' })
  const shows = (version: number) =>
    waitFor(
      () =>
        editors.every((editor) => editor.get().record?.version === version) &&
        list.get().byId.get(id)?.version === version &&
        followed.get(id) === version,
      {
        what: () =>
          `everybody at ${version}: ${editors.map((editor) => `${editor.get().status} ${editor.get().record?.version}`)}, list ${list.get().byId.get(id)?.version}, follower ${followed.get(id)}`,
        deadlineMs: 30_000,
      },
    )
  return { id, made, editors, shows, list, alice: editors[0] as (typeof editors)[0] }
}

/** Alice saves what `lose` makes the database lose; then Dora's save takes the same place in the new history. */
const loses = async (lose: (saveLost: () => Promise<number>) => Promise<void>) => {
  const { id, made, shows, alice, editors } = await watchers()
  await shows(made)
  let lost = 0
  await lose(async () => {
    alice.change('name', 'Lost')
    const outcome = await alice.save()
    expect(outcome).toMatchObject({ outcome: 'saved' })
    lost = alice.get().record?.version as number
    await shows(lost)
    return lost
  })
  const stale = await saveOnceBack(app, id, lost, { name: 'over the lost one' })
  expect([stale.status, stale.body.current_version < lost]).toEqual([409, true])
  const dora = await save(other, id, stale.body.current_version, { status: 'done' })
  expect(dora.status).toBe(200)
  const { version } = dora.body.data
  expect(version).toBeGreaterThan(10_000)
  await shows(version)
  for (const editor of editors) expect(editor.values()).toMatchObject({ name: 'Bridge', status: 'done' })
  await waitFor(() => sentence(alice as never)?.includes('Your saved change to Name from'), {
    what: () => `Alice’s banner, was: ${sentence(alice as never)}`,
  })
  alice.restore()
  await expect(alice.save()).resolves.toMatchObject({ outcome: 'saved' })
  const restored = alice.get().record?.version as number
  expect(restored).toBeGreaterThan(version)
  await shows(restored)
  const again = await save(app, id, lost, { name: 'over the lost one' })
  expect(again.status).toBe(409)
  return { id, lost, version }
}

test('a data folder that is rolled back', { tags: 'fault:folder-rolled-back' }, async () => {
  await loses(async (saveLost) => {
    await primary.stop()
    const saved = await primary.copy()
    await primary.start()
    await saveLost()
    await primary.stop()
    await primary.become(saved)
    await primary.start()
  })
})

test('a crash with synchronous_commit = off', { tags: 'fault:crash-without-wal' }, async () => {
  await primary.sql(`alter system set synchronous_commit = off`)
  await primary.sql('select pg_reload_conf()')
  await loses(async (saveLost) => {
    await primary.sql('checkpoint')
    await saveLost()
    await primary.kill()
    await primary.start()
  })
  await primary.sql(`alter system reset synchronous_commit`)
  await primary.sql('select pg_reload_conf()')
})

test('two crashes before a node is back', { tags: ['fault:two-crashes-unseen', 'full'] }, async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  proxy.set('refuse')
  const inSession = (work: (sql: (text: string) => Promise<{ version: string }[]>) => Promise<void>) =>
    withKnex(primary.url(), (knex) => work(async (text) => (await knex.raw(text)).rows))
  await primary.sql(`alter system set synchronous_commit = off`)
  // The floor is ahead of the clock, as where the clock was set back.
  await primary.sql('update noclobber.version_base set floor_ms = floor_ms + 1e9')
  await primary.sql('checkpoint')
  let last = 0
  for (let history = 0; history < 3; history += 1) {
    await primary.kill()
    await primary.start()
    await inSession(async (sql) => {
      const save = async (name: string) => {
        const [row] = await sql(
          `update projects set name = '${name} ${history}' where id = ${id} returning version`,
        )
        return Number(row?.version)
      }
      expect(await save('seen')).toBeGreaterThan(last)
      last = await save('seen, and lost')
    })
  }
  await primary.sql(`alter system reset synchronous_commit`)
  await primary.sql('select pg_reload_conf()')
  proxy.set('pass')
  // Nothing was lost after it.
  expect((await saveOnceBack(app, id, last, { name: 'Bridge' })).status).toBe(200)
})

test('a standby that lags is promoted, and the old primary goes on', {
  tags: ['fault:lagging-standby-promoted', 'full'],
}, async () => {
  await primary.stop()
  const standby = await primary.copy()
  await primary.start()
  await makeStandby(standby, primary)
  await standby.start()
  const onStandby = await nodeOn(standby.url())
  const refused = await onStandby.call('GET', '/records/project')
  expect([refused.status, refused.body.code]).toEqual([503, 'unavailable'])
  const health = await onStandby.records.health()
  expect([health.status, health.checks.database.detail]).toEqual([
    'unavailable',
    expect.stringContaining('read-only standby'),
  ])
  await onStandby.stop()
  const old = primary
  await loses(async (saveLost) => {
    const isThere = async () =>
      (await standby.sql('select max(id) as id from projects'))[0]?.id ===
      (await primary.sql('select max(id) as id from projects'))[0]?.id
    await waitFor(isThere, { what: 'the standby' })
    await standby.stop()
    await saveLost()
    proxy.set('refuse')
    await standby.set("primary_conninfo = ''")
    await standby.start()
    await standby.sql('select pg_promote()')
    primary = standby
    proxy.lead(standby.port())
    proxy.set('pass')
  })
  // What the old primary still takes is no version of the new history, and its nodes end with the first message of another.
  const beside = await nodeOn(old.url(), redisClient)
  await beside.records.start()
  const { version: there } = (await beside.make('project', { name: 'on the old one' })) as { version: number }
  const { version: here } = (await app.make('project', { name: 'on the new one' })) as { version: number }
  expect(there).not.toBe(here)
  const onNew = await nodeOn(primary.url(), redisClient)
  await onNew.records.start()
  await onNew.call('GET', '/records/project')
  await waitFor(async () => (await beside.call('GET', '/records/project')).status === 503, {
    what: 'the node of the old primary to refuse',
  })
  const said = (await beside.records.health()).checks.database
  expect([said.ok, said.detail]).toEqual([false, expect.stringContaining('replaced by another primary')])
  expect((await onNew.call('GET', '/records/project')).status).toBe(200)
  await Promise.all([beside.stop(), onNew.stop()])
  await old.stop()
})

test('the command for what no program can see raises the versions of sessions that go on', async () => {
  const { id, version } = await app.make('project', { name: 'Bridge' })
  const before = (await app.call('GET', '/changes')).body.cursor
  const out: string[] = []
  const terminal = {
    out: (line: string) => out.push(line),
    err: (line: string) => out.push(line),
    env: {},
    cwd: '.',
  }
  const exitCode = await runCommand(['restored', '--database', primary.url()], {
    ...terminal,
    signal: new AbortController().signal,
  } as never)
  expect([exitCode, out]).toEqual([0, [expect.stringContaining('A new history has begun')]])
  const saved = await save(app, id, version, { name: 'Tunnel' })
  expect(saved.status).toBe(200)
  expect(saved.body.data.version).toBeGreaterThan(version + 1)
  expect((await app.call('GET', `/changes?cursor=${before}`)).body.reset).toBe(true)
})

test('a transaction that is prepared passes where it notifies nobody', async () => {
  const id = (await app.make('project', { name: 'Bridge' })).id
  const prepared = (setting: string) =>
    primary.sql(`begin; set local noclobber.notify = '${setting}'; update projects set name = 'prepared' where id = ${id};
      prepare transaction 'of ${setting}'`)
  await expect(prepared('on')).rejects.toThrow('NOTIFY')
  await prepared('off')
  await primary.sql(`commit prepared 'of off'`)
  expect((await app.call('GET', `/records/project/${id}`)).body.data.fields.name).toBe('prepared')
})

afterAll(async () => {
  await Promise.all([app.stop(), other.stop()])
})
