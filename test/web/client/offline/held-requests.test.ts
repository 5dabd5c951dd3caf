// No id of a record that is not on the server goes out, by any way: what names one is sent with the record's own id, or is held back
// until that is known, though a page has only just begun and another has found it.

import { createMemoryStorage, type EditStorage } from 'noclobber/offline'
import { expect, test } from 'vitest'
import type { CreatedId } from '../../../../web/client/offline/created-ids.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { type Note, type Project, startLiveServer } from '../live-server.ts'
import { createBrowser, idOf, isAllSent, online, type Page, unsentOf } from './browser.ts'

const server = await startLiveServer((app) => {
  app.post('/echo', (request, response) => {
    let body = ''
    request.on('data', (part) => {
      body += part
    })
    request.on('end', () => void response.json({ url: request.url, body }))
  })
})

const create = (page: Page, fields: Partial<Project>) =>
  page.offline.create<Project>('project', { status: 'planned', budget: null, ...fields })
const projectOf = async (name: string) =>
  (await server.sql(`select id::text from projects where name = '${name}'`)).rows[0]?.id
const notes = async (text: string) =>
  (await server.sql(`select project_id::text from notes where text = '${text}'`)).rows

/** What has gone out names nothing by an id of this device. */
const expectClean = ({ sent }: Page) => expect(sent.filter((text) => /%00|\\u0000|\0/.test(text))).toEqual([])

/** Storage of what new records have become, that answers when the gate is opened. */
function slowStorage() {
  const storage = createMemoryStorage<CreatedId>()
  const gate = { open: () => {}, isShut: false, waiting: Promise.resolve() }
  const shut = () => {
    gate.isShut = true
    gate.waiting = new Promise<void>((resolve) => {
      gate.open = () => {
        gate.isShut = false
        resolve()
      }
    })
  }
  const slow: EditStorage<CreatedId> = {
    ...storage,
    async all(person) {
      await gate.waiting
      return storage.all(person)
    },
  }
  return { storage: slow, gate, shut }
}

test('a page that has only just begun sends a child once it knows what its parent has become', async () => {
  const { storage, gate, shut } = slowStorage()
  const open = createBrowser(server, { created: storage })
  const page = open()
  page.network.state = 'down'
  const parent = idOf(await create(page, { name: 'Known late' }))
  await page.offline.create<Note>('note', { project_id: parent, text: 'child of one known late' })
  page.network.state = 'deaf'
  page.offline.retry()
  const id = await waitFor(() => projectOf('Known late'), { what: 'the parent' })
  page.client.close()
  const other = open()
  await isAllSent(other)
  await server.sql(`delete from notes where text = 'child of one known late'`)
  other.network.state = 'down'
  await other.offline.create<Note>('note', { project_id: parent, text: 'child of one known late, again' })
  other.client.close()

  shut()
  const next = open()
  const saved = next.client.create<Note>('note', { project_id: parent, text: 'by the client itself' })
  await waitFor(() => unsentOf(next).entries.length > 0, { what: 'what waits' })
  next.offline.retry()
  gate.open()
  expect(await saved).toMatchObject({ outcome: 'created' })
  await isAllSent(next)
  expect(await notes('child of one known late, again')).toEqual([{ project_id: id }])
  expect(await notes('by the client itself')).toEqual([{ project_id: id }])
  expectClean(next)
})

test('a request of the app is held back until then, and sent with the real id', async () => {
  const open = createBrowser(server)
  const [page, other] = [open(), open()]
  page.network.state = 'down'
  const parent = idOf(await create(page, { name: 'Of the app' }))
  const ask = ({ client }: Page, text = 'to be closed') =>
    client.fetch(`${server.url}/echo?of=${encodeURIComponent(parent)}`, {
      method: 'POST',
      body: JSON.stringify({ project: parent, text }),
    })
  await expect(ask(other)).rejects.toThrow('not on the server yet')
  const form = () =>
    other.client.fetch(`${server.url}/echo`, {
      method: 'POST',
      body: new URLSearchParams({ project: parent }),
    })
  await expect(form()).rejects.toThrow('not on the server yet')
  online(page)
  await isAllSent(page)
  const id = await projectOf('Of the app')
  const answer = await waitFor(() => ask(other).catch(() => null), { what: 'the answer' })
  expect(await answer.json()).toEqual({
    url: `/echo?of=${id}`,
    body: JSON.stringify({ project: id, text: 'to be closed' }),
  })
  expect(await (await form()).json()).toMatchObject({ body: `project=${id}` })
  expectClean(page)
})

test('a text that only looks like such an id is sent as it is', async () => {
  const page = createBrowser(server)()
  const name = `\\u0000${'0'.repeat(32)} %00${'0'.repeat(32)}`
  expect(await create(page, { name })).toMatchObject({ outcome: 'created', record: { fields: { name } } })
})

test('a page that is closed sends nothing more that it did not know', async () => {
  const open = createBrowser(server)
  const page = open()
  page.network.state = 'down'
  const parent = idOf(await create(page, { name: 'Closed' }))
  page.client.close()
  expect(
    await page.client.create<Note>('note', { project_id: parent, text: 'of a closed page' }),
  ).toMatchObject({
    outcome: 'unreachable',
  })
  expectClean(page)
})

test('lists, presence and streams of events name no such id either', async () => {
  const open = createBrowser(server)
  const page = open('alice', { transports: ['event_stream'] })
  page.network.state = 'down'
  const parent = idOf(await create(page, { name: '' }))
  page.network.state = 'up'
  const stops = [
    page.client.liveList('note', { scope: { project_id: parent } }).subscribe(() => {}),
    page.client.editor('project', parent).subscribe(() => {}),
    page.client.presence.announce({ type: 'project', id: parent }, { state: 'editing' }),
    page.client.liveList('project', {}).subscribe(() => {}),
  ]
  await waitFor(() => page.sent.some((text) => text.includes('/events?')), { what: 'the stream' })
  await waitFor(() => page.client.connection.get().status === 'live', { what: 'the connection' })
  for (const stop of stops) stop()
  expectClean(page)
})
