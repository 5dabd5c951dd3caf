// Changes of statements of many rows, sent and answered the same while they stand in batches, while they are moved into
// the log's rows, and afterwards.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import { doctor, pruneLog } from 'noclobber/server'
import { beforeAll, describe, expect, test } from 'vitest'
import { keepCompacted } from '../../../server/log/compaction.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { compacted, holdBatches } from '../../support/compaction.ts'
import { ofInterest } from '../../support/findings.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { waitFor } from '../../support/wait-for.ts'

const MANY = 2_500

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})

/** What one person follows from a cursor to the end, in pages; `between` happens after each. */
const follow = async (cursor: string, limit: number, between = async () => {}) => {
  const seen: string[] = []
  for (let at = cursor; ; ) {
    const { status, body } = await app.call('GET', `/changes?cursor=${at}&limit=${limit}`)
    expect([status, body.reset]).toEqual([200, undefined])
    seen.push(
      ...body.data.map(
        ({ type, id, version, changed_fields }: Record<string, unknown>) =>
          `${type} ${id} v${version} ${changed_fields}`,
      ),
    )
    at = body.cursor
    if (!body.more) return seen
    await between()
  }
}

const cursorNow = async () => (await app.call('GET', '/changes')).body.cursor as string
const batchesLeft = async () =>
  Number((await app.sql('select count(*) as count from noclobber.change_batches'))[0].count)

test('a follower gets each change once, in order, with its own fields, before, during and after the move', async () => {
  const release = await holdBatches(app)
  const start = await cursorNow()
  await app.sql(`insert into tasks (tenant_id, project_id, title)
    select case n % 5 when 0 then 'globex' else 'acme' end, n % 3, 'task ' || n from generate_series(1, ${MANY}) n`)
  await app.sql(`update tasks set done = true, title = case id % 2 when 0 then title else 'odd' end, project_id = 7
    where title like 'task %'`)
  await app.sql(`update tasks set title = 'once more' where project_id = 7 and id % 50 = 1`)
  expect(await batchesLeft()).toBeGreaterThan(6)
  const rows = await app.sql(`select id, version from tasks where tenant_id = 'acme' order by id`)
  expect(rows).toHaveLength(2_000)

  const held = await follow(start, 300)
  expect(held).toHaveLength(2_000 * 2 + rows.filter(({ version }) => Number(version) === 3).length)
  expect(new Set(held).size).toBe(held.length)
  for (const { id, version } of rows.slice(0, 200)) {
    const own = held.filter((entry) => entry.startsWith(`task ${id} `))
    const fields = Number(id) % 2 === 0 ? 'project_id,done' : 'project_id,title,done'
    const third = Number(version) === 3 ? [`task ${id} v3 title`] : []
    expect(own).toEqual([`task ${id} v1 `, `task ${id} v2 ${fields}`, ...third])
  }

  let isReleased = false
  const during = await follow(start, 90, async () => {
    if (!isReleased) await release()
    isReleased = true
  })
  expect(during).toEqual(held)
  await compacted(app)
  expect(await follow(start, 700)).toEqual(held)
  expect(
    await app.sql('select count(distinct seq) = count(*) as once from noclobber.record_changes'),
  ).toEqual([{ once: true }])
}, 60_000)

describe('while a change is in a batch', () => {
  test('a stale save gets its fields, a merge passes or not, and history shows it', async () => {
    await app.sql(
      `insert into projects (tenant_id, name) select 'acme', 'dam ' || n from generate_series(1, 100) n`,
    )
    await compacted(app)
    const [{ id }, { id: other }] = await app.sql(`select id from projects where name like 'dam %' limit 2`)
    const release = await holdBatches(app)
    await app.sql(`update projects set status = 'active' where name like 'dam %'`)
    const save = (changes: object, further = {}) =>
      app.call('PATCH', `/records/project/${id}`, { body: { client_version: 1, changes, ...further } })
    expect((await save({ name: 'Dam' })).body).toMatchObject({
      ...{ code: 'stale_record', current_version: 2, changed_fields: ['status'] },
      updated_by: { kind: 'database' },
    })
    expect((await save({ status: 'done' }, { on_stale: 'merge' })).status).toBe(409)
    expect((await save({ notes: 'Mine.' }, { on_stale: 'merge' })).body).toMatchObject({
      ...{ data: { version: 3 }, merged_fields: ['status'] },
    })
    const history = async (record: number) =>
      (await app.call('GET', `/records/project/${record}/history`)).body.data.map(
        ({ version, changed_fields }: Record<string, unknown>) => `${version} ${changed_fields}`,
      )
    expect(await history(id)).toEqual(['3 notes', '2 status', '1 '])
    const many = {
      changes: { notes: 'All of us.' },
      records: [{ id: String(other), client_version: 1 }],
      on_stale: 'skip',
    }
    expect((await app.call('PATCH', '/records/project', { body: many })).body.data).toMatchObject([
      { outcome: 'stale_record', changed_fields: ['status'] },
    ])
    await release()
    await compacted(app)
    expect(await history(id)).toEqual(['3 notes', '2 status', '1 '])
  })

  test('lists receive it once, open editors of their own record, and a list that watches again knows it is behind', async () => {
    await app.sql(
      `insert into tasks (tenant_id, project_id, title) select 'acme', 40, 't' from generate_series(1, 80)`,
    )
    await compacted(app)
    const [{ id }] = await app.sql('select min(id) as id from tasks where project_id = 40')
    const release = await holdBatches(app)
    const watcher = await app.socket()
    await watcher.watch(['task', String(id)])
    const list = await app.socket({ as: 'bob' })
    const { cursor } = await list.watchList('task', { project_id: '40' })
    await app.sql('update tasks set project_id = 41 where project_id = 40')
    expect(await watcher.receives('RecordUpdated', { id: String(id), version: 2 })).toMatchObject({
      changed_fields: ['project_id'],
    })
    expect(await list.receives('RecordsImported')).toMatchObject({
      ...{ count: 80, scopes: [{}, { project_id: '40' }, { project_id: '41' }] },
    })
    const again = await app.socket()
    const answers = await Promise.all(
      ['40', '41', '42'].map((project_id) =>
        again.socket.emitWithAck('watch', {
          records: [],
          lists: [{ type: 'task', scope: { project_id }, cursor }],
        }),
      ),
    )
    expect(answers.map(({ lists }) => lists[0].behind)).toEqual([true, true, false])
    await release()
    await compacted(app)
  })
})

test('a connection that never answers is given up, and the batches are put away over the next', async () => {
  const { url } = await freshDatabase()
  const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
  atEnd(() => knex.destroy())
  await knex.raw('create table crates (id integer primary key)')
  await trackTable(knex, 'crates')
  await knex.raw('insert into crates select n from generate_series(1, 200) n')

  const { port } = new URL(url)
  const lines: Socket[] = []
  const silent = createServer((near) => {
    lines.push(near)
    near.on('error', () => {})
    if (lines.length === 1) return
    const far = connect(Number(port), '127.0.0.1')
    far.on('error', () => near.destroy())
    near.pipe(far).pipe(near)
  }).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const own = new URL(url)
  own.port = String((silent.address() as AddressInfo).port)
  const behind = createKnex({ client: 'pg', connection: own.href, pool: { min: 0, max: 1 } })
  const warnings: unknown[] = []
  const log = { info: () => {}, warn: (what: unknown) => void warnings.push(what), error: () => {} }
  const compaction = keepCompacted({ knex: behind, log, timeoutMs: 300 })
  atEnd(async () => {
    await compaction.stop()
    await behind.destroy()
    for (const line of lines) line.destroy()
    silent.close()
  })
  const left = async () => (await knex.raw('select from noclobber.change_batches')).rowCount
  await waitFor(async () => (await left()) === 0, { what: 'the batch to be put away', deadlineMs: 15_000 })
  expect(warnings).toHaveLength(1)
}, 30_000)

test('what is rolled back leaves no batch', async () => {
  await compacted(app)
  const release = await holdBatches(app)
  await app.knex
    .transaction(async (transaction) => {
      await transaction.raw(
        `insert into tasks (tenant_id, project_id, title) select 'acme', 50, 't' from generate_series(1, 200)`,
      )
      throw new Error('no')
    })
    .catch(() => {})
  expect(await batchesLeft()).toBe(0)
  await release()
})

test('pruning without a node moves batches into the log, and deletes what is old of it', async () => {
  const { url } = await freshDatabase()
  const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 3 } })
  atEnd(() => knex.destroy())
  await knex.raw('create table parts (id text primary key, label text)')
  await trackTable(knex, 'parts')
  await knex.raw(`insert into parts select 'p' || n, 'x' from generate_series(1, ${MANY}) n`)
  const counts = async () =>
    (
      await knex.raw(`select (select count(*)::int from noclobber.change_batches) as batches,
      (select count(*)::int from noclobber.changes) as changes`)
    ).rows[0]
  expect(await counts()).toEqual({ batches: 3, changes: MANY })
  await knex.raw(`update noclobber.change_batches set updated_ats[1] = updated_ats[1] - interval '1 hour'`)
  expect(ofInterest((await doctor(knex)).findings)).toMatchObject([
    { code: 'changes_batched', level: 'note' },
  ])
  await pruneLog(knex)
  expect(await counts()).toEqual({ batches: 0, changes: MANY })
  expect((await doctor(knex)).findings.filter(({ level }) => level === 'problem')).toEqual([])
  await pruneLog(knex, { retentionMs: 0 })
  expect(await counts()).toEqual({ batches: 0, changes: 0 })
})

test('of a table of more than sixty columns each row’s own fields are sent', async () => {
  const { url } = await freshDatabase()
  const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
  atEnd(() => knex.destroy())
  const columns = Array.from({ length: 130 }, (_, at) => `c${at}`)
  await knex.raw(`create table wide (id uuid primary key default gen_random_uuid(), place integer, "a 'b'" json,
    ${columns.map((name) => `${name} integer`).join(', ')})`)
  await trackTable(knex, 'wide')
  await knex.raw('insert into wide (place) select n from generate_series(1, 60) n')
  await knex.raw(
    `update wide set c0 = place / 20, c59 = 1, c129 = case place when 7 then 2 end, "a 'b'" = '{}'`,
  )
  const { rows } = await knex.raw(`select changed_fields as fields, count(*)::int from noclobber.changes
    where event = 'updated' group by 1 order by 2`)
  expect(rows).toEqual([
    { fields: ["a 'b'", 'c0', 'c59', 'c129'], count: 1 },
    { fields: ["a 'b'", 'c0', 'c59'], count: 59 },
  ])
})
