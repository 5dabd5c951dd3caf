// An event names the tab that wrote. A colleague who learned it can't hide their own saves from that page by naming it: that page
// alone is sent no tab then. And nobody can keep an event from another's socket by naming that.
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

test('an event names the tab that wrote to all who may receive it, by sockets and streams, once each', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const [alice, bob] = [await app.socket({ as: 'alice' }), await app.socket({ as: 'bob' })]
  for (const watcher of [alice, bob]) {
    await watcher.watch(['project', id])
    await watcher.watchList('project')
  }
  const streams = await Promise.all(
    ['alice', 'bob'].map((as) => openStream(app.origin, `record=project:${id}&list=project`, { as })),
  )
  await save('project', id, 1, 'alice', TAB)
  for (const watcher of [alice, bob])
    expect((await watcher.receives('RecordUpdated', { version: 2 })).tab_id).toBe('tab-of-alice')
  const events = await Promise.all(streams.map((stream) => stream.receives('RecordUpdated', { version: 2 })))
  expect(events.map(({ tab_id }) => tab_id)).toEqual(['tab-of-alice', 'tab-of-alice'])
  for (const watcher of [alice, bob])
    expect((await watcher.flushed()).filter(({ name }) => name === 'RecordUpdated')).toHaveLength(1)
})

test('a colleague who names another’s tab is not taken for that tab by its page', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const alice = await app.socket({ as: 'alice', tabId: 'tab-of-alice' })
  const vera = await app.socket({ as: 'vera', tabId: 'tab-of-vera' })
  for (const watcher of [alice, vera]) {
    await watcher.watch(['project', id])
    await watcher.watchList('project')
  }
  const stream = await openStream(app.origin, `record=project:${id}`, { as: 'alice', headers: TAB })
  await save('project', id, 1, 'bob', TAB)
  expect((await alice.receives('RecordUpdated', { version: 2 })).tab_id).toBe(null)
  expect((await stream.receives('RecordUpdated', { version: 2 })).tab_id).toBe(null)
  expect((await vera.receives('RecordUpdated', { version: 2 })).tab_id).toBe('tab-of-alice')
  expect((await alice.flushed()).filter(({ name }) => name === 'RecordUpdated')).toHaveLength(1)
  await app.call('POST', '/records/project/import', {
    ...{ as: 'bob', text: 'name\nOne\n' },
    headers: { ...TAB, 'content-type': 'text/csv' },
  })
  expect((await alice.receives('RecordsImported')).tab_id).toBe(null)
  expect((await vera.receives('RecordsImported')).tab_id).toBe('tab-of-alice')
})

test('the feed for programs names the tab; of a type without tenants to nobody', async () => {
  const cursor = (await app.call('GET', '/changes')).body.cursor
  const { id } = await app.make('project', { name: 'Bridge' })
  await save('project', id, 1, 'alice', TAB)
  const last = async (as: string) =>
    (await app.call('GET', `/changes?cursor=${cursor}`, { as })).body.data.at(-1)
  for (const as of ['alice', 'bob'])
    expect(await last(as)).toMatchObject({ type: 'project', tab_id: 'tab-of-alice' })
  await app.call('POST', '/records/tag', { body: { id: 'fed', fields: { label: '0' } } })
  await save('tag', 'fed', 1, 'alice', TAB)
  for (const as of ['alice', 'gina']) expect(await last(as)).toMatchObject({ id: 'fed', tab_id: null })
})

test('an import names the tab', async () => {
  const [alice, bob] = [await app.socket({ as: 'alice' }), await app.socket({ as: 'bob' })]
  for (const watcher of [alice, bob]) await watcher.watchList('project')
  await app.call('POST', '/records/project/import', {
    text: 'name\nOne\n',
    headers: { ...TAB, 'content-type': 'text/csv' },
  })
  for (const watcher of [alice, bob])
    expect((await watcher.receives('RecordsImported')).tab_id).toBe('tab-of-alice')
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
