// The draft of a record that does not exist yet, on the real server: it outlives its page, is of one person, and a creation
// whose answer was lost is sent again and creates once.

import { createMemoryStorage, createOffline, type EditStorage } from 'noclobber/offline'
import { expect, test } from 'vitest'
import { waitFor } from '../../../support/wait-for.ts'
import { createTabs } from '../browser-tabs.ts'
import { type Project, startLiveServer } from '../live-server.ts'

const server = await startLiveServer()

/** Pages of one browser, of which none outlives its `close`. */
function createBrowser() {
  const tabs = createTabs()
  const storage: EditStorage = createMemoryStorage()
  return (person: string, isAnswered: () => boolean = () => true) => {
    const offline = createOffline({ storage, tabs })
    const lossy: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init)
      await answer.clone().arrayBuffer()
      if (init?.method === 'POST' && !isAnswered()) throw new TypeError('the answer was lost')
      return answer
    }
    const client = server.openTab(person, { offline, userId: () => person, fetch: lossy })
    const editor = client.editor<Project>('project', null, { initial: { status: 'planned', budget: null } })
    editor.subscribe(() => {})
    return { client, offline, editor, storage }
  }
}

const projectsNamed = async (name: string) =>
  (await server.sql(`select id, version from projects where name = '${name}'`)).rows

const ready = ({ editor }: ReturnType<ReturnType<typeof createBrowser>>) =>
  waitFor(() => editor.get().record, { what: 'the blank record' })

test('a draft outlives its page, for its owner alone', async () => {
  const open = createBrowser()
  const page = open('alice')
  await ready(page)
  page.editor.change('name', 'Ferry dock')
  await waitFor(async () => (await page.storage.all('alice')).length === 1, { what: 'the draft in storage' })
  page.client.close()

  const bobs = open('bob')
  await ready(bobs)
  expect(bobs.editor.values()).toEqual({ status: 'planned', budget: null })
  bobs.client.close()

  const next = open('alice')
  await waitFor(() => next.editor.values().name === 'Ferry dock', { what: 'the draft' })
  const outcome = await next.editor.save()
  expect(outcome).toMatchObject({ outcome: 'saved', record: { version: 1 } })
  await waitFor(async () => (await next.storage.all('alice')).length === 0, { what: 'nothing unsent' })
  expect(next.editor.get().draft).toEqual({})
  expect(await projectsNamed('Ferry dock')).toHaveLength(1)
})

test('a creation whose answer was lost is sent by the next page, and creates once', async () => {
  const open = createBrowser()
  const page = open('alice', () => false)
  await ready(page)
  page.editor.change('name', 'Lost dock')
  await page.editor.save()
  expect(page.editor.get()).toMatchObject({ status: 'offline', trouble: { isKept: true } })
  await waitFor(async () => (await projectsNamed('Lost dock')).length === 1, { what: 'it was written' })
  page.client.close()

  const next = open('alice')
  await waitFor(async () => (await next.storage.all('alice')).length === 0, { what: 'nothing unsent' })
  expect(next.editor.values()).toEqual({ status: 'planned', budget: null })
  expect(await projectsNamed('Lost dock')).toHaveLength(1)
})

test('what was typed during the creation is an edit of the created record', async () => {
  const page = createBrowser()('alice')
  await ready(page)
  page.editor.change('name', 'Quick dock')
  const saving = page.editor.save()
  page.editor.change('notes', 'by night')
  const saved = await saving
  const id = saved?.outcome === 'saved' ? saved.record.id : ''
  const created = page.client.editor<Project>('project', id)
  expect(created.get()).toMatchObject({ status: 'dirty', draft: { notes: 'by night' } })
  expect(await created.save()).toMatchObject({ outcome: 'saved', record: { version: 2 } })
})
