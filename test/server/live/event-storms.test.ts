// A record that a program changes many times a second: its watchers get the first changes at once and the rest as one event a second,
// by every wire; the feed for programs has each change.
import { beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import type { Received } from '../../support/app-socket.ts'
import { openStream } from '../../support/app-stream.ts'

const CHANGES = 40
const AT_ONCE = 5

let app: TestApp
/** A node that makes each change an event. */
let plain: TestApp

beforeAll(async () => {
  app = await startApp({ limits: { eventsPerRecord: AT_ONCE } })
  plain = await startApp({ database: app.database, limits: { eventsPerRecord: Number.POSITIVE_INFINITY } })
})

interface Event {
  id: string
  version: number
  previous_version?: number
  changed_fields: string[]
}

const eventsOf = (received: Received[], id: string): Event[] =>
  received.flatMap(({ name, event }) =>
    name.startsWith('Record') && event.id === id && event.version > 1 ? [event] : [],
  )

/** Each event stands for the versions from the one before it on: none is missing. */
const isWhole = (events: Event[], first: number, last: number) => {
  let at = first
  for (const { version, previous_version: before = version - 1 } of events) {
    expect(before).toBe(at)
    at = version
  }
  expect(at).toBe(last)
}

/** Changes it as fast as the database does, each time in a transaction of its own. */
const storm = async (id: string, times = CHANGES) => {
  for (let n = 0; n < times; n += 1) {
    const field = n % 2 === 0 ? 'name' : 'notes'
    await app.sql(`update projects set ${field} = ? where id = ?`, [`value ${n}`, id])
  }
}

test('a storm is few events, with the last version and all fields, on sockets, streams and lists', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const { cursor } = (await app.call('GET', '/changes')).body
  const [editor, list, each] = [await app.socket(), await app.socket(), await plain.socket()]
  await editor.watch(['project', id])
  await list.watchList('project')
  await each.watch(['project', id])
  const stream = await openStream(app.origin, `record=project:${id}&list=project`)
  await stream.receives('Watching')
  for (const watcher of [editor, list, each]) await watcher.forget()
  await storm(id)
  const version = CHANGES + 1
  for (const watcher of [editor, list]) {
    await watcher.receives('RecordUpdated', { version })
    const events = eventsOf(watcher.received, id)
    isWhole(events, 1, version)
    expect(events.length).toBeGreaterThan(1)
    expect(events.length).toBeLessThan(CHANGES / 2)
    expect(events.at(-1)?.changed_fields.sort()).toEqual(['name', 'notes'])
  }
  await stream.receives('RecordUpdated', { version })
  expect(eventsOf(stream.received, id).length).toBeLessThan(CHANGES / 2)
  await each.receives('RecordUpdated', { version })
  expect(eventsOf(each.received, id)).toHaveLength(CHANGES)
  const { data } = (await app.call('GET', `/changes?cursor=${cursor}&type=project`)).body
  expect(data.filter((change: Event) => change.id === String(id))).toHaveLength(CHANGES)
})

test('saves of this node, which go out ahead of the feed, are as few', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const editor = await app.socket()
  await editor.watch(['project', id])
  await editor.forget()
  for (let version = 1; version <= CHANGES; version += 1)
    await app.call('PATCH', `/records/project/${id}`, {
      body: { client_version: version, changes: { name: `by a page ${version}` } },
      as: 'bob',
    })
  await editor.receives('RecordUpdated', { version: CHANGES + 1 })
  const events = eventsOf(editor.received, id)
  isWhole(events, 1, CHANGES + 1)
  expect(events.length).toBeLessThan(CHANGES / 2)
})

test('who changes a record by hand in the midst of a storm is named', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const editor = await app.socket()
  await editor.watch(['project', id])
  await editor.forget()
  await storm(id, 20)
  const saved = await app.call('PATCH', `/records/project/${id}`, {
    body: { client_version: 21, changes: { status: 'active' } },
    as: 'bob',
  })
  expect(saved.status).toBe(200)
  await storm(id, 20)
  await editor.receives('RecordUpdated', { version: 42 })
  const events = editor.received.filter(({ event }) => event?.id === String(id)).map(({ event }) => event)
  isWhole(events, 1, 42)
  const byBob = events.filter(({ updated_by: by }) => by.id === 'bob')
  expect(byBob).toMatchObject([{ version: 22, changed_fields: ['status'] }])
})

test('a deletion is not held, and stands for what was', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const editor = await app.socket()
  await editor.watch(['project', id])
  await editor.forget()
  await storm(id, 20)
  await app.sql('delete from projects where id = ?', [id])
  await editor.receives('RecordDeleted', { id: String(id) })
  const events = eventsOf(await editor.flushed(), id)
  expect(events.length).toBeLessThan(20)
  expect(events.at(-1)?.version).toBe(22)
})

test('a stream that is cut while something is held gets it when it comes back', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const stream = await openStream(app.origin, `record=project:${id}`)
  await stream.receives('Watching')
  await storm(id, 20)
  // That it was made may come now, and counts as one.
  await stream.receives('RecordUpdated', { version: AT_ONCE })
  const after = stream.lastId()
  stream.cut()
  const seen = eventsOf(stream.received, id).at(-1)?.version ?? 1
  const again = await openStream(app.origin, `record=project:${id}`, { after })
  if (seen < 21) await again.receives('RecordUpdated', { version: 21 })
})

test('many versions of one transaction are one of the events of a second', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const editor = await app.socket()
  await editor.watch(['project', id])
  await editor.forget()
  await app.knex.transaction(async (transaction) => {
    for (let n = 0; n < 20; n += 1)
      await transaction.raw('update projects set name = ? where id = ?', [`step ${n}`, id])
  })
  const received = eventsOf(await editor.flushed(), id)
  expect(received).toMatchObject([{ version: 21, previous_version: 1 }])
})
