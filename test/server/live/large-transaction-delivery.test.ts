// Large transactions: one event for lists whatever the size, an own event for anyone who has one of the records open, and
// nothing about records that a watcher may not read.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'

const MANY = 20_000

let app: TestApp
beforeAll(async () => {
  app = await startApp({ limits: { feedBatch: 200 } })
})

const insertTasks = (count: number, project = 1, tenant = 'acme') =>
  app.sql(
    `insert into tasks (tenant_id, project_id, title) select ?, ?, 'task ' || n from generate_series(1, ?) n returning id`,
    [tenant, project, count],
  )

describe('one statement over many records', () => {
  test('is one event to each list and an own one to each open editor, over many pages of the log', async () => {
    const rows = await insertTasks(MANY, 7)
    const [first, last] = [String(rows[0].id), String(rows.at(-1).id)]
    const editor = await app.socket()
    const list = await app.socket({ as: 'bob' })
    await editor.watch(['task', first], ['task', last])
    await list.watchList('task')
    await list.watchList('task', { project_id: '7' })
    for (const watcher of [editor, list]) {
      await watcher.flushed()
      watcher.received.length = 0
    }

    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const before = process.memoryUsage().heapUsed
    await app.sql(`update tasks set done = true where project_id = 7`)
    const event = await list.receives('RecordsImported')
    for (const id of [first, last]) {
      expect(await editor.receives('RecordUpdated', { id, version: 2 })).toMatchObject({
        type: 'task',
        changed_fields: ['done'],
        updated_by: { kind: 'database' },
      })
    }
    expect(event).toMatchObject({
      tenant_id: 'acme',
      type: 'task',
      scopes: [{}, { project_id: '7' }],
      count: MANY,
      updated_by: { kind: 'database' },
      tab_id: null,
    })
    delay.disable()
    expect(delay.max / 1e6).toBeLessThan(2_000)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(60e6)
    expect((await list.flushed()).map(({ name }) => name)).toEqual(['RecordsImported'])
    expect((await editor.flushed()).map(({ name }) => name)).toEqual(['RecordUpdated', 'RecordUpdated'])
  })

  test('leaves what else was committed between to be sent singly', async () => {
    const list = await app.socket()
    await list.watchList('task', { project_id: '20' })
    const projects = await app.socket()
    await projects.watchList('project')
    const [project] = await app.sql(
      `with many as (insert into tasks (tenant_id, project_id, title) select 'acme', 20, 't' from generate_series(1, 450))
       insert into projects (tenant_id, name) values ('acme', 'single') returning id`,
    )
    await app.sql(`insert into tasks (tenant_id, project_id, title) values ('acme', 20, 'one more')`)
    expect(await list.receives('RecordsImported')).toMatchObject({ count: 450 })
    await list.receives('RecordCreated', { type: 'task' })
    await projects.receives('RecordCreated', { id: String(project.id) })
    expect((await list.flushed()).map(({ name }) => name)).toEqual(['RecordsImported', 'RecordCreated'])
    expect((await projects.flushed()).map(({ name }) => name)).toEqual(['RecordCreated'])
  })

  test('is sent to each tenant with its own count', async () => {
    const acme = await app.socket()
    const globex = await app.socket({ as: 'gina' })
    await acme.watchList('task')
    await globex.watchList('task')
    await app.sql(`insert into tasks (tenant_id, project_id, title)
      select case when n % 10 = 0 then 'globex' else 'acme' end, 30, 't' from generate_series(1, 300) n`)
    expect(await acme.receives('RecordsImported')).toMatchObject({ tenant_id: 'acme', count: 270 })
    expect(await globex.receives('RecordsImported')).toMatchObject({ tenant_id: 'globex', count: 30 })
  })

  test('counts a record once, however often the transaction wrote it', async () => {
    const list = await app.socket()
    await list.watchList('task', { project_id: '40' })
    await insertTasks(60, 40)
    await list.receives('RecordsImported', { count: 60 })
    await app.knex.transaction(async (transaction) => {
      await transaction.raw(`update tasks set title = 'a' where project_id = 40`)
      await transaction.raw(`update tasks set title = 'b' where project_id = 40`)
    })
    await app.sql(`update tasks set title = 'c' where project_id = 40 and id % 2 = 0`)
    await list.receives('RecordUpdated')
    const counts = (await list.flushed()).filter(({ name }) => name === 'RecordsImported')
    expect(counts.map(({ event }) => event.count)).toEqual([60, 60])
  })

  test('names at most ten parents, and otherwise all lists', async () => {
    const list = await app.socket()
    await list.watchList('task', { project_id: '1007' })
    await app.sql(`insert into tasks (tenant_id, project_id, title)
      select 'acme', 1000 + n % 20, 't' from generate_series(1, 100) n`)
    expect(await list.receives('RecordsImported')).toMatchObject({ scopes: [{}], count: 100 })
  })

  test('moves rows between lists: both receive it', async () => {
    await insertTasks(80, 50)
    const from = await app.socket()
    const to = await app.socket()
    await from.watchList('task', { project_id: '50' })
    await to.watchList('task', { project_id: '51' })
    await from.flushed()
    await app.sql('update tasks set project_id = 51 where project_id = 50')
    await from.receives('RecordsImported', { count: 80 })
    await to.receives('RecordsImported', { count: 80 })
  })
})

describe('where permission depends on the record', () => {
  const insertNotes = (owner: string, count: number) =>
    app.sql(`insert into notes (tenant_id, owner) select 'acme', ?::text from generate_series(1, ?)`, [
      owner,
      count,
    ])

  test('a list watcher receives a large transaction only if they may read one of its records, and never how many', async () => {
    const alice = await app.socket()
    const bob = await app.socket({ as: 'bob' })
    await alice.watchList('note')
    await bob.watchList('note')
    await insertNotes('alice', 700)
    expect(await alice.receives('RecordsImported')).toMatchObject({ count: null, scopes: [{}] })
    expect(await bob.flushed()).toEqual([])
  })

  test('one readable record among many is enough, wherever it stands', async () => {
    const bob = await app.socket({ as: 'bob' })
    await bob.watchList('note')
    await bob.watchList('note', { owner: 'alice' })
    await app.sql(`insert into notes (tenant_id, owner)
      select 'acme', case when n = 1234 then 'bob' else 'alice' end from generate_series(1, 1400) n`)
    expect(await bob.receives('RecordsImported')).toMatchObject({ count: null, scopes: [{}] })
  })

  test('deleted records are authorized as they were', async () => {
    await app.sql('delete from notes')
    await insertNotes('alice', 100)
    const alice = await app.socket()
    const bob = await app.socket({ as: 'bob' })
    await alice.watchList('note')
    await bob.watchList('note')
    await alice.flushed()
    await bob.flushed()
    bob.received.length = 0
    await app.sql('delete from notes')
    await alice.receives('RecordsImported', { count: null })
    expect(await bob.flushed()).toEqual([])
  })

  test('who may read no record of a type at all receives nothing', async () => {
    const nobody = await app.socket({ as: 'nobody' })
    await nobody.watchList('task')
    await insertTasks(100, 60)
    expect((await nobody.flushed()).filter(({ event }) => event.type === 'task')).toEqual([])
  })
})
