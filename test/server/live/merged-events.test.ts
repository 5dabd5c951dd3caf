// What one transaction does to one record is one event, by every wire; the feed for programs has each change.
import { expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'
import { openStream } from '../../support/app-stream.ts'

const app = await startApp()

/** Runs these statements in one transaction, as SQL by hand. */
const inOne = (...statements: string[]) =>
  app.knex.transaction(async (transaction) => {
    for (const text of statements) await transaction.raw(text)
  })

/** A record's events; that it was made, before anybody watched, may arrive late. */
const eventsOf = (received: { name: string; event: { id?: string; version?: number } }[], id: string) =>
  received.filter(({ name, event }) => name.startsWith('Record') && event.id === id && event.version !== 1)

test('five updates in a transaction are one event with the last version and all fields', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const { cursor } = (await app.call('GET', '/changes')).body
  const [editor, list] = [await app.socket(), await app.socket()]
  await editor.watch(['project', id])
  await list.watchList('project')
  const stream = await openStream(app.origin, `record=project:${id}&list=project`)
  await inOne(
    `update projects set name = 'one' where id = ${id}`,
    `update projects set status = 'active' where id = ${id}`,
    `update projects set secret = 'unseen still' where id = ${id}`,
    `update projects set name = 'two', notes = 'x' where id = ${id}`,
    `update projects set name = 'three' where id = ${id}`,
  )
  const expected = { version: 6, previous_version: 1, changed_fields: ['name', 'status', 'notes'] }
  for (const watcher of [editor, list]) {
    expect(eventsOf(await watcher.flushed(), id)).toEqual([
      { name: 'RecordUpdated', event: expect.objectContaining(expected) },
    ])
  }
  expect(await stream.receives('RecordUpdated', { version: 6 })).toMatchObject(expected)
  expect(eventsOf(stream.received, id)).toHaveLength(1)
  const { data } = (await app.call('GET', `/changes?cursor=${cursor}&type=project`)).body
  expect(data.map(({ version }: { version: number }) => version)).toEqual([2, 3, 4, 5, 6])
})

test('each list that the record was in receives it, once', async () => {
  const { id } = await app.make('task', { project_id: 1, title: 'Move' })
  const lists = await Promise.all(['1', '2', '3'].map(() => app.socket()))
  for (const [at, list] of lists.entries()) await list.watchList('task', { project_id: `${at + 1}` })
  await inOne(
    `update tasks set project_id = 2 where id = ${id}`,
    `update tasks set project_id = 3 where id = ${id}`,
  )
  for (const list of lists)
    expect(eventsOf(await list.flushed(), id)).toMatchObject([{ event: { version: 3, previous_version: 1 } }])
})

let made = 9000
test('made and changed is made; changed and deleted is deleted; others of the transaction and of the record are their own', async () => {
  const { id: other } = await app.make('project', { name: 'Other' })
  const watcher = await app.socket()
  await watcher.watchList('project')
  await watcher.forget()
  made += 1
  await inOne(
    `insert into projects (id, tenant_id, name) values (${made}, 'acme', 'new')`,
    `update projects set notes = 'x' where id = ${other}`,
    `update projects set name = 'newer' where id = ${made}`,
  )
  // Who reads it later finds it deleted.
  await watcher.receives('RecordCreated', { id: String(made) })
  await inOne(`update projects set notes = 'y' where id = ${other}`)
  await inOne(
    `update projects set name = 'last' where id = ${made}`,
    `delete from projects where id = ${made}`,
  )
  const received = await watcher.flushed()
  expect(eventsOf(received, String(made))).toMatchObject([
    { name: 'RecordCreated', event: { version: 2, previous_version: 0 } },
    { name: 'RecordDeleted', event: { version: 4, previous_version: 2 } },
  ])
  const single = eventsOf(received, other)
  expect(single).toMatchObject([{ event: { version: 2 } }, { event: { version: 3 } }])
  expect(single.some(({ event }) => 'previous_version' in event)).toBe(false)
})
