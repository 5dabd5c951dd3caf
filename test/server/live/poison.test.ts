// Records that can't be authorized and rows of the log that can't be read: they cost themselves, and nobody else.

import { defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Person, startApp, TYPES } from '../../support/app.ts'

/** A tag whose label is "poison" can't be authorized. */
const tag = defineRecordType<Person>('tag', {
  table: 'tags',
  fields: { label: z.string() },
  can: (_actor, _action, { fields }) => {
    if (fields.label === 'poison') throw new Error('This tag can not be authorized.')
    return true
  },
})

const startWithPoison = async () => {
  const types = TYPES.map((type) => (type.name === 'tag' ? tag : type))
  const app = await startApp({ types: types as typeof TYPES })
  await app.sql(`insert into tags (id, label) values ('a', 'one'), ('b', 'poison'), ('c', 'three')`)
  return app
}

test('a list, and what became of it, leave out what can’t be authorized', {
  tags: 'fault:row-unreadable',
}, async () => {
  const app = await startWithPoison()
  const list = await app.call('GET', '/records/tag')
  expect(list.body.data.map(({ id }: { id: string }) => id)).toEqual(['a', 'c'])
  await app.sql(`update tags set label = label || '' where id = 'b'`)
  await app.sql(`update tags set label = 'poison' where id = 'a'`)
  await app.sql(`update tags set label = 'changed' where id = 'c'`)
  const { status, body } = await app.call('GET', `/records/tag?cursor=${list.body.cursor}`)
  expect([status, body.data.map(({ id }: { id: string }) => id), body.removed]).toEqual([200, ['c'], []])
})

test('a bulk edit refuses that record alone', async () => {
  const app = await startWithPoison()
  const records = ['a', 'b', 'c'].map((id) => ({ id, client_version: 1 }))
  const { status, body } = await app.call('PATCH', '/records/tag', {
    body: { changes: { label: 'all' }, records, on_stale: 'skip' },
  })
  expect(status).toBe(200)
  expect(body.data.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
    'saved',
    'not_found',
    'saved',
  ])
})

test('an import complains of that row alone', async () => {
  const app = await startWithPoison()
  const { status, body } = await app.call('POST', '/records/tag/import?key=id', {
    text: 'id,label\na,first\nb,second\nd,poison\n',
    headers: { 'content-type': 'text/csv' },
  })
  expect(status).toBe(422)
  expect(body.errors.map(({ line }: { line: number }) => line)).toEqual([4])
})

test('rows of the log that name no record of theirs stop neither events nor bulks nor lists', {
  tags: 'fault:row-unreadable',
}, async () => {
  const app = await startApp()
  const { id } = await app.make('task', { project_id: 1, title: 'first' })
  const watcher = await app.socket()
  const { cursor } = await watcher.watchList('task')
  await watcher.watch(['task', id])
  const poison = (count: number, importId: string | null) =>
    app.sql(
      `insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, scopes, updated_by, updated_at, import_id)
       select 'public.tasks', 'no number ' || n, -3, 'updated', 'acme', '{"project_id": "odd"}', '[]', now(), ?
       from generate_series(1, ?::int) n`,
      [importId, count],
    )
  await poison(1, null)
  await poison(2, 'by hand')
  await app.sql(`update tasks set title = 'second' where id = ?`, [id])
  expect(await watcher.receives('RecordUpdated', { id })).toMatchObject({ version: 2 })
  await app.sql(
    `insert into tasks (tenant_id, project_id, title) select 'acme', 1, 'many' from generate_series(1, 60)`,
  )
  expect(await watcher.receives('RecordsImported', { count: 60 })).toMatchObject({ type: 'task' })
  const delta = await app.call('GET', `/records/task?cursor=${cursor}&limit=500`)
  expect([delta.status, delta.body.data.length]).toEqual([200, 61])
  expect(watcher.received.filter(({ name }) => name === 'Resync')).toEqual([])
})

test('changes that can’t be read or sent cost nobody else their events', async () => {
  const app = await startApp()
  const task = await app.make('task', { project_id: 1, title: 'first' })
  const project = await app.make('project', { name: 'Bridge' })
  const watcher = await app.socket()
  await watcher.watch(['task', task.id], ['project', project.id])
  await app.sql('alter table tasks drop column done')
  await app.knex.transaction(async (transaction) => {
    await transaction.raw(`update tasks set title = 'unreadable' where id = ?`, [task.id])
    await transaction.raw(
      `insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, updated_by, updated_at)
       values ('public.projects', ?, 9, 'updated', 'acme', '7', 'infinity'), ('public.projects', ?, 8, 'odd', 'acme', '{}', '-infinity')`,
      [project.id, project.id],
    )
    await transaction.raw(`update projects set notes = 'sent' where id = ?`, [project.id])
  })
  expect(await watcher.receives('RecordUpdated', { id: project.id, version: 2 })).toMatchObject({
    version: 2,
  })
  await watcher.flushed()
  expect(watcher.received.filter(({ name }) => name === 'Resync')).toEqual([])
  expect(await app.records.metrics.text()).toMatch(/^noclobber_skipped_changes_total [1-9]/m)
})
