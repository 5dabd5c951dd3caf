// Who is at a record, for tabs that have no socket: said by HTTP, and received by event streams.
import { expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'
import type { TestWatcher } from '../../support/app-socket.ts'
import { openStream } from '../../support/app-stream.ts'
import { waitFor } from '../../support/wait-for.ts'

const app = await startApp({ limits: { presenceLeaseMs: 600_000 } })

const say = (
  id: string,
  body: object,
  { as = 'vera', tab, type = 'project' }: { as?: string; tab?: string; type?: string } = {},
) =>
  app.call('POST', `/records/${type}/${id}/presence`, {
    as,
    body,
    headers: { 'x-tab-id': tab ?? `tab of ${as}` },
  })

type Received = Pick<TestWatcher, 'received'>

const sees = ({ received }: Received, id: string, expected: object[]) =>
  waitFor(
    () => {
      const last = received.findLast(({ name, event }) => name === 'PresenceChanged' && event.id === id)
      expect(last?.event.people).toMatchObject(expected)
      return true
    },
    { what: `the people at ${id}` },
  )

const user = (name: string) => ({ user: { id: name } })

test('a stream receives who comes, goes and is there already, of its records and lists', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const stream = await openStream(app.origin, `record=project:${id}`, { as: 'bob' })
  const list = await openStream(app.origin, 'list=project', { as: 'vera' })
  const alice = await app.socket()
  await alice.watch(['project', id])
  await alice.ask('presence', { type: 'project', id, state: 'editing', field: 'name', unsaved: true })
  const editing = [{ ...user('alice'), state: 'editing', field: 'name', tabs: 1, unsaved: true }]
  for (const watcher of [stream, list]) await sees(watcher, id, editing)
  await sees(await openStream(app.origin, `record=project:${id}`, { as: 'bob' }), id, editing)
  alice.socket.disconnect()
  for (const watcher of [stream, list])
    await waitFor(
      () =>
        watcher.received.findLast(({ name, event }) => name === 'PresenceChanged' && event.id === id)?.event
          .people.length === 0,
      { what: 'nobody' },
    )
})

test('a tab without a socket is there until it says so; each answer says who is', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const alice = await app.socket()
  await alice.watch(['project', id])
  const first = await say(id, { state: 'editing', field: 'status', unsaved: true })
  expect([first.status, first.body.data.people]).toMatchObject([
    200,
    [{ ...user('vera'), state: 'editing', field: 'status', unsaved: true, tabs: 1 }],
  ])
  await sees(alice, id, [{ ...user('vera'), state: 'editing' }])
  await say(id, { state: 'viewing' }, { tab: 'another tab' })
  await sees(alice, id, [{ ...user('vera'), state: 'editing', tabs: 2 }])
  await say(id, { state: null })
  await sees(alice, id, [{ ...user('vera'), state: 'viewing', field: null, tabs: 1 }])
  expect((await say(id, { state: null }, { tab: 'another tab' })).body.data.people).toEqual([])
})

test('a tab that gets a socket is one tab, and without a further request it has gone after its lease', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  await say(id, { state: 'editing' }, { as: 'alice', tab: 'the tab' })
  const alice = await app.socket({ tabId: 'the tab' })
  await alice.watch(['project', id])
  const { people } = await alice.ask('presence', { type: 'project', id, state: 'viewing' })
  expect(people).toMatchObject([{ ...user('alice'), state: 'viewing', tabs: 1 }])

  const short = await startApp({ database: app.database, limits: { presenceLeaseMs: 200 } })
  const bob = await short.socket({ as: 'bob' })
  await bob.watch(['project', id])
  const headers = { 'x-tab-id': 'left behind' }
  const body = { state: 'viewing' }
  await short.call('POST', `/records/project/${id}/presence`, { as: 'vera', body, headers })
  await sees(bob, id, [user('vera')])
  await waitFor(
    () => bob.received.findLast(({ name }) => name === 'PresenceChanged')?.event.people.length === 0,
    { what: 'the end of the lease' },
  )
})

test('nobody is at what they may not read, which is as if it were not there', async () => {
  const { id } = await app.make('note', { owner: 'bob', body: 'mine' }, 'bob')
  const bob = await app.socket({ as: 'bob' })
  await bob.watch(['note', id])
  const hidden = await say(id, { state: 'viewing' }, { as: 'alice', type: 'note' })
  const missing = await say(crypto.randomUUID(), { state: 'viewing' }, { as: 'alice', type: 'note' })
  expect([hidden.status, hidden.text]).toEqual([404, missing.text])
  expect((await bob.flushed()).filter(({ name }) => name === 'PresenceChanged')).toEqual([])
  const foreign = await app.make('project', { name: 'x' }, 'gina')
  expect((await say(foreign.id, { state: 'viewing' })).status).toBe(404)
})

test('what can’t be meant is refused: no tab, no state, no live events', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const path = `/records/project/${id}/presence`
  expect((await app.call('POST', path, { body: { state: 'viewing' } })).body.code).toBe('malformed')
  for (const body of [
    {},
    { state: 'asleep' },
    { state: 'viewing', field: 1 },
    { state: 'viewing', unsaved: 1 },
  ])
    expect((await say(id, body)).body.code).toBe('malformed')
  const silent = await startApp({ database: app.database, live: false })
  const answer = await silent.call('POST', path, { body: { state: 'viewing' }, headers: { 'x-tab-id': 't' } })
  expect(answer.body.code).toBe('live_off')
})

test('one person is at twenty records at most: the first one is given up', async () => {
  const made = []
  for (let n = 0; n < 21; n += 1) made.push(await app.make('project', { name: `${n}` }))
  for (const { id } of made) await say(id, { state: 'viewing' }, { as: 'bob' })
  const there = async (id: string) =>
    (await say(id, { state: null }, { as: 'vera' })).body.data.people.map(
      (person: { user: { id: string } }) => person.user.id,
    )
  expect([await there(made[0].id), await there(made[1].id), await there(made[20].id)]).toEqual([
    [],
    ['bob'],
    ['bob'],
  ])
})

test('a stream without parameters watches nothing, and says how far its node has read', async () => {
  const stream = await openStream(app.origin, '')
  expect([stream.status, await stream.receives('Watching')]).toMatchObject([
    200,
    { records: [], lists: [], as_of: expect.any(String), behind_ms: expect.any(Number) },
  ])
})

test('asks to take over are sent and received without a socket, as by one', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const sayTo = (as: string, body: object, record = id) =>
    app.call('POST', `/records/project/${record}/take-over`, {
      as,
      body,
      headers: { 'x-tab-id': `tab of ${as}` },
    })
  const alice = await openStream(app.origin, `record=project:${id}`, { as: 'alice' })
  const gina = await openStream(app.origin, 'list=project', { as: 'gina' })
  const bob = await app.socket({ as: 'bob' })
  await bob.watch(['project', id])
  // Nobody has said yet that they are at it.
  expect((await sayTo('alice', { to: 'bob', say: 'ask' })).status).toBe(404)
  await say(id, { state: 'editing', field: 'name' }, { as: 'alice' })
  await bob.ask('presence', { type: 'project', id, state: 'editing' })
  const ask = { type: 'project', id, to: 'alice', say: 'ask' }
  await waitFor(async () => (await bob.ask('take_over', ask)).ok === true, {
    what: 'the ask',
    deadlineMs: 20_000,
  })
  const asked = { type: 'project', id, from: { id: 'bob', name: 'Bob' }, say: 'ask' }
  await waitFor(() => alice.received.some(({ name }) => name === 'TakeOver'), { what: 'the ask at Alice’s' })
  expect(alice.received.find(({ name }) => name === 'TakeOver')?.event).toEqual(asked)
  const answered = await sayTo('alice', { to: 'bob', say: 'handed_over' })
  expect(answered.status).toBe(204)
  expect(await bob.receives('TakeOver')).toMatchObject({ from: { id: 'alice' }, say: 'handed_over' })
  expect((await sayTo('alice', { to: 'bob', say: 'ask' })).status).toBe(204)
  expect(await bob.receives('TakeOver', { say: 'ask' })).toMatchObject({ from: { id: 'alice' } })
  expect((await sayTo('alice', { to: 'bob', say: 'ask' })).body.code).toBe('rate_limited')
  // Who may only read asks nobody; another tenant's record is none; a word that is none is malformed.
  await say(id, { state: 'viewing' }, { as: 'vera' })
  expect((await sayTo('vera', { to: 'alice', say: 'ask' })).body.code).toBe('forbidden')
  await say(id, { state: 'editing' }, { as: 'gina' })
  expect((await sayTo('gina', { to: 'alice', say: 'ask' })).status).toBe(404)
  expect((await sayTo('alice', { to: 'bob', say: 'shout' })).body.code).toBe('malformed')
  expect(gina.received.filter(({ name }) => name === 'TakeOver')).toEqual([])
})
