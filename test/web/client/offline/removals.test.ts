// Deletions that wait for the server end as done, or as refused ones that their person sees: none is dropped, whatever else was asked
// of the record before, and by which page.

import { expect, test } from 'vitest'
import { waitFor } from '../../../support/wait-for.ts'
import { type Project, startLiveServer } from '../live-server.ts'
import { createBrowser, isAllSent, online, type Page, unsentOf } from './browser.ts'

const server = await startLiveServer()

const rows = async (id: string) =>
  (await server.sql(`select notes, status, version::int from projects where id = ${id}`)).rows

async function recordOf({ client }: Page, id: string) {
  const found = await client.read<Project>('project', id)
  if (found.outcome !== 'found') throw new Error(found.outcome)
  return found.record
}

/** Saves these notes on a page that has no answer to it, and is closed then. Returns the record as it was. */
async function editOnDyingPage(open: () => Page, id: string, state: Page['network']['state']) {
  const page = open()
  const editor = page.client.editor<Project>('project', id)
  const stop = editor.subscribe(() => {})
  const record = await waitFor(() => editor.get().record, { what: 'the record' })
  page.network.state = state
  editor.change('notes', 'of the page before')
  expect(await editor.save()).toMatchObject({ outcome: 'unreachable' })
  stop()
  page.client.close()
  return record
}

const removalOf = (page: Page, id: string) => unsentOf(page).entries.find((entry) => entry.id === id)
const isRefused = (page: Page, id: string) =>
  waitFor(() => removalOf(page, id)?.trouble, {
    what: () => `the refusal: ${JSON.stringify(unsentOf(page))}`,
  })

for (const [what, state] of [
  ['was not sent', 'down'],
  ['has no answer', 'deaf'],
] as const)
  test(`one that is asked for after an edit of a dead page that ${what} is done after it`, async () => {
    const open = createBrowser(server)
    const id = await server.createProject(`After an edit that ${what}`)
    const record = await editOnDyingPage(open, id, state)
    const page = open()
    page.network.state = 'down'
    expect(await page.offline.remove(record)).toMatchObject({ outcome: 'queued', isKept: true })
    online(page)
    await isAllSent(page)
    expect(await rows(id)).toEqual([])
    const edits = await server.sql(
      `select version::int from noclobber.record_changes where table_name like '%projects' and record_id = '${id}' and 'notes' = any(changed_fields)`,
    )
    expect(edits.rows).toHaveLength(1)
  })

test('where others have changed the record meanwhile it is refused, and stays so for the pages that come', async () => {
  const open = createBrowser(server)
  const id = await server.createProject('Changed by others')
  const record = await editOnDyingPage(open, id, 'down')
  await server.sql(`update projects set notes = 'of somebody else' where id = ${id}`)
  const page = open()
  page.network.state = 'down'
  await page.offline.remove(record)
  online(page)
  expect(await isRefused(page, id)).toEqual({ kind: 'conflict' })
  page.client.close()

  const next = open()
  next.offline.retry()
  expect(await isRefused(next, id)).toEqual({ kind: 'conflict' })
  expect(removalOf(next, id)?.edits.unanswered?.kind).toBe('remove')
  expect(await rows(id)).toMatchObject([{ notes: 'of somebody else', version: 2 }])
})

test('after an edit that was merged with what others have changed it is refused: they were not seen', async () => {
  const open = createBrowser(server)
  const id = await server.createProject('Merged')
  const record = await editOnDyingPage(open, id, 'down')
  await server.sql(`update projects set status = 'of somebody else' where id = ${id}`)
  const page = open()
  page.network.state = 'down'
  await page.offline.remove(record)
  online(page)
  expect(await isRefused(page, id)).toEqual({ kind: 'conflict' })
  expect(await rows(id)).toMatchObject([
    { notes: 'of the page before', status: 'of somebody else', version: 3 },
  ])
})

test('one that the server refuses is no removal, and waits for its person until that discards it', async () => {
  const open = createBrowser(server)
  const page = open()
  const id = await server.createProject('With a note')
  await server.sql(`insert into notes (project_id, text) values (${id}, 'of a project that stays')`)
  const asked = await page.offline.remove(await recordOf(page, id))
  expect(asked).toMatchObject({ outcome: 'queued', trouble: { kind: 'refused' } })
  page.client.close()
  const next = open()
  await isRefused(next, id)
  expect(removalOf(next, id)?.edits.unanswered?.kind).toBe('remove')
  await server.sql(`delete from notes where project_id = ${id}`)
  next.offline.retry()
  await next.offline.discard(removalOf(next, id)?.key ?? '')
  await isAllSent(next)
  expect(await rows(id)).toHaveLength(1)
})

test('one whose record the person may not delete is no removal either', async () => {
  const page = createBrowser(server)('vera')
  const id = await server.createProject('Not to be deleted')
  const asked = await page.offline.remove(await recordOf(page, id))
  expect(asked).toMatchObject({ outcome: 'queued', trouble: { kind: 'forbidden' } })
  expect(await isRefused(page, id)).toEqual({ kind: 'forbidden' })
})

test('one of a closed page, whose record has other edits here, is refused without being dropped', async () => {
  const open = createBrowser(server)
  const id = await server.createProject('Edited here')
  const before = open()
  const record = await recordOf(before, id)
  before.network.state = 'down'
  await before.offline.remove(record)
  const page = open()
  const editor = page.client.editor<Project>('project', id)
  const stop = editor.subscribe(() => {})
  await waitFor(() => editor.get().record, { what: 'the record' })
  editor.change('name', 'Typed meanwhile')
  await server.sql(`update projects set status = 'of somebody else' where id = ${id}`)
  before.client.close()
  page.offline.retry()
  await waitFor(
    () => unsentOf(page).entries.some(({ edits, trouble }) => edits.unanswered?.kind === 'remove' && trouble),
    { what: () => `the refusal: ${JSON.stringify(unsentOf(page))}` },
  )
  expect(editor.values()).toMatchObject({ name: 'Typed meanwhile' })
  stop()
})

test('one of what is gone by then is done', async () => {
  const page = createBrowser(server)()
  const id = await server.createProject('Gone by then')
  const record = await recordOf(page, id)
  page.network.state = 'down'
  await page.offline.remove(record)
  await server.sql(`delete from projects where id = ${id}`)
  online(page)
  await isAllSent(page)
})

test('one that was discarded is back as it was, though the record has changed', async () => {
  const page = createBrowser(server)()
  const id = await server.createProject('Discarded')
  const record = await recordOf(page, id)
  await server.sql(`update projects set status = 'of somebody else' where id = ${id}`)
  expect(await page.offline.remove(record)).toMatchObject({ trouble: { kind: 'conflict' } })
  const { key = '' } = removalOf(page, id) ?? {}
  await page.offline.discard(key)
  await waitFor(() => !removalOf(page, id), { what: 'it is discarded' })
  page.offline.undoDiscard(key)
  expect(await isRefused(page, id)).toEqual({ kind: 'conflict' })
})

test('one that is asked for again is of the version that is shown by then', async () => {
  const page = createBrowser(server)()
  const id = await server.createProject('Asked for again')
  const record = await recordOf(page, id)
  await server.sql(`update projects set status = 'of somebody else' where id = ${id}`)
  expect(await page.offline.remove(record)).toMatchObject({ trouble: { kind: 'conflict' } })
  expect(await page.offline.remove(await recordOf(page, id))).toEqual({ outcome: 'removed' })
  expect(await rows(id)).toEqual([])
})

test('one of a record that was saved a moment ago is no less kept when the line about that goes', async () => {
  const open = createBrowser(server)
  const id = await server.createProject('Just saved')
  const record = await editOnDyingPage(open, id, 'down')
  const faded: string[] = []
  const page = open('alice', { onTransition: ({ event }) => event === 'faded' && faded.push(event) })
  await isAllSent(page)
  page.network.state = 'down'
  await page.offline.remove({ ...record, version: 2 })
  await waitFor(() => faded.length > 0, { what: 'the line is gone' })
  expect(removalOf(page, id)?.edits.unanswered?.kind).toBe('remove')
  online(page)
  await isAllSent(page)
  expect(await rows(id)).toEqual([])
})

test('one that follows a save is not forgotten where that save is merged by itself', async () => {
  const page = createBrowser(server)()
  const id = await server.createProject('Merged by itself')
  await server.sql(`update projects set notes = 'one two three four' where id = ${id}`)
  const editor = page.client.editor<Project>('project', id)
  editor.subscribe(() => {})
  const record = await waitFor(() => editor.get().record, { what: 'the record' })
  page.network.state = 'down'
  editor.change('notes', 'ONE two three four')
  await editor.save()
  await server.sql(`update projects set notes = 'one two three FOUR' where id = ${id}`)
  expect(await page.offline.remove(record)).toMatchObject({ outcome: 'queued', isKept: true })
  online(page)
  expect(await isRefused(page, id)).toEqual({ kind: 'conflict' })
  expect(removalOf(page, id)?.edits).toMatchObject({
    draft: { notes: 'ONE two three four' },
    unanswered: { kind: 'remove', clientVersion: 2 },
  })
})
