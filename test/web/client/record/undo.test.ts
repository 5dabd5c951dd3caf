// A save of one's own is undone by a version of its own, on the real server: guarded as a save, never over what others wrote.

import { expect, test } from 'vitest'
import { waitFor } from '../../../support/wait-for.ts'
import { type Project, startLiveServer } from '../live-server.ts'

const server = await startLiveServer()
const alice = server.openTab('alice')
const bob = server.openTab('bob')

async function open(client: typeof alice, id: string) {
  const editor = client.editor<Project>('project', id)
  editor.subscribe(() => {})
  await waitFor(() => editor.get().record, { what: 'the record' })
  return editor
}

async function saved(editor: Awaited<ReturnType<typeof open>>, changes: Partial<Project>) {
  for (const [field, value] of Object.entries(changes)) editor.change(field as 'name', value as string)
  expect(await editor.save()).toMatchObject({ outcome: 'saved' })
}

test('undone, and undone again; with something typed there is nothing to undo', async () => {
  const editor = await open(alice, await server.createProject('Bridge'))
  expect(await editor.undo()).toBeNull()
  await saved(editor, { name: 'Tunnel', status: 'done' })
  editor.change('name', 'Tunnels')
  expect(await editor.undo()).toBeNull()
  editor.change('name', 'Tunnel')
  expect(await editor.undo()).toMatchObject({
    outcome: 'saved',
    record: { version: 3, fields: { name: 'Bridge', status: 'planned' } },
  })
  expect(await editor.undo()).toMatchObject({ record: { version: 4, fields: { name: 'Tunnel' } } })
})

test('what others changed beside it stays; what they changed over it is no longer undone', async () => {
  const id = await server.createProject('Bridge')
  const [editor, bobs] = [await open(alice, id), await open(bob, id)]
  await saved(editor, { name: 'Tunnel' })
  await waitFor(() => bobs.get().record?.version === 2, { what: 'Alice’s version at Bob’s' })
  await saved(bobs, { status: 'done' })
  await waitFor(() => editor.get().record?.version === 3, { what: 'Bob’s version at Alice’s' })
  expect(await editor.undo()).toMatchObject({
    outcome: 'saved',
    record: { fields: { name: 'Bridge', status: 'done' } },
  })
  await waitFor(() => bobs.get().record?.version === 4, { what: 'the undone version at Bob’s' })
  await saved(bobs, { name: 'Ferry' })
  await waitFor(() => editor.get().record?.version === 5, { what: 'Bob’s name at Alice’s' })
  expect(await editor.undo()).toBeNull()
})

test('one that meets a change that is not known yet is refused, and both sides are shown', async () => {
  const id = await server.createProject('Bridge')
  const away = server.openTab('alice', { transports: [], tabId: 'away' })
  const editor = await open(away, id)
  await saved(editor, { name: 'Tunnel' })
  away.close()
  await server.sql(`update projects set name = 'Ferry' where id = ${id}`)
  expect(await editor.undo()).toMatchObject({ outcome: 'conflict' })
  expect(editor.get()).toMatchObject({ status: 'conflicted', draft: { name: 'Bridge' } })
})

test('a bulk edit is undone record by record; one that somebody saved since is left as it is', async () => {
  const ids: string[] = []
  for (const name of ['A', 'B', 'C']) ids.push(await server.createProject(name))
  await server.sql(`update projects set status = 'active' where id = ${ids[1]}`)
  const records = ids.map((id, at) => ({ id, clientVersion: at === 1 ? 2 : 1 }))
  const bulk = await alice.saveMany('project', { changes: { status: 'done' }, records })
  if (bulk.outcome !== 'saved') throw new Error(bulk.outcome)
  await server.sql(`update projects set name = 'Ferry' where id = ${ids[2]}`)
  const undone = await alice.undoMany('project', bulk.records)
  expect(undone.map(({ id, outcome }) => [id, outcome])).toEqual([
    [ids[0], 'saved'],
    [ids[1], 'saved'],
    [ids[2], 'stale_record'],
  ])
  const { rows } = await server.sql(`select status from projects where id in (${ids.join(',')}) order by id`)
  expect(rows.map(({ status }: { status: string }) => status)).toEqual(['planned', 'active', 'done'])
  expect(await alice.undoMany('project', [{ id: ids[0] ?? '', version: 1 }])).toEqual([
    { id: ids[0], outcome: 'no_values' },
  ])
})
