// A save of one's own is undone, an earlier version comes back, and a proposal is accepted, each by a version of its own, on the
// real server: guarded as a save, never over what others wrote.

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

test('an earlier version comes back, or a field of it, and the record says which; undoing it gives what was there', async () => {
  const editor = await open(alice, await server.createProject('Bridge'))
  await saved(editor, { name: 'Tunnel', notes: 'deep' })
  await saved(editor, { status: 'done' })
  expect(await editor.restoreVersion(1, ['notes'])).toMatchObject({
    record: { version: 4, fields: { name: 'Tunnel', status: 'done', notes: '' } },
  })
  expect(await editor.restoreVersion(1)).toMatchObject({
    record: { version: 5, fields: { name: 'Bridge', status: 'planned' } },
  })
  expect(editor.get()).toMatchObject({ status: 'clean', draft: {}, record: { version: 5 } })
  expect(await editor.restoreVersion(1)).toBeNull()
  const history = await alice.history('project', editor.id)
  if (history.outcome !== 'found') throw new Error(history.outcome)
  expect(history.entries.map(({ restored_from }) => restored_from)).toEqual([
    1,
    1,
    undefined,
    undefined,
    undefined,
  ])
  expect(await editor.undo()).toMatchObject({ record: { fields: { name: 'Tunnel', status: 'done' } } })
  const past = await alice.readPast<Project>('project', editor.id, { version: 2 })
  expect(past).toMatchObject({ record: { version: 2, fields: { name: 'Tunnel', notes: 'deep' } } })
  expect(past.outcome === 'found' && past.writable).toContain('name')
  expect(await alice.readPast('project', editor.id, { asOf: new Date() })).toMatchObject({
    record: { version: 6 },
  })
  expect(await alice.readPast('project', editor.id, { version: 99 })).toEqual({ outcome: 'not_found' })
})

test('a version meets what others saved: beside it passes, over it both sides are shown; what is typed stays', async () => {
  const id = await server.createProject('Bridge')
  const away = server.openTab('alice', { transports: [], tabId: 'unaware' })
  const editor = await open(away, id)
  await saved(editor, { name: 'Tunnel', status: 'active' })
  away.close()
  editor.change('notes', 'typed')
  await server.sql(`update projects set budget = 7 where id = ${id}`)
  expect(await editor.restoreVersion(1, ['name'])).toMatchObject({ outcome: 'saved' })
  expect(editor.get().record).toMatchObject({ fields: { name: 'Bridge', budget: 7, notes: 'typed' } })
  await server.sql(`update projects set status = 'done' where id = ${id}`)
  expect(await editor.restoreVersion(1, ['status'])).toMatchObject({ outcome: 'conflict' })
  expect(editor.get()).toMatchObject({ status: 'conflicted', draft: { status: 'planned' } })
})

test('who may not save proposes; each page receives it, and accepting it is a guarded save, once', async () => {
  const id = await server.createProject('Bridge')
  const vera = server.openTab('vera')
  const [editor, bobs] = [await open(vera, id), await open(bob, id)]
  const events: string[] = []
  bob.onEvent(({ event }) => event.name.startsWith('Proposal') && events.push(event.name))
  editor.change('name', 'Ferry')
  editor.change('budget', 5)
  expect(await editor.propose('It leaks.')).toMatchObject({
    outcome: 'proposed',
    proposal: { state: 'open' },
  })
  expect(editor.get()).toMatchObject({ draft: {}, notice: { kind: 'proposed' }, record: { version: 1 } })
  expect(await editor.propose()).toBeNull()
  const open1 = await vera.proposals('project', id)
  expect(open1).toMatchObject({ may: { save: false, propose: true }, proposals: [{ note: 'It leaks.' }] })
  const asBob = await bob.proposals('project', id, { state: 'open' })
  if (asBob.outcome !== 'found') throw new Error(asBob.outcome)
  expect(asBob.may).toEqual({ save: true, propose: true })
  const [{ id: proposal = '' } = {}] = asBob.proposals
  await waitFor(() => events.includes('ProposalCreated'), { what: 'the proposal at Bob’s' })
  expect(await bob.acceptProposal('project', id, proposal, { clientVersion: 9 })).toMatchObject({
    outcome: 'conflict',
  })
  const half = { clientVersion: 1, fields: ['name'], edited: { budget: 6 } }
  expect(await bob.acceptProposal('project', id, proposal, half)).toMatchObject({ outcome: 'invalid' })
  expect(
    await bob.acceptProposal('project', id, proposal, { clientVersion: 1, edited: { budget: 6 } }),
  ).toMatchObject({ outcome: 'saved', record: { version: 2, fields: { name: 'Ferry', budget: 6 } } })
  expect(await bob.acceptProposal('project', id, proposal, { clientVersion: 2 })).toEqual({
    outcome: 'decided',
  })
  expect(await bob.rejectProposal('project', id, proposal)).toEqual({ outcome: 'decided' })
  expect(bobs.get().record).toMatchObject({ version: 2, fields: { name: 'Ferry' } })
  await waitFor(() => events.includes('ProposalDecided'), { what: 'the decision at Bob’s' })
})

test('a proposal on an older version shows both sides, and the decision is proposed', async () => {
  const id = await server.createProject('Bridge')
  const away = server.openTab('vera', { transports: [], tabId: 'away too' })
  const editor = await open(away, id)
  away.close()
  await server.sql(`update projects set name = 'Ferry' where id = ${id}`)
  editor.change('name', 'Tunnel')
  expect(await editor.propose('Why?')).toMatchObject({ outcome: 'conflict' })
  expect(editor.get()).toMatchObject({ status: 'conflicted', draft: { name: 'Tunnel' } })
  await editor.resolve({ version: 2, theirs: [], edited: {} })
  expect(await away.proposals('project', id)).toMatchObject({
    proposals: [{ client_version: 2, changes: { name: 'Tunnel' }, note: 'Why?' }],
  })
  expect(editor.get()).toMatchObject({ draft: {}, record: { version: 2, fields: { name: 'Ferry' } } })
})
