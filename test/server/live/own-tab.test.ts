// Which tab wrote is sent to its own person's connections alone: anyone who knew it could hide their saves from that page by
// naming it. And nobody can keep an event from another's socket by naming that.
import { expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'
import { openStream } from '../../support/app-stream.ts'

const app = await startApp()
const TAB = { 'x-tab-id': 'tab-of-alice' }

/** Saves as this person, with these headers. */
const save = (type: string, id: string, version: number, as: string, headers: Record<string, string>) =>
  app.call('PATCH', `/records/${type}/${id}`, {
    ...{ as, headers },
    body: {
      client_version: version,
      changes: type === 'tag' ? { label: `${version}` } : { name: `${version}` },
    },
  })

test('an event names the tab to its person’s sockets and streams, and to nobody else', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const [alice, bob] = [await app.socket({ as: 'alice' }), await app.socket({ as: 'bob' })]
  for (const watcher of [alice, bob]) {
    await watcher.watch(['project', id])
    await watcher.watchList('project')
  }
  const streams = await Promise.all(
    ['alice', 'bob'].map((as) => openStream(app.origin, `?record=project:${id}&list=project`, { as })),
  )
  await save('project', id, 1, 'alice', TAB)
  expect((await alice.receives('RecordUpdated', { version: 2 })).tab_id).toBe('tab-of-alice')
  expect((await bob.receives('RecordUpdated', { version: 2 })).tab_id).toBe(null)
  const events = await Promise.all(streams.map((stream) => stream.receives('RecordUpdated', { version: 2 })))
  expect(events.map(({ tab_id }) => tab_id)).toEqual(['tab-of-alice', null])
  for (const watcher of [alice, bob])
    expect((await watcher.flushed()).filter(({ name }) => name === 'RecordUpdated')).toHaveLength(1)
})

test('the feed for programs names the tab to its person alone', async () => {
  const cursor = (await app.call('GET', '/changes')).body.cursor
  const { id } = await app.make('project', { name: 'Bridge' })
  await save('project', id, 1, 'alice', TAB)
  const of = async (as: string) =>
    (await app.call('GET', `/changes?cursor=${cursor}`, { as })).body.data.at(-1).tab_id
  expect([await of('alice'), await of('bob')]).toEqual(['tab-of-alice', null])
})

test('an import names the tab to its person alone', async () => {
  const [alice, bob] = [await app.socket({ as: 'alice' }), await app.socket({ as: 'bob' })]
  for (const watcher of [alice, bob]) await watcher.watchList('project')
  await app.call('POST', '/records/project/import', {
    text: 'name\nOne\n',
    headers: { ...TAB, 'content-type': 'text/csv' },
  })
  expect((await alice.receives('RecordsImported')).tab_id).toBe('tab-of-alice')
  expect((await bob.receives('RecordsImported')).tab_id).toBe(null)
})

test('of a type without tenants neither tab nor socket crosses to another tenant’s person of the same id', async () => {
  app.people.set('other', { id: 'alice', name: 'Another Alice', tenantId: 'globex', role: 'editor' })
  const { body } = await app.call('POST', '/records/tag', { body: { id: 'shared', fields: { label: '0' } } })
  const { id } = body.data
  const alice = await app.socket({ as: 'alice', tabId: 'tab-of-alice' })
  const other = await app.socket({ as: 'other', tabId: 'tab-of-other' })
  for (const watcher of [alice, other]) await watcher.watch(['tag', id])
  await save('tag', id, 1, 'alice', { ...TAB, 'x-socket-id': String(other.socket.id) })
  expect((await alice.receives('RecordUpdated', { version: 2 })).tab_id).toBe('tab-of-alice')
  expect((await other.receives('RecordUpdated', { version: 2 })).tab_id).toBe(null)
})
