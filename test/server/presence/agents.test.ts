// A program that acts for somebody: every place that names who wrote or who is there names both, and what ends the person's
// access ends the program's.
import { expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'
import { waitFor } from '../../support/wait-for.ts'

const app = await startApp({ limits: { recheckMs: 60_000 } })
const ALICE = { id: 'alice', name: 'Alice' }
const claude = (more: object = {}) => ({
  ...{ id: 'claude', name: 'Claude', tenantId: 'acme', role: 'editor' as const, kind: 'agent' as const },
  ...{ onBehalfOf: ALICE, ...more },
})
app.people.set('claude', claude())
const WRITER = { id: 'claude', kind: 'agent', name: 'Claude', on_behalf_of: ALICE }

test('the record, its history, the feed, the event and the stale answer say for whom it wrote', async () => {
  const { body: start } = await app.call('GET', '/changes')
  const { id } = await app.make('project', { name: 'Bridge' })
  const path = `/records/project/${id}`
  const bob = await app.socket({ as: 'bob' })
  await bob.watch(['project', id])
  const body = { client_version: 1, changes: { name: 'Tunnel' } }
  const saved = await app.call('PATCH', path, { as: 'claude', body })
  expect(saved.body.data.updated_by).toEqual(WRITER)
  expect((await app.call('GET', path)).body.data.updated_by).toEqual(WRITER)
  expect((await app.call('GET', `${path}/history`)).body.data[0].updated_by).toEqual(WRITER)
  const feed = await app.call('GET', `/changes?cursor=${start.cursor}&type=project`)
  expect(feed.body.data.at(-1).updated_by).toEqual(WRITER)
  expect(await bob.receives('RecordUpdated', { id })).toMatchObject({ updated_by: WRITER })
  const stale = await app.call('PATCH', path, { as: 'bob', body: { ...body, changes: { name: 'Dam' } } })
  expect(stale.body).toMatchObject({
    updated_by: WRITER,
    detail: 'Claude, for Alice, saved version 2 while you were editing version 1.',
  })
})

test('who is there says for whom', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const [bob, agent] = [await app.socket({ as: 'bob' }), await app.socket({ as: 'claude' })]
  await bob.watch(['project', id])
  await agent.watch(['project', id])
  const answer = await agent.ask('presence', { type: 'project', id, state: 'editing' })
  expect(answer.people).toMatchObject([{ user: { id: 'claude', name: 'Claude', on_behalf_of: ALICE } }])
  const seen = await waitFor(
    () => bob.received.find(({ name, event }) => name === 'PresenceChanged' && event.people.length > 0),
    { what: 'the agent' },
  )
  expect(seen.event.people[0].user).toEqual({ id: 'claude', name: 'Claude', on_behalf_of: ALICE })
})

test('what ends a person’s access ends that of the agents that act for them', async () => {
  const [agent, bob] = [await app.socket({ as: 'claude' }), await app.socket({ as: 'bob' })]
  await app.records.revoke({ tenantId: 'acme', userId: 'alice', disconnect: true })
  await waitFor(() => !agent.socket.connected, { what: 'the closing' })
  expect(bob.socket.connected).toBe(true)
})

test('ids of persons may be numbers; nobody but an agent acts for somebody', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const save = async (version: number) => {
    const body = { client_version: version, changes: { name: `name ${version}` } }
    return (await app.call('PATCH', `/records/project/${id}`, { as: 'claude', body })).body.data.updated_by
  }
  app.people.set('claude', claude({ onBehalfOf: { id: 7, name: null } }))
  expect(await save(1)).toEqual({ ...WRITER, on_behalf_of: { id: '7', name: '7' } })
  app.people.set('claude', claude({ kind: 'service' }))
  expect(await save(2)).toEqual({ id: 'claude', kind: 'service', name: 'Claude' })
})

test('SQL that claims to be an agent is normalized like any claim', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const claim = {
    id: 'claude',
    kind: 'agent',
    on_behalf_of: { id: 'alice', name: 'Al\u0007ice', role: 'admin' },
    tab_id: 't',
  }
  await app.knex.transaction(async (transaction) => {
    await transaction.raw(`select set_config('noclobber.actor', ?, true)`, [JSON.stringify(claim)])
    await transaction.raw(`update projects set name = 'by hand' where id = ?`, [id])
  })
  const [{ updated_by, tab_id }] = await app.sql(
    `select updated_by, tab_id from noclobber.changes where record_id = ? and table_name = 'public.projects' and version = 2`,
    [id],
  )
  expect([updated_by, tab_id]).toEqual([{ ...WRITER, name: 'claude' }, null])
})
