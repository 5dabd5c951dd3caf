// Attacks on databases whose history goes back: failovers in a row and back again, in the middle of imports, bulk edits and decisions, with
// ids that are given anew, old cursors, old mutation ids, caches of other libraries, and a relay between the nodes.
import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { bindQueries, listQuery, recordQuery } from 'noclobber/tanstack-query'
import { afterAll, expect, test } from 'vitest'
import { createMemoryStorage, createOffline } from '../../web/client/offline/index.ts'
import { createRecordClient } from '../../web/client/record-client.ts'
import { createDevtools } from '../../web/devtools/devtools.ts'
import { startApp } from '../support/app.ts'
import { openStream } from '../support/app-stream.ts'
import { atEnd } from '../support/at-end.ts'
import { makeStandby } from '../support/clusters.ts'
import { caughtUp, type Project, startHistoryAttacks } from '../support/history-attacks.ts'
import { startPooler } from '../support/pooler.ts'
import { isWithout } from '../support/programs.ts'
import { waitFor } from '../support/wait-for.ts'
import { createTabs } from '../web/client/browser-tabs.ts'

const without = isWithout('postgresql') || isWithout('redis')
const attacks = without ? null : await startHistoryAttacks()
const attack = test.skipIf(without)
const world = attacks as NonNullable<typeof attacks>
afterAll(async () => {
  await Promise.all([attacks?.first.stop(), attacks?.second.stop()])
})

const make = (name = 'Bridge') => world.first.make('project', { name })
const patch = (id: string, client_version: number, changes: object, more: object = {}) =>
  [`/records/project/${id}`, { body: { client_version, changes, ...more } }] as const
const save = (app: typeof world.first, id: string, version: number, changes: object, more: object = {}) =>
  world.call(app, 'PATCH', ...patch(id, version, changes, more))

attack(
  'two failovers within five seconds, the second to a standby that never saw the first',
  { tags: 'fault:two-failovers' },
  async () => {
    const { first, second, standby, takeOver, openPages, right } = world
    const { id, version: made } = await make()
    const pages = await openPages(id)
    const [one, other] = [await standby(), await standby()]
    const lost = (await save(first, id, made, { name: 'lost by the first' })).body.data.version
    await right(id, pages)
    const before = await takeOver(one)
    const again = await save(second, id, made, { name: 'lost by the second' })
    expect(again.status).toBe(200)
    const lostToo = again.body.data.version
    expect(lostToo).not.toBe(lost)
    // Both standbys begin the same timeline of the same cluster.
    const gone = await takeOver(other)
    for (const version of [lost, lostToo])
      expect([version, (await save(first, id, version, { name: 'over what was lost' })).status]).toEqual([
        version,
        409,
      ])
    const last = await save(second, id, made, { notes: 'of the third history' })
    expect([last.status, [lost, lostToo].includes(last.body.data.version)]).toEqual([200, false])
    await right(id, pages)
    await Promise.all([before.remove(), gone.remove()])
  },
)

attack(
  'what was under way is done once: an import, a bulk edit, a restore, a decision',
  { tags: 'fault:failover-amid-writes' },
  async () => {
    const { first, second, standby, takeOver, call, place } = world
    const records = await Promise.all(Array.from({ length: 30 }, (_, at) => make(`bulk ${at}`)))
    const { id, version: made } = await make()
    const proposed = await first.call('POST', `/records/project/${id}/proposals`, {
      body: { client_version: made, changes: { notes: 'as proposed' } },
    })
    const next = await standby()
    const key = `import ${Math.random()}`
    const rows = Array.from({ length: 4_000 }, (_, at) =>
      JSON.stringify({ name: `row ${at} of ${key}` }),
    ).join('\n')
    const asked: [string, string, Parameters<typeof first.call>[2]][] = [
      [
        'POST',
        '/records/project/import?key=',
        { text: rows, headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': key } },
      ],
      [
        'PATCH',
        '/records/project',
        {
          body: {
            changes: { notes: 'in bulk' },
            records: records.map((record) => ({ id: record.id, client_version: record.version })),
            mutation_id: `bulk ${key}`,
          },
        },
      ],
      [
        'POST',
        `/records/project/${id}/proposals/${proposed.body.data.id}/accept`,
        { body: { client_version: made, mutation_id: `accept ${key}` } },
      ],
    ]
    /** Sent until there is an answer that is none of an outage, as each client does. */
    const sent = asked.map(([method, path, options], at) =>
      call(at % 2 ? first : second, method, path, options),
    )
    // With the first answer the others are under way.
    await Promise.race(sent)
    const before = await takeOver(next)
    const answers = await Promise.all(sent)
    // What was answered before may be lost; asked again it is done once, or is there.
    const again = await Promise.all(
      asked.map(([method, path, options]) => call(first, method, path, options)),
    )
    for (const answer of [...answers, ...again]) expect([200, 409], answer.text).toContain(answer.status)
    const count = async (sql: string) =>
      Number((await place.primary.sql(`select count(*) as n from ${sql}`))[0]?.n)
    expect(await count(`projects where name like '%${key}'`)).toBe(4_000)
    expect(await count(`projects where notes = 'in bulk'`)).toBe(30)
    expect(await count(`projects where id = ${id} and notes = 'as proposed'`)).toBe(1)
    expect(
      await count(
        `noclobber.changes c where c.table_name = 'public.projects' and c.record_id = '${id}' and c.event = 'updated'`,
      ),
    ).toBe(1)
    await before.remove()
  },
)

attack('a failover and back to the old primary, rewound', { tags: 'fault:failed-back' }, async () => {
  const { first, second, place, takeOver, openPages, right } = world
  const { id, version: made } = await make()
  const pages = await openPages(id)
  const old = place.primary
  const other = await old.baseBackup(true)
  await other.start()
  await caughtUp(old, other)
  await other.sql('alter system reset primary_conninfo')
  await other.sql('select pg_reload_conf()')
  const lost = (await save(first, id, made, { name: 'lost' })).body.data.version
  world.proxy.set('refuse')
  await old.stop()
  await other.sql('select pg_promote()')
  await other.sql('checkpoint')
  place.primary = other
  world.proxy.lead(other.port())
  world.proxy.set('pass')
  const kept = await save(second, id, made, { name: 'kept' })
  expect(kept.status).toBe(200)
  await right(id, pages)
  const { port, password } = new URL(other.url())
  await other.run('pg_rewind', [
    `--target-pgdata=${old.dir}`,
    `--source-server=host=127.0.0.1 port=${port} user=postgres password=${password} dbname=postgres`,
    '--no-sync',
  ])
  await makeStandby(old, other)
  await old.start()
  await caughtUp(other, old)
  await old.sql('alter system reset primary_conninfo')
  const before = await takeOver(old)
  expect((await save(first, id, lost, { name: 'over what was lost' })).status).toBe(409)
  const back = await save(first, id, kept.body.data.version, { name: 'failed back' })
  expect(back.status).toBe(200)
  await right(id, pages)
  await before.remove()
})

attack(
  'an id that is given anew: the page of the lost record neither shows it as its own nor saves into it',
  { tags: 'fault:id-given-anew' },
  async () => {
    const { first, second, place, standby, takeOver, openTab, right, open } = world
    const next = await standby()
    const tab = openTab(first, 'alice')
    const created = await tab.create<Project>('project', { name: 'Alice’s new bridge', notes: '' })
    if (created.outcome !== 'created') throw new Error(created.outcome)
    const { id } = created.record
    const editor = open(tab, id)
    await waitFor(() => editor.get().record, { what: 'the page' })
    editor.change('notes', 'typed for Alice’s bridge')
    await place.primary.sql(`select setval('projects_id_seq', ${id})`)
    const before = await takeOver(next)
    await place.primary.sql(`select setval('projects_id_seq', ${Number(id) - 1})`)
    const other = await world.call(second, 'POST', '/records/project', {
      as: 'bob',
      body: { fields: { name: 'Bob’s tunnel' } },
    })
    expect([other.status, other.body.data.id]).toEqual([201, id])
    // The page says that its record is lost, or shows the one that has its id now: with what was typed set aside or kept, never in it.
    await waitFor(() => editor.get().record?.fields.name !== 'Alice’s new bridge', {
      what: () => `the lost record to go: ${JSON.stringify(editor.get())}`,
      deadlineMs: 30_000,
    })
    const { record, kept, draft } = editor.get()
    expect([kept?.fields.notes, draft.notes]).toContain('typed for Alice’s bridge')
    if (record) await editor.save()
    const [row] = await place.primary.sql(`select name, notes from projects where id = ${id}`)
    expect(row).toEqual({ name: 'Bob’s tunnel', notes: '' })
    await waitFor(() => tab.lostSaves.get().some(({ what }) => what === 'creation'), {
      what: () => `the lost creation to be offered: ${JSON.stringify(tab.lostSaves.get())}`,
      deadlineMs: 30_000,
    })
    await right(id, [open(openTab(second, 'vera', { transports: [] }), id)])
    await before.remove()
  },
)

attack(
  'two tabs of one person, one of them offline, with a draft and a save that waits',
  { tags: 'fault:tabs-after-failover' },
  async () => {
    const { first, second, standby, takeOver, openTab, open, right, place } = world
    const { id } = await make()
    const [storage, tabs] = [createMemoryStorage(), createTabs()]
    const line = { isCut: false }
    const offline = () => createOffline({ storage, tabs })
    const [one, two] = [
      openTab(first, 'alice', { offline: offline() }),
      openTab(second, 'alice', {
        offline: offline(),
        transports: [],
        fetch: async (...asked) => {
          if (line.isCut) throw new TypeError('The line is cut.')
          return fetch(...asked)
        },
      }),
    ]
    const [mine, other] = [open(one, id), open(two, id)]
    await right(id, [mine, other])
    const next = await standby()
    mine.change('name', 'saved, and lost')
    expect(await mine.save()).toMatchObject({ outcome: 'saved' })
    await right(id, [mine, other])
    mine.change('notes', 'typed on what was lost')
    line.isCut = true
    other.change('notes', 'asked for offline')
    void other.save()
    await waitFor(() => other.get().unanswered ?? other.get().writing, { what: 'a save that waits' })
    const before = await takeOver(next)
    await waitFor(() => mine.get().kept?.fields.notes === 'typed on what was lost', {
      what: 'the draft to be set aside',
      deadlineMs: 30_000,
    })
    expect(mine.get().kept?.fields.name).toBe('saved, and lost')
    line.isCut = false
    // What waited was built on a version that is none any more: it is offered, or in the form, and nothing is overwritten by it.
    await waitFor(
      () => !other.get().writing && (other.get().kept ?? other.get().conflict ?? other.get().draft.notes),
      {
        what: () => `the other tab: ${JSON.stringify(other.get())}`,
        deadlineMs: 30_000,
      },
    )
    const [row] = await place.primary.sql(`select name, notes from projects where id = ${id}`)
    expect(row?.name).toBe('Bridge')
    mine.restore()
    expect(await mine.save()).toMatchObject({ outcome: 'saved' })
    const [now] = await place.primary.sql(`select name, notes from projects where id = ${id}`)
    expect(now).toEqual({ name: 'saved, and lost', notes: 'typed on what was lost' })
    await before.remove()
  },
)

attack(
  'caches of TanStack Query, the devtools, a program’s kept cursor and a stream’s last id',
  { tags: 'fault:caches-after-failover' },
  async () => {
    const { first, second, standby, takeOver, openTab, place } = world
    const { id, version: made } = await make()
    const client = openTab(first, 'alice')
    const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } })
    atEnd(bindQueries(client, cache))
    const record = new QueryObserver(cache, recordQuery<Project>(client, 'project', id))
    const list = new QueryObserver(cache, listQuery<Project>(client, 'project', { where: { id } as never }))
    for (const observer of [record, list]) atEnd((observer as typeof record).subscribe(() => {}))
    const options = { url: `${second.origin}/api/v1`, token: () => 'bob', userId: () => 'bob' }
    const devtools = createDevtools(createRecordClient, options)
    atEnd(() => devtools.client.close())
    const inspected = devtools.client.editor<Project>('project', id)
    atEnd(inspected.subscribe(() => {}))
    const shows = (name: string) => () =>
      record.getCurrentResult().data?.fields.name === name && inspected.get().record?.fields.name === name
    await waitFor(shows('Bridge'), { what: 'the caches' })
    const next = await standby()
    const saved = (await save(first, id, made, { name: 'Lost' })).body.data
    await waitFor(shows('Lost'), { what: 'what will be lost' })
    const cursor = (await first.call('GET', '/changes')).body.cursor
    const stream = await openStream(first.origin, `record=project:${id}`)
    await stream.receives('Watching')
    const after = stream.lastId()
    const before = await takeOver(next)
    await waitFor(shows('Bridge'), {
      what: () =>
        `the caches to go back: ${record.getCurrentResult().data?.fields.name}, ${inspected.get().record?.fields.name}`,
      deadlineMs: 30_000,
    })
    expect(
      cache.getQueryData<{ version: number }>(recordQuery(client, 'project', id).queryKey)?.version,
    ).toBe(made)
    expect(devtools.export()).toContain('history_changed')
    for (const node of [first, second]) {
      const kept = await world.call(node, 'GET', `/changes?cursor=${cursor}`)
      expect([kept.status, kept.body.reset]).toEqual([200, true])
      const delta = await world.call(node, 'GET', `/records/project?cursor=${cursor}`)
      expect([delta.status, delta.body.reset]).toEqual([200, true])
    }
    const resumed = await openStream(first.origin, `record=project:${id}`, { after })
    await resumed.receives('Resync')
    const etag = await world.call(first, 'GET', `/records/project/${id}`, {
      headers: { 'if-none-match': `"${saved.version}"` },
    })
    expect([etag.status, etag.body.data.fields.name]).toEqual([200, 'Bridge'])
    expect((await place.primary.sql(`select name from projects where id = ${id}`))[0]?.name).toBe('Bridge')
    await before.remove()
  },
)

attack(
  'a mutation that the lost history had answered is done again, once, and other content under its id is refused',
  async () => {
    const { first, second, standby, takeOver, call } = world
    const { id, version: made } = await make()
    const next = await standby()
    const key = `kept ${Math.random()}`
    const lost = await save(first, id, made, { name: 'once' }, { mutation_id: key })
    expect(lost.status).toBe(200)
    const before = await takeOver(next)
    const answers = await Promise.all(
      [first, second, first].map((app) => save(app, id, made, { name: 'once' }, { mutation_id: key })),
    )
    for (const answer of answers) expect(answer.text).toBe(answers[0]?.text)
    expect(answers[0]?.body.data.version).not.toBe(lost.body.data.version)
    const other = await save(second, id, made, { name: 'other' }, { mutation_id: key })
    expect(other.body.code).toBe('mutation_reused')
    const history = await call(first, 'GET', `/records/project/${id}/history`)
    expect(history.body.data).toHaveLength(2)
    await before.remove()
  },
)

attack(
  'a clock that is an hour behind on the new primary gives no version twice',
  { tags: 'fault:clock-behind' },
  async () => {
    const { first, second, place, standby, takeOver, openPages, right } = world
    const { id } = await make()
    const pages = await openPages(id)
    // The histories so far began by a clock an hour ahead of the one that the next server has.
    await place.primary.sql('update noclobber.version_base set floor_ms = floor_ms + 3600000')
    const given = new Set<number>()
    for (let round = 0; round < 3; round += 1) {
      const next = await standby()
      const { version } = (await world.call(first, 'GET', `/records/project/${id}`)).body.data
      const lost = await save(first, id, version, { name: `lost ${round}` })
      expect(given.has(lost.body.data.version)).toBe(false)
      given.add(lost.body.data.version)
      const before = await takeOver(next)
      for (const old of given)
        if (old !== version) expect((await save(second, id, old, { name: 'over it' })).status).toBe(409)
      await before.remove()
    }
    await right(id, pages)
  },
)

attack(
  'one table restored under the records that hang on it',
  { tags: 'fault:table-restored-alone' },
  async () => {
    const { first, second, place, archive, openPages, right, call } = world
    const { id, version: made } = await make()
    const dump = `${archive}/projects.dump`
    await place.primary.run('pg_dump', ['--format=custom', '--table=projects', '--file', dump])
    const pages = await openPages(id)
    const lost = (await save(first, id, made, { name: 'lost' })).body.data.version
    await right(id, pages)
    const task = await first.make('task', { project_id: Number(id), title: 'hangs on it' })
    const taskSaved = await call(first, 'PATCH', `/records/task/${task.id}`, {
      body: { client_version: task.version, changes: { done: true } },
    })
    await place.primary.run('pg_restore', [
      '--clean',
      '--if-exists',
      '--single-transaction',
      '--dbname=postgres',
      dump,
    ])
    await waitFor(
      async () => (await call(first, 'GET', `/records/project/${id}`)).body.data?.version === made,
      {
        what: 'the table to be back',
      },
    )
    expect((await save(second, id, lost, { name: 'over what was lost' })).status).toBe(409)
    const saved = await save(second, id, made, { name: 'of the restored table' })
    expect([saved.status, saved.body.data.version > lost]).toEqual([200, true])
    await right(id, pages)
    const again = await call(second, 'PATCH', `/records/task/${task.id}`, {
      body: { client_version: taskSaved.body.data.version, changes: { title: 'still guarded' } },
    })
    expect(again.status).toBe(200)
  },
)

test.skipIf(without || isWithout('pgbouncer'))(
  'behind a pooler that keeps its connections to the old primary, which goes on: nothing is overwritten, and it ends with that server',
  async () => {
    const { place, standby, proxy } = world
    const pooler = await startPooler({ poolSize: 2, before: proxy.urlFor(place.primary.url()) })
    const url = pooler.urlFor(place.primary.url())
    const app = await startApp({
      database: { url, name: 'postgres', drop: async () => {} },
      prepare: async () => {},
      pool: { max: 3 },
    })
    try {
      const { id, version: made } = await app.make('project', { name: 'Bridge' })
      const page = world.open(world.openTab(app, 'alice'), id)
      const old = place.primary
      const next = await standby()
      const lost = (await save(app, id, made, { name: 'lost' })).body.data.version
      await waitFor(() => page.get().record?.version === lost, { what: 'the page' })
      await next.sql('select pg_promote()')
      place.primary = next
      // What is there stays; only what is new leads to the new primary.
      proxy.next(next.port())
      const versions = new Set<number>()
      for (let round = 0; round < 20; round += 1) {
        const now = await app.call('GET', `/records/project/${id}`)
        if (now.status !== 200) continue
        const answer = await app.call(
          'PATCH',
          ...patch(id, now.body.data.version, { notes: `round ${round}` }),
        )
        if (answer.status !== 200) continue
        expect(versions.has(answer.body.data.version)).toBe(false)
        versions.add(answer.body.data.version)
      }
      await old.kill()
      expect((await save(app, id, lost, { name: 'over what was lost' })).status).toBe(409)
      const now = (await world.call(app, 'GET', `/records/project/${id}`)).body.data
      expect((await save(app, id, now.version, { name: 'kept' })).status).toBe(200)
      await world.right(id, [page])
      await old.remove()
    } finally {
      await app.stop()
    }
  },
)
