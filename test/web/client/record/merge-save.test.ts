// Saves that pass a newer version where the type allows it, and saves without a button: on the real server.

import { expect, test } from 'vitest'
import { systemClock } from '../../../../web/client/base/clock.ts'
import { autosave } from '../../../../web/client/record/autosave.ts'
import { bannerFor } from '../../../../web/client/record/banner.ts'
import type { RecordState } from '../../../../web/client/record/state.ts'
import type { RecordClient } from '../../../../web/client/record-client-options.ts'
import { createWords } from '../../../../web/client/words/messages.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { type Project, startLiveServer } from '../live-server.ts'

const server = await startLiveServer()

const bannerText = (state: RecordState) =>
  bannerFor(state, Date.now(), createWords())
    ?.parts.map(({ text }) => text)
    .join('')

async function open(client: RecordClient, id: string) {
  const editor = client.editor<Project>('project', id)
  editor.subscribe(() => {})
  await waitFor(() => editor.get().record, { what: 'the record' })
  return editor
}

test('a save that overlaps with nothing passes, and shows what the others changed', async () => {
  const id = await server.createProject()
  // Written when the save has been asked for, and before it is sent: no event of it is quicker.
  const overtaken: typeof fetch = async (input, init) => {
    if (init?.method === 'PATCH') await server.sql(`update projects set status = 'done' where id = ${id}`)
    return fetch(input, init)
  }
  const editor = await open(server.openTab('alice', { onStale: 'merge', fetch: overtaken }), id)
  editor.change('name', 'Tunnel')
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved', mergedFields: ['status'] })
  expect(editor.values()).toMatchObject({ name: 'Tunnel', status: 'done' })
  expect(editor.get().record?.version).toBe(3)
})

test('what differs in other keys or other places of a text passes without a decision, and says with whom', async () => {
  const id = await server.createProject()
  const notes =
    'The first line stays.\nThe second line is long enough to be changed.\nThe third line ends it.\n'
  await server.sql(`update projects set notes = '${notes}', links = '{"a":"1","b":"2"}' where id = ${id}`)
  const editor = await open(server.openTab('alice'), id)
  const bob = await open(server.openTab('bob'), id)
  editor.change('notes', notes.replace('first', '1st'))
  editor.change('links', { a: 'mine', b: '2' })
  bob.change('notes', notes.replace('ends it', 'ended it'))
  bob.change('links', { a: '1', b: 'theirs' })
  await expect(bob.save()).resolves.toMatchObject({ outcome: 'saved' })
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved', record: { version: 4 } })
  const merged = notes.replace('first', '1st').replace('ends it', 'ended it')
  expect(editor.values()).toMatchObject({ notes: merged, links: { a: 'mine', b: 'theirs' } })
  expect(editor.get()).toMatchObject({ status: 'clean', conflict: null, kept: null })
  expect(bannerText(editor.get())).toBe('Saved together with Bob’s change of Notes, Links.')
})

test('a text that both changed at one place is decided by the user, and nothing is sent again', async () => {
  const id = await server.createProject()
  const editor = await open(server.openTab('alice'), id)
  editor.change('notes', 'mine')
  await server.sql(`update projects set notes = 'theirs' where id = ${id}`)
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'conflict' })
  expect(editor.get()).toMatchObject({ status: 'conflicted', draft: { notes: 'mine' }, writing: null })
})

test('a program that sends the base has its text merged by the server, and validated', async () => {
  const id = await server.createProject()
  const base = `${'x'.repeat(40)} one ${'y'.repeat(40)} two`
  await server.sql(`update projects set notes = '${base}' where id = ${id}`)
  const theirs = base.replace('two', `2 ${'w'.repeat(2000)}`)
  await server.sql(`update projects set notes = '${theirs}' where id = ${id}`)
  const send = async (body: object) => {
    const answer = await fetch(`${server.url}/api/v1/records/project/${id}`, {
      method: 'PATCH',
      headers: { authorization: 'Bearer alice', 'content-type': 'application/json' },
      body: JSON.stringify({ client_version: 2, on_stale: 'merge', ...body }),
    })
    return { status: answer.status, body: await answer.json() }
  }
  const changes = { notes: base.replace('one', '1') }
  await expect(send({ changes })).resolves.toMatchObject({
    status: 409,
    body: { merge: { text: ['notes'] } },
  })
  await expect(send({ changes, base: 7 })).resolves.toMatchObject({ status: 400 })
  await expect(
    send({ changes: { notes: `${'long '.repeat(700)} ${base}` }, base: { notes: base } }),
  ).resolves.toMatchObject({ status: 422 })
  const merged = theirs.replace('one', '1')
  await expect(send({ changes, base: { notes: base } })).resolves.toMatchObject({
    status: 200,
    body: { data: { version: 4, fields: { notes: merged } }, merged_fields: ['notes'] },
  })
})

test('one that overlaps is refused, as without', async () => {
  const id = await server.createProject()
  const editor = await open(server.openTab('alice', { onStale: 'merge' }), id)
  editor.change('name', 'Tunnel')
  await server.sql(`update projects set name = 'Ferry' where id = ${id}`)
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'conflict' })
  expect(editor.values()).toMatchObject({ name: 'Tunnel' })
})

test('autosave sends what was typed last, once, and makes no conflict with itself', async () => {
  const id = await server.createProject()
  const editor = await open(server.openTab('alice'), id)
  const stop = autosave(editor, 30, systemClock)
  for (const name of ['T', 'Tu', 'Tun', 'Tunnel']) editor.change('name', name)
  await waitFor(() => editor.get().record?.version === 2, { what: 'the first save' })
  editor.change('status', 'done')
  await waitFor(() => editor.get().record?.version === 3, { what: 'the second save' })
  expect(editor.get()).toMatchObject({ status: 'clean', conflict: null })
  stop()
  editor.change('name', 'Ferry')
  expect(editor.get().status).toBe('dirty')
})

test('autosave waits while somebody else’s version is known and not looked at', async () => {
  const id = await server.createProject()
  const tab = server.openTab('alice')
  const editor = await open(tab, id)
  editor.change('name', 'Tunnel')
  await server.sql(`update projects set name = 'Ferry' where id = ${id}`)
  await waitFor(() => editor.get().status === 'behind', { what: 'the newer version' })
  const stop = autosave(editor, 1)
  editor.change('name', 'Tunnels')
  const other = await open(tab, await server.createProject())
  const stopOther = autosave(other, 1)
  other.change('name', 'Saved meanwhile')
  await waitFor(() => other.get().record?.version === 2, { what: 'the other record, saved as late' })
  expect(editor.get()).toMatchObject({ status: 'behind', writing: null, draft: { name: 'Tunnels' } })
  stop()
  stopOther()
})

test('a deleted record is created anew, once for two clicks, and its draft lives on', async () => {
  const id = await server.createProject()
  const editor = await open(server.openTab('alice'), id)
  editor.change('name', 'Worth keeping')
  await server.sql(`delete from projects where id = ${id}`)
  await waitFor(() => editor.get().status === 'gone', { what: 'the deletion' })
  const [one, two] = await Promise.all([editor.recreate(), editor.recreate()])
  expect(one).toMatchObject({ outcome: 'created', record: { fields: { name: 'Worth keeping' } } })
  expect(two).toEqual(one)
  const { rows } = await server.sql(`select count(*)::int from projects where name = 'Worth keeping'`)
  expect(rows).toEqual([{ count: 1 }])
})
