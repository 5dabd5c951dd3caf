// A browser whose storage, locks or messages are missing, throw, are full or never answer: records load, saves pass, what
// waits is sent, and what is kept in the tab alone is said.

import { createMemoryStorage, createOffline, type EditStorage, type Tabs } from 'noclobber/offline'
import { expect, onTestFinished, test } from 'vitest'
import { waitFor } from '../../../support/wait-for.ts'
import { type Project, startLiveServer } from '../live-server.ts'

const server = await startLiveServer()
const never = () => new Promise<never>(() => {})
const throwing = () => {
  throw new Error('not allowed')
}
const full = () => {
  throw new DOMException('no room', 'QuotaExceededError')
}
const failing = (fail: () => never | Promise<never>): EditStorage => ({
  all: fail,
  put: fail,
  remove: fail,
  claim: fail,
})
const goodTabs: Tabs = {
  enter: () => () => {},
  alive: async () => null,
  alone: (_task, work) => work(),
  notify: () => {},
  onChange: () => () => {},
}

const STORAGES: [string, () => EditStorage, string][] = [
  ['never answers', () => failing(never), 'barred'],
  ['throws', () => failing(throwing), 'barred'],
  ['is full', () => ({ ...createMemoryStorage(), put: full }), 'full'],
  ['dies after the first read', () => ({ ...failing(throwing), all: async () => [] }), 'barred'],
]
const TABS: [string, Tabs][] = [
  ['answer nothing', { ...goodTabs, alive: never, alone: never }],
  [
    'throw',
    { ...goodTabs, enter: throwing, alive: throwing, alone: throwing, notify: throwing, onChange: throwing },
  ],
]

function openPage(storage: EditStorage, tabs: Tabs) {
  const offline = createOffline({ storage, tabs })
  let isDown = false
  const client = server.openTab('alice', {
    offline,
    userId: () => 'alice',
    fetch: (input, init) => (isDown ? Promise.reject(new TypeError('no network')) : fetch(input, init)),
  })
  const cut = (down: boolean) => {
    isDown = down
  }
  return { client, offline, cut }
}

async function editedOffline({ client, cut }: ReturnType<typeof openPage>) {
  const id = await server.createProject()
  const editor = client.editor<Project>('project', id)
  onTestFinished(editor.subscribe(() => {}))
  await waitFor(() => editor.get().record, { what: 'the record' })
  editor.change('name', 'Tunnel')
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved' })
  cut(true)
  editor.change('name', 'Ferry')
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'unreachable' })
  return editor
}

test.each(STORAGES)('storage that %s stands in no way', async (_what, storage, shown) => {
  const page = openPage(storage(), goodTabs)
  const editor = await editedOffline(page)
  await waitFor(() => page.offline.unsent.get().storage === shown, { what: 'the sentence' })
  expect(editor.get().trouble).toMatchObject({ kind: 'unreachable', isKept: false })
  page.cut(false)
  page.offline.retry()
  await waitFor(() => editor.get().record?.fields.name === 'Ferry', { what: 'the save that waited' })
})

test.each(TABS)('locks and messages between tabs that %s stand in no way', async (_what, tabs) => {
  const page = openPage(createMemoryStorage(), tabs)
  const editor = await editedOffline(page)
  page.cut(false)
  page.offline.retry()
  await waitFor(() => editor.get().record?.fields.name === 'Ferry', { what: 'the save that waited' })
  expect(page.offline.unsent.get().storage).toBe('ok')
})

test('what a page left is sent though nobody can say which pages are alive', async () => {
  const storage = createMemoryStorage()
  const before = openPage(storage, goodTabs)
  const { id } = await editedOffline(before)
  await waitFor(async () => (await storage.all('alice')).length > 0, { what: 'the edit in storage' })
  before.client.close()
  const after = openPage(storage, { ...goodTabs, alive: never, alone: never })
  after.offline.retry()
  await waitFor(
    async () => (await server.sql(`select name from projects where id = ${id}`)).rows[0].name === 'Ferry',
    {
      what: 'the save',
    },
  )
})

test('edits that storage gives late come into the form that was loaded meanwhile', async () => {
  const storage = createMemoryStorage()
  const id = await server.createProject()
  const before = openPage(storage, goodTabs)
  const editor = before.client.editor<Project>('project', id)
  editor.subscribe(() => {})
  await waitFor(() => editor.get().record, { what: 'the record' })
  editor.change('name', 'Tunnel')
  await waitFor(async () => (await storage.all('alice')).length > 0, { what: 'the edit in storage' })
  before.client.close()
  let answer = () => {}
  const asked = new Promise<void>((resolve) => {
    answer = resolve
  })
  const late: EditStorage = {
    ...storage,
    async all(person) {
      await asked
      return storage.all(person)
    },
  }
  const after = openPage(late, goodTabs)
  const again = after.client.editor<Project>('project', id)
  onTestFinished(again.subscribe(() => {}))
  await waitFor(() => again.get().record, { what: 'the record, without what is kept' })
  expect(again.get().draft).toEqual({})
  answer()
  await waitFor(() => again.values().name === 'Tunnel', { what: 'the edit' })
})
