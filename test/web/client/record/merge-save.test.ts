// Saves that pass a newer version where the type allows it, and saves without a button: on the real server.

import { expect, test } from 'vitest'
import { systemClock } from '../../../../web/client/base/clock.ts'
import { autosave } from '../../../../web/client/record/autosave.ts'
import type { RecordClient } from '../../../../web/client/record-client-options.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { type Project, startLiveServer } from '../live-server.ts'

const server = await startLiveServer()

async function open(client: RecordClient, id: string) {
  const editor = client.editor<Project>('project', id)
  editor.subscribe(() => {})
  await waitFor(() => editor.get().record, { what: 'the record' })
  return editor
}

test('a save that overlaps with nothing passes, and shows what the others changed', async () => {
  const id = await server.createProject()
  const editor = await open(server.openTab('alice', { onStale: 'merge' }), id)
  editor.change('name', 'Tunnel')
  await server.sql(`update projects set status = 'done' where id = ${id}`)
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved', mergedFields: ['status'] })
  expect(editor.values()).toMatchObject({ name: 'Tunnel', status: 'done' })
  expect(editor.get().record?.version).toBe(3)
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
