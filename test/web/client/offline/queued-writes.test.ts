// Records that are created, deleted and edited together without a network, on the real server: each write is done once, children
// after their parents, with the ids that those have got; what is refused is kept, and what is whose never mixes.

import { expect, test } from 'vitest'
import { systemClock } from '../../../../web/client/base/clock.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { type Note, type Project, startLiveServer } from '../live-server.ts'
import { createBrowser as browserOf, idOf, isAllSent, online, type Page, unsentOf } from './browser.ts'

const server = await startLiveServer()
const createBrowser = () => browserOf(server)

const named = async (name: string) =>
  (
    await server.sql(
      `select id::text, version::int, notes, status from projects where name = '${name}' order by id`,
    )
  ).rows
const create = (page: Page, fields: Partial<Project>) =>
  page.offline.create<Project>('project', { status: 'planned', budget: null, ...fields })

test('with the server there it is created at once, and nothing is left behind', async () => {
  const page = createBrowser()()
  const outcome = await create(page, { name: 'At once' })
  expect(outcome).toMatchObject({ outcome: 'created', record: { version: 1, fields: { name: 'At once' } } })
  expect(await named('At once')).toHaveLength(1)
  await isAllSent(page)
  await waitFor(async () => (await page.storage.all('alice')).length === 0, { what: 'nothing stored' })
})

test('without a network parent and child wait, outlive their page, and are created once, the child with the id of its parent', async () => {
  const open = createBrowser()
  const page = open()
  page.network.state = 'down'
  const parent = await create(page, { name: 'Parent' })
  expect(parent).toMatchObject({ outcome: 'queued', isKept: true, trouble: null })
  const child = await create(page, { name: 'Child', notes: idOf(parent), links: { up: idOf(parent) } })
  expect(child).toMatchObject({ outcome: 'queued', isKept: true })
  expect(page.offline.unsent.get().entries.map(({ waits }) => waits ?? null)).toEqual([null, 'parent'])
  page.client.close()

  const next = open()
  await isAllSent(next)
  const [made] = await named('Parent')
  const children = (await server.sql(`select notes, links from projects where name = 'Child'`)).rows
  expect([await named('Parent'), children]).toEqual([[made], [{ notes: made.id, links: { up: made.id } }]])
})

test('creations whose answers were lost are sent again, and made once', async () => {
  const open = createBrowser()
  const page = open()
  page.network.state = 'deaf'
  const parent = await create(page, { name: 'Deaf parent' })
  await create(page, { name: 'Deaf child', notes: idOf(parent) })
  page.network.state = 'up'
  page.offline.retry()
  await isAllSent(page)
  const [made] = await named('Deaf parent')
  expect([await named('Deaf parent'), await named('Deaf child')]).toMatchObject([
    [made],
    [{ notes: made.id }],
  ])
})

const note = (page: Page, fields: Note, options = {}) => page.offline.create<Note>('note', fields, options)
const notes = async (text: string) =>
  (await server.sql(`select id::text, project_id::text, version::int from notes where text = '${text}'`)).rows
const entry = (page: Page, id: string) => unsentOf(page).entries.find((one) => one.id === id)

test('a refused creation is kept with its children until it is corrected', async () => {
  const page = createBrowser()()
  page.network.state = 'down'
  const parent = idOf(await create(page, { name: '' }))
  await note(page, { project_id: parent, text: 'Waits for a name' })
  online(page)
  await waitFor(() => entry(page, parent)?.trouble, { what: 'the refusal' })
  expect(entry(page, parent)?.trouble).toMatchObject({
    kind: 'refused',
    detail: expect.stringContaining('name'),
  })
  await waitFor(() => unsentOf(page).entries.find(({ type }) => type === 'note')?.waits === 'refused', {
    what: 'the child says why it waits',
  })

  const editor = page.client.editor<Project>('project', parent)
  const stop = editor.subscribe(() => {})
  editor.change('name', 'Corrected')
  expect(await editor.save()).toMatchObject({ outcome: 'saved' })
  stop()
  await isAllSent(page)
  const [made] = await named('Corrected')
  expect(await notes('Waits for a name')).toMatchObject([{ project_id: made.id, version: 1 }])
})

test('a child of what was discarded says so, and goes on when that is back', async () => {
  const page = createBrowser()()
  const name = `Discarded ${crypto.randomUUID()}`
  page.network.state = 'down'
  const parent = idOf(await create(page, { name }))
  await note(page, { project_id: parent, text: name })
  const { key = '' } = entry(page, parent) ?? {}
  await page.offline.discard(key)
  await waitFor(() => unsentOf(page).entries[0]?.waits === 'gone', { what: 'its parent is gone' })
  online(page)
  expect(await named(name)).toEqual([])
  page.offline.undoDiscard(key)
  // It may be sent at once, so that two are never seen to wait.
  await waitFor(() => unsentOf(page).entries[0]?.waits !== 'gone', { what: 'the parent is back' })
  page.offline.retry()
  await isAllSent(page)
  expect(await notes(name)).toMatchObject([{ project_id: (await named(name))[0].id }])
})

test('a key of the app\u2019s own is the record\u2019s from the start, and its editor shows what waits', async () => {
  const page = createBrowser()()
  const project_id = await server.createProject()
  const id = crypto.randomUUID()
  page.network.state = 'down'
  expect(await note(page, { project_id, text: 'Own key' }, { id })).toMatchObject({ record: { id } })
  const editor = page.client.editor<Note>('note', id)
  const stop = editor.subscribe(() => {})
  await waitFor(() => editor.values().text === 'Own key', { what: 'what waits' })
  stop()
  online(page)
  await isAllSent(page)
  expect(await notes('Own key')).toMatchObject([{ id, version: 1 }])
  const again = await note(page, { project_id, text: 'Own key' }, { id: crypto.randomUUID() })
  expect(again).toMatchObject({ outcome: 'queued', trouble: { kind: 'refused' } })
})

test('an editor of what waits goes on as the editor of the record, with what is typed in it', async () => {
  const page = createBrowser()()
  page.network.state = 'down'
  const local = idOf(await create(page, { name: 'Typed in' }))
  const editor = page.client.editor<Project>('project', local)
  editor.subscribe(() => {})
  const followed: string[] = []
  editor.onSaved(({ id }) => followed.push(id))
  editor.change('notes', 'half a sent')
  online(page)
  await waitFor(() => followed.length > 0, { what: 'the real id' })
  const [made] = await named('Typed in')
  expect(followed).toEqual([made.id])
  expect(page.client.editor<Project>('project', local).id).toBe(made.id)
  const real = page.client.editor<Project>('project', made.id)
  expect(real.values()).toMatchObject({ name: 'Typed in', notes: 'half a sent' })
  await real.save()
  expect(await named('Typed in')).toMatchObject([{ version: 2, notes: 'half a sent' }])
})

test('what is typed in a new record that waits is saved when its form says so, and no sooner', async () => {
  const page = createBrowser()()
  page.network.state = 'down'
  const local = idOf(await create(page, { name: 'Typed and saved' }))
  const editor = page.client.editor<Project>('project', local)
  editor.subscribe(() => {})
  editor.change('notes', 'after the creation')
  page.network.state = 'up'
  expect(await editor.save()).toMatchObject({
    outcome: 'saved',
    record: { version: 2, fields: { notes: 'after the creation' } },
  })
})

test('another tab sees it, sends nothing, and follows it to its real id; its own child goes after it', async () => {
  const open = createBrowser()
  const [page, other] = [open(), open()]
  page.network.state = 'down'
  const local = idOf(await create(page, { name: 'Of the first tab' }))
  await waitFor(() => unsentOf(other).entries.length === 1, { what: 'the other tab sees it' })
  const editor = other.client.editor<Project>('project', local)
  editor.subscribe(() => {})
  const followed: string[] = []
  editor.onSaved(({ id }) => followed.push(id))
  expect(await note(other, { project_id: local, text: 'Of the second tab' })).toMatchObject({
    outcome: 'queued',
  })
  await waitFor(() => editor.get().status === 'offline', { what: 'it can\u2019t be edited there' })
  expect(await named('Of the first tab')).toEqual([])
  online(page)
  await waitFor(() => followed.length > 0, { what: 'the other tab follows' })
  await isAllSent(other)
  const [made] = await named('Of the first tab')
  expect([followed, await notes('Of the second tab')]).toMatchObject([[made.id], [{ project_id: made.id }]])
})

test('a deletion waits; one of a record that was not sent discards it, and of one that may have been deletes that', async () => {
  const page = createBrowser()()
  const id = await server.createProject('To be deleted')
  const found = await page.client.read<Project>('project', id)
  if (found.outcome !== 'found') throw new Error(found.outcome)
  page.network.state = 'down'
  expect(await page.offline.remove(found.record)).toMatchObject({ outcome: 'queued', isKept: true })
  const local = await create(page, { name: 'Deleted before' })
  page.network.state = 'deaf'
  const made = await create(page, { name: 'Deleted after' })
  page.network.state = 'down'
  for (const one of [local, made]) if ('record' in one) await page.offline.remove(one.record)
  online(page)
  await isAllSent(page)
  for (const name of ['To be deleted', 'Deleted before', 'Deleted after'])
    expect(await named(name)).toEqual([])
})

test('a bulk edit waits as one, is done once, and rows that others changed are conflicts of their own', async () => {
  const open = createBrowser()
  const page = open()
  const ids: string[] = []
  for (const name of ['one', 'two', 'three', 'four']) ids.push(await server.createProject(`Bulk ${name}`))
  const list = await page.client.list<Project>('project', {})
  if (list.outcome !== 'found') throw new Error(list.outcome)
  const records = list.data.filter((record) => ids.includes(record.id))
  page.network.state = 'down'
  const local = await create(page, { name: 'Bulk new' })
  const rows = [...records, ...('record' in local ? [local.record] : [])]
  const asked = await page.offline.saveMany('project', {
    changes: { status: 'done' },
    records: rows,
    label: 'Done',
  })
  expect(asked).toMatchObject({ outcome: 'queued', isKept: true })
  expect(unsentOf(page).requests).toMatchObject([{ label: 'Done', bulk: { rows: [{}, {}, {}, {}, {}] } }])
  await server.sql(`update projects set status = 'paused' where id = ${ids[1]}`)
  await server.sql(`delete from projects where id = ${ids[3]}`)
  page.client.close()

  const next = open()
  next.network.state = 'deaf to edits'
  await waitFor(async () => (await named('Bulk one'))[0].status === 'done', { what: 'it was written' })
  online(next)
  await waitFor(() => unsentOf(next).requests[0]?.refusal, { what: 'the row that is left' })
  expect(unsentOf(next).requests[0]?.bulk?.rows.map(({ outcome }) => outcome)).toEqual([
    ...['saved', 'stale_record', 'saved', 'deleted', 'saved'],
  ])
  await waitFor(() => unsentOf(next).entries[0]?.trouble, { what: 'the conflict' })
  expect(unsentOf(next).entries).toMatchObject([{ id: ids[1], trouble: { kind: 'conflict' } }])
  for (const name of ['Bulk one', 'Bulk three', 'Bulk new'])
    expect(await named(name)).toMatchObject([{ status: 'done', version: 2 }])
  const editor = next.client.editor<Project>('project', ids[1] as string)
  editor.subscribe(() => {})
  await waitFor(() => editor.get().status === 'conflicted', { what: 'both sides' })
  expect(editor.get()).toMatchObject({
    draft: { status: 'done' },
    conflict: { current: { fields: { status: 'paused' } } },
  })
})

test('an edit that was asked for before the bulk edit makes none of its rows stale', async () => {
  const page = createBrowser()()
  const id = await server.createProject('In a row')
  const editor = page.client.editor<Project>('project', id)
  editor.subscribe(() => {})
  const record = await waitFor(() => editor.get().record, { what: 'the record' })
  page.network.state = 'down'
  editor.change('status', 'active')
  await editor.save()
  await page.offline.saveMany('project', { changes: { status: 'done' }, records: [record], label: 'Done' })
  online(page)
  await isAllSent(page)
  expect(await named('In a row')).toMatchObject([{ status: 'done', version: 3 }])
})

test('what one person left is never shown to, or sent for, the next', async () => {
  const open = createBrowser()
  const page = open()
  page.network.state = 'down'
  const parent = idOf(await create(page, { name: 'Of Alice' }))
  await page.offline.saveMany('project', { changes: { status: 'x' }, records: [], label: 'Of Alice' })
  page.client.close()
  const bobs = open('bob')
  expect(await note(bobs, { project_id: parent, text: 'Of Bob' })).toMatchObject({ outcome: 'queued' })
  await waitFor(() => unsentOf(bobs).entries[0]?.waits === 'gone', { what: 'it names nothing of Bob\u2019s' })
  expect([unsentOf(bobs).entries.length, unsentOf(bobs).requests, await named('Of Alice')]).toEqual([
    1,
    [],
    [],
  ])
  expect(bobs.client.editor('project', parent).values()).toEqual({})
})

test('an open list shows what waits in its place and marked, and the record in its stead without a gap', async () => {
  const page = createBrowser()('alice', { clock: systemClock })
  const project = await server.createProject('Of a list')
  const list = page.client.liveList('note', { scope: { project_id: project }, sort: 'text' })
  const seen: string[][] = []
  const stop = list.subscribe(() => {
    seen.push(list.get().rows.map(({ fields }) => String(fields.text)))
  })
  await note(page, { project_id: project, text: 'list a' })
  await note(page, { project_id: project, text: 'list c' })
  await waitFor(() => list.get().byId.size === 2, { what: 'two rows' })
  const [first, last] = list.get().rows
  page.network.state = 'down'
  const local = idOf(await note(page, { project_id: project, text: 'list b' }))
  await note(page, { project_id: await server.createProject(), text: 'list of another' })
  const records = first ? [first] : []
  await page.offline.saveMany('note', { changes: { text: 'list d' }, records, label: 'Last' })
  if (last) await page.offline.remove(last)
  const texts = () => list.get().rows.map(({ fields }) => fields.text)
  expect(texts()).toEqual(['list d', 'list b', 'list c'])
  expect(Object.fromEntries(list.get().unsent)).toEqual({
    [first?.id ?? '']: { what: 'changed', isRefused: false },
    [local]: { what: 'created', isRefused: false },
    [last?.id ?? '']: { what: 'removed', isRefused: false },
  })
  const before = seen.length
  online(page)
  await waitFor(
    () => list.get().byId.size === 2 && list.get().unsent.size === 0 && list.get().rows[1]?.id !== local,
    {
      what: () => `the list as it is: ${JSON.stringify([...list.get().byId])}`,
    },
  )
  await waitFor(() => texts().join() === 'list b,list d', { what: 'their places' })
  expect(seen.slice(before).filter((rows) => !rows.includes('list b'))).toEqual([])
  stop()
})

test('a list of the children of what waits shows them alone, and asks the server nothing', async () => {
  const page = createBrowser()()
  page.network.state = 'down'
  const parent = idOf(await create(page, { name: 'With a list' }))
  await note(page, { project_id: parent, text: 'child in a list' })
  const list = page.client.liveList('note', { where: { project_id: parent } })
  const stop = list.subscribe(() => {})
  await waitFor(() => list.get().status === 'ready', { what: 'the list' })
  expect(list.get().rows).toMatchObject([{ version: 0, fields: { text: 'child in a list' } }])
  online(page)
  await waitFor(() => list.get().byId.size === 1, {
    what: () => `the child: ${JSON.stringify(list.get())}`,
    deadlineMs: 15_000,
  })
  expect([list.get().rows.length, list.get().unsent.size]).toEqual([1, 0])
  stop()
})
