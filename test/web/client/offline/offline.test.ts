// Saves that wait for the server, on the real server and database: answers are lost, pages die, and each save is written
// once. What was refused waits for its owner; nobody's save is sent as somebody else's.

import { createMemoryStorage, createOffline, type EditStorage, type Tabs } from 'noclobber/offline'
import { expect, test } from 'vitest'
import type { RecordClientOptions } from '../../../../web/client/record-client-options.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { createTabs } from '../browser-tabs.ts'
import { type Project, startLiveServer } from '../live-server.ts'

const server = await startLiveServer()

/** A network that a test cuts: `down` sends nothing, `deaf` sends and loses the answer. */
function createNetwork() {
  const network = { state: 'up' as 'up' | 'down' | 'deaf', sent: 0 }
  const fetchOver: typeof fetch = async (input, init) => {
    if (network.state === 'down') throw new TypeError('no network')
    network.sent += 1
    const answer = await fetch(input, init)
    await answer.clone().arrayBuffer()
    if (network.state === 'deaf' && init?.method === 'PATCH') throw new TypeError('the answer was lost')
    return answer
  }
  return { network, fetch: fetchOver }
}

interface PageOptions {
  person?: string
  storage?: EditStorage
  tabs?: Tabs
  client?: RecordClientOptions
}

function openPage({
  person = 'alice',
  storage = createMemoryStorage(),
  tabs = createTabs(),
  client = {},
}: PageOptions = {}) {
  const { network, fetch: fetchOver } = createNetwork()
  const offline = createOffline({ storage, tabs })
  const tab = server.openTab(person, { offline, userId: () => person, fetch: fetchOver, ...client })
  return { offline, network, client: tab, storage, tabs }
}
type Page = ReturnType<typeof openPage>

async function open({ client }: Page, id: string) {
  const editor = client.editor<Project>('project', id)
  const close = editor.subscribe(() => {})
  await waitFor(() => editor.get().record, { what: 'the record' })
  return { ...editor, close }
}

const nameOf = async (id: string) =>
  (await server.sql(`select name, version from projects where id = ${id}`)).rows[0]

const kept = ({ storage }: Page) =>
  waitFor(async () => (await storage.all('alice')).some(({ edits }) => edits.draft.name !== undefined), {
    what: 'the edit in storage',
  })

test('an edit outlives its page, on the version that it was built on', async () => {
  const id = await server.createProject()
  const page = openPage()
  const before = await open(page, id)
  before.change('name', 'Tunnel')
  await kept(page)
  page.client.close()
  await server.sql(`update projects set status = 'done' where id = ${id}`)

  const after = openPage({ storage: page.storage, tabs: page.tabs })
  const editor = await open(after, id)
  await waitFor(() => editor.get().newer, { what: 'the newer version' })
  expect(editor.values()).toMatchObject({ name: 'Tunnel', status: 'planned' })
  editor.merge()
  await waitFor(() => editor.get().record?.version === 2, { what: 'the merge' })
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved', record: { version: 3 } })
  await waitFor(async () => (await page.storage.all('alice')).length === 0, { what: 'an empty storage' })
})

test('a save without a network waits, outlives its page, and is sent by the next without anybody opening the record', async () => {
  const id = await server.createProject()
  const page = openPage()
  const editor = await open(page, id)
  page.network.state = 'down'
  editor.change('name', 'Tunnel')
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'unreachable' })
  expect(editor.get()).toMatchObject({ status: 'offline', trouble: { isKept: true } })
  page.client.close()

  const next = openPage({ storage: page.storage, tabs: page.tabs })
  await waitFor(async () => (await nameOf(id)).name === 'Tunnel', { what: 'the save' })
  await waitFor(() => next.offline.unsent.get().entries.length === 0, { what: 'nothing unsent' })
  expect(await nameOf(id)).toMatchObject({ version: '2' })
})

test('a save whose answer was lost is not written twice by the page after it', async () => {
  const id = await server.createProject()
  const page = openPage()
  const editor = await open(page, id)
  page.network.state = 'deaf'
  editor.change('name', 'Tunnel')
  await editor.save()
  page.client.close()
  await server.sql(`update projects set status = 'done' where id = ${id}`)

  const next = openPage({ storage: page.storage, tabs: page.tabs })
  await waitFor(() => next.network.sent > 0 && next.offline.unsent.get().entries.length === 0, {
    what: 'the answer',
  })
  expect(await nameOf(id)).toEqual({ name: 'Tunnel', version: '3' })
})

test('a conflict waits for its owner, and holds nothing else up', async () => {
  const ids = [await server.createProject(), await server.createProject(), await server.createProject()]
  const page = openPage()
  const editors = await Promise.all(ids.map((id) => open(page, id)))
  page.network.state = 'down'
  for (const [index, editor] of editors.entries()) {
    editor.change('name', `Tunnel ${index}`)
    await editor.save()
  }
  await server.sql(`update projects set name = 'Ferry' where id = ${ids[1]}`)
  page.network.state = 'up'
  page.offline.retry()
  await waitFor(() => page.offline.unsent.get().entries.length === 1, { what: 'two of three sent' })
  expect(page.offline.unsent.get().entries[0]).toMatchObject({ id: ids[1], trouble: { kind: 'conflict' } })
  expect(editors[1]?.get().status).toBe('conflicted')
  expect(editors[1]?.values()).toMatchObject({ name: 'Tunnel 1' })
  expect(await Promise.all(ids.map(async (id) => (await nameOf(id)).name))).toEqual([
    'Tunnel 0',
    'Ferry',
    'Tunnel 2',
  ])
})

test('a permanent refusal at the head lets the rest through', async () => {
  const ids = [await server.createProject(), await server.createProject()]
  const page = openPage()
  const [first, second] = await Promise.all(ids.map((id) => open(page, id)))
  page.network.state = 'down'
  first?.change('name', '')
  await first?.save()
  second?.change('name', 'Tunnel')
  await second?.save()
  page.network.state = 'up'
  page.offline.retry()
  await waitFor(async () => (await nameOf(ids[1] ?? '')).name === 'Tunnel', { what: 'the second' })
  await waitFor(() => page.offline.unsent.get().entries.length === 1, { what: 'its answer' })
  expect(page.offline.unsent.get().entries).toMatchObject([{ id: ids[0], trouble: { kind: 'refused' } }])
})

test('what was typed after a save stays typed when that save is sent', async () => {
  const id = await server.createProject()
  const page = openPage()
  const editor = await open(page, id)
  page.network.state = 'down'
  editor.change('name', 'Tunnel')
  await editor.save()
  editor.change('status', 'done')
  page.network.state = 'up'
  page.offline.retry()
  await waitFor(() => editor.get().record?.version === 2, { what: 'the save' })
  expect(editor.get()).toMatchObject({ status: 'dirty', draft: { status: 'done' } })
})

test('nobody gets, shows or sends what another person left', async () => {
  const id = await server.createProject()
  const page = openPage()
  const editor = await open(page, id)
  page.network.state = 'down'
  editor.change('name', 'Alice’s')
  await editor.save()
  page.client.close()

  const bobs = openPage({ person: 'bob', storage: page.storage, tabs: page.tabs })
  const theirs = await open(bobs, id)
  bobs.offline.retry()
  expect(bobs.offline.unsent.get().entries).toEqual([])
  expect(theirs.values()).toMatchObject({ name: 'Bridge' })
  expect(await page.storage.all('alice')).toHaveLength(1)
})

test('a page that speaks for alice writes nothing in bob’s session', async () => {
  const id = await server.createProject()
  let session = 'alice'
  const page = openPage({ client: { token: () => session } })
  const editor = await open(page, id)
  session = 'bob'
  editor.change('name', 'Alice’s')
  await expect(editor.save()).resolves.toEqual({ outcome: 'unauthenticated' })
  expect(editor.get()).toMatchObject({ status: 'signed_out', draft: { name: 'Alice’s' } })
  expect(await nameOf(id)).toMatchObject({ name: 'Bridge' })
})

test('storage that is full or forbidden is said, and the edit stays in its page', async () => {
  const id = await server.createProject()
  const full = Object.assign(new Error('no room'), { name: 'QuotaExceededError' })
  const storage: EditStorage = { ...createMemoryStorage(), put: () => Promise.reject(full) }
  const page = openPage({ storage })
  const editor = await open(page, id)
  editor.change('name', 'Tunnel')
  await waitFor(() => page.offline.unsent.get().storage === 'full', { what: 'the word of it' })
  expect(await page.offline.isKept({ type: 'project', id })).toBe(false)
  expect(editor.values()).toMatchObject({ name: 'Tunnel' })
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved' })
})

test('clearing leaves nothing of the person on this device', async () => {
  const id = await server.createProject()
  const page = openPage()
  const editor = await open(page, id)
  editor.change('name', 'Tunnel')
  await kept(page)
  await page.offline.clear()
  expect(await page.storage.all('alice')).toEqual([])
})

test('what two pages left of one record is both there: the last as it was, the other to be restored', async () => {
  const id = await server.createProject()
  const [tabs, storage] = [createTabs(), createMemoryStorage()]
  const died: Page[] = []
  for (const edit of [{ status: 'done' }, { name: 'Tunnel' }]) {
    const page = openPage({ tabs, storage })
    const editor = await open(page, id)
    const [[field, value]] = Object.entries(edit) as [[keyof Project, string]]
    editor.change(field, value)
    await waitFor(async () => (await storage.all('alice')).some(({ edits }) => field in edits.draft), {
      what: 'the edit in storage',
    })
    died.push(page)
  }
  for (const page of died) page.client.close()
  const editor = await open(openPage({ tabs, storage }), id)
  expect(editor.values()).toMatchObject({ name: 'Tunnel', status: 'planned' })
  editor.restore()
  expect(editor.values()).toMatchObject({ name: 'Tunnel', status: 'done' })
  await waitFor(async () => (await storage.all('alice')).length === 1, { what: 'one entry' })
})

test('the save of a page that was closed is sent by another, past what is typed there into the same record', async () => {
  const id = await server.createProject()
  const [tabs, storage] = [createTabs(), createMemoryStorage()]
  const closing = openPage({ tabs, storage })
  const editor = await open(closing, id)
  closing.network.state = 'down'
  editor.change('name', 'Tunnel')
  await editor.save()

  const staying = openPage({ tabs, storage })
  const theirs = await open(staying, id)
  theirs.change('status', 'done')
  closing.client.close()
  await waitFor(async () => (await nameOf(id)).name === 'Tunnel', { what: 'the save' })
  await waitFor(() => theirs.get().record?.version === 2 || theirs.get().newer, { what: 'word of it' })
  expect(theirs.values()).toMatchObject({ status: 'done' })
  await waitFor(async () => (await storage.all('alice')).length === 1, { what: 'one entry' })
  theirs.merge()
  await waitFor(() => theirs.get().record?.version === 2, { what: 'the merge' })
  expect(theirs.get()).toMatchObject({ draft: { status: 'done' }, kept: null })
})

test('the save of a closed page that is refused is there to be restored, over what is typed', async () => {
  const id = await server.createProject()
  const [tabs, storage] = [createTabs(), createMemoryStorage()]
  const closing = openPage({ tabs, storage })
  const editor = await open(closing, id)
  closing.network.state = 'down'
  editor.change('name', 'Tunnel')
  await editor.save()
  await server.sql(`update projects set name = 'Ferry' where id = ${id}`)

  const theirs = await open(openPage({ tabs, storage }), id)
  expect(theirs.values()).toMatchObject({ name: 'Ferry' })
  closing.client.close()
  await waitFor(() => theirs.get().kept, { what: 'the refused edit' })
  expect(theirs.values()).toMatchObject({ name: 'Ferry' })
  theirs.restore()
  expect(theirs.values()).toMatchObject({ name: 'Tunnel' })
  expect(await nameOf(id)).toMatchObject({ name: 'Ferry' })
})

test('a page that dies while it writes leaves its save to the one that looked too early', async () => {
  const id = await server.createProject()
  const [tabs, storage] = [createTabs(), createMemoryStorage()]
  let write = () => {}
  const isWritten = new Promise<void>((resolve) => {
    write = resolve
  })
  const slow: EditStorage = { ...storage, put: (entry) => isWritten.then(() => storage.put(entry)) }
  const dying = openPage({ tabs, storage: slow })
  const editor = await open(dying, id)
  dying.network.state = 'down'
  editor.change('name', 'Tunnel')
  void editor.save()
  const late = openPage({ tabs, storage })
  const next = await open(late, id)
  await waitFor(() => late.client.connection.get().status === 'live', { what: 'the connection' })
  dying.client.close()
  write()
  await waitFor(() => next.get().status === 'clean' && next.values().name === 'Tunnel', { what: 'the save' })
  expect(await nameOf(id)).toEqual({ name: 'Tunnel', version: '2' })
})

const isThere = async (id: string) =>
  (await server.sql(`select 1 from projects where id = ${id}`)).rows.length === 1

test('a removal without a network waits, outlives its page, and is sent by the next', async () => {
  const id = await server.createProject()
  const page = openPage()
  const editor = await open(page, id)
  page.network.state = 'down'
  await expect(editor.remove()).resolves.toMatchObject({ outcome: 'unreachable' })
  expect(page.offline.unsent.get().entries).toMatchObject([{ id, edits: { unanswered: { kind: 'remove' } } }])
  page.client.close()
  expect(await isThere(id)).toBe(true)

  const next = openPage({ storage: page.storage, tabs: page.tabs })
  await waitFor(async () => !(await isThere(id)), { what: 'the removal' })
  await waitFor(async () => (await next.storage.all('alice')).length === 0, { what: 'an empty storage' })
})

test('a removal of what Bob changed meanwhile is refused, and waits for its owner', async () => {
  const id = await server.createProject()
  const page = openPage()
  const editor = await open(page, id)
  page.network.state = 'down'
  await editor.remove()
  page.client.close()
  await server.sql(`update projects set name = 'Ferry' where id = ${id}`)

  const next = openPage({ storage: page.storage, tabs: page.tabs })
  const conflict = () => next.offline.unsent.get().entries.some(({ trouble }) => trouble?.kind === 'conflict')
  await waitFor(conflict, { what: 'the refusal' })
  const again = await open(next, id)
  await waitFor(() => again.get().status === 'conflicted', { what: 'the conflict' })
  again.closeConflict()
  await waitFor(() => again.values().name === 'Ferry', { what: 'the newer version' })
  await waitFor(async () => (await next.storage.all('alice')).length === 0, { what: 'an empty storage' })
  expect(await isThere(id)).toBe(true)
})

test('what is typed is on the device within a tenth of a second', async () => {
  const id = await server.createProject()
  const delays: number[] = []
  const clock = {
    now: () => Date.now(),
    after(delayMs: number, run: () => void) {
      delays.push(delayMs)
      const timer = setTimeout(run, delayMs)
      return () => clearTimeout(timer)
    },
  }
  const page = openPage({ client: { clock } })
  const editor = await open(page, id)
  editor.change('name', 'T')
  await kept(page)
  delays.length = 0
  editor.change('name', 'Tunnel')
  expect(delays).toHaveLength(1)
  expect(delays[0]).toBeLessThanOrEqual(100)
  await waitFor(async () => (await page.storage.all('alice'))[0]?.edits.draft.name === 'Tunnel', {
    what: 'the rest in storage',
  })
})

test('three pages left a value each for one field: none covers another', async () => {
  const id = await server.createProject()
  const [tabs, storage] = [createTabs(), createMemoryStorage()]
  const died: Page[] = []
  for (const name of ['Tunnel', 'Ferry', 'Ford']) {
    const page = openPage({ tabs, storage })
    const editor = await open(page, id)
    editor.change('name', name)
    await waitFor(async () => (await storage.all('alice')).some(({ edits }) => edits.draft.name === name), {
      what: 'the edit in storage',
    })
    died.push(page)
  }
  for (const page of died) page.client.close()
  const editor = await open(openPage({ tabs, storage }), id)
  const left = (await storage.all('alice')).flatMap(({ edits }) => [
    edits.draft.name,
    edits.kept?.fields.name,
  ])
  expect(editor.values()).toMatchObject({ name: 'Ford' })
  expect(new Set(left)).toEqual(new Set(['Tunnel', 'Ferry', 'Ford', undefined]))
})

test('a session that ended meanwhile costs nothing: after the sign-in the save is sent, once', async () => {
  const id = await server.createProject()
  let session: string | null = 'alice'
  const page = openPage({ client: { token: () => session } })
  const editor = await open(page, id)
  page.network.state = 'deaf'
  editor.change('name', 'Tunnel')
  await editor.save()
  page.network.state = 'up'
  session = null
  page.offline.retry()
  await waitFor(() => editor.get().status === 'signed_out', { what: 'the word of it' })
  expect(editor.values()).toMatchObject({ name: 'Tunnel' })
  session = 'alice'
  page.client.reconnect()
  await waitFor(() => editor.get().status === 'clean', { what: 'the save' })
  expect(await nameOf(id)).toEqual({ name: 'Tunnel', version: '2' })
})

for (const isOpen of [true, false])
  test(`what was discarded can be brought back, its record ${isOpen ? 'open' : 'not open'}, by its owner alone`, async () => {
    const id = await server.createProject()
    const storage = createMemoryStorage()
    const tabs = createTabs()
    const before = openPage({ storage, tabs })
    const typed = await open(before, id)
    typed.change('name', 'Tunnel')
    await kept(before)
    let person = 'alice'
    const page = isOpen
      ? before
      : openPage({ storage, tabs, client: { userId: () => person, token: () => person } })
    if (!isOpen) before.client.close()
    const { unsent } = page.offline
    await waitFor(() => unsent.get().entries.length === 1, { what: 'the entry' })
    const key = unsent.get().entries[0]?.key ?? ''
    await page.offline.discard(key)
    expect(unsent.get()).toMatchObject({
      entries: [],
      discarded: [{ key, edits: { draft: { name: 'Tunnel' } } }],
    })
    expect(await storage.all('alice')).toEqual([])
    if (isOpen) expect(typed.values().name).toBe('Bridge')
    else {
      person = 'bob'
      page.client.reconnect()
      page.offline.undoDiscard(key)
      expect(unsent.get()).toMatchObject({ entries: [], discarded: [] })
      person = 'alice'
      page.client.reconnect()
      await waitFor(() => unsent.get().discarded.length === 1, { what: 'what she discarded' })
    }
    page.offline.undoDiscard(key)
    const editor = isOpen ? typed : await open(page, id)
    expect(editor.values().name).toBe('Tunnel')
    await waitFor(() => unsent.get().entries.length === 1 && unsent.get().discarded.length === 0, {
      what: 'it is back',
    })
    await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved' })
  })
