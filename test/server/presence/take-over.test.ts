// Asking somebody to hand a record over, seen from outside: by sockets of one node and of two.
import { expect, test } from 'vitest'
import { watchersOf } from '../../../server/live/socket-watchers.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import type { TestWatcher } from '../../support/app-socket.ts'
import { isWithout } from '../../support/programs.ts'
import { redisClient, startRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait-for.ts'

const at = async (app: TestApp, as: string, type: string, id: string, state = 'viewing') => {
  const watcher = await app.socket({ as })
  await watcher.watch([type, id])
  expect(await watcher.ask('presence', { type, id, state })).toMatchObject({ ok: true })
  return watcher
}

const say = (watcher: TestWatcher, id: string, to: string, words: string, type = 'project') =>
  watcher.ask('take_over', { type, id, to, say: words })

const receivedBy = (watcher: TestWatcher) =>
  watcher.received.filter(({ name }) => name === 'TakeOver').map(({ event }) => event)

test('who edits is asked, in the tab that edits; who asked receives the answer', async () => {
  const app = await startApp()
  const { id } = await app.make('project', { name: 'Bridge' })
  const alice = await at(app, 'alice', 'project', id, 'editing')
  const beside = await at(app, 'alice', 'project', id)
  const bob = await at(app, 'bob', 'project', id)
  expect(await say(bob, id, 'alice', 'ask')).toEqual({ ok: true })
  const asked = { type: 'project', id, from: { id: 'bob', name: 'Bob' }, say: 'ask' }
  expect(await alice.receives('TakeOver')).toEqual(asked)
  expect(await say(alice, id, 'bob', 'handed_over')).toEqual({ ok: true })
  const answered = { type: 'project', id, from: { id: 'alice', name: 'Alice' }, say: 'handed_over' }
  expect(await bob.receives('TakeOver')).toEqual(answered)
  await beside.flushed()
  expect(receivedBy(beside)).toEqual([])
})

test('who edits a row of a list, or has edits in a hidden tab, is asked too, and answers', async () => {
  const app = await startApp()
  const { id: project } = await app.make('project', { name: 'Bridge' })
  const { id } = await app.make('task', { project_id: Number(project), title: 'Survey' })
  for (const state of [{ state: 'editing' }, { state: 'idle', unsaved: true }]) {
    const alice = await app.socket({ as: 'alice' })
    await alice.watchList('task')
    expect(await say(alice, id, 'bob', 'not_now', 'task')).toMatchObject({ code: 'not_found' })
    await alice.ask('presence', { type: 'task', id, ...state })
    const bob = await app.socket({ as: 'bob' })
    await bob.watchList('task')
    expect(await say(bob, id, 'alice', 'ask', 'task')).toMatchObject({ code: 'not_found' })
    await bob.ask('presence', { type: 'task', id, state: 'viewing' })
    await waitFor(async () => (await say(bob, id, 'alice', 'ask', 'task')).ok === true, {
      what: 'the ask to be passed on',
      deadlineMs: 20_000,
    })
    expect(await alice.receives('TakeOver')).toMatchObject({ id, from: { id: 'bob' }, say: 'ask' })
    expect(await say(alice, id, 'bob', 'handed_over', 'task')).toEqual({ ok: true })
    expect(await bob.receives('TakeOver')).toMatchObject({ id, from: { id: 'alice' }, say: 'handed_over' })
    alice.socket.disconnect()
    bob.socket.disconnect()
  }
})

test('nobody is asked who does not edit, nobody answered who has not asked, nobody asked twice in a breath', async () => {
  const app = await startApp()
  const { id } = await app.make('project', { name: 'Bridge' })
  const alice = await at(app, 'alice', 'project', id, 'editing')
  const bob = await at(app, 'bob', 'project', id)
  const refusals = [
    await say(alice, id, 'bob', 'ask'),
    await say(alice, id, 'alice', 'ask'),
    await say(alice, id, 'bob', 'handed_over'),
    await say(bob, id, 'nobody', 'ask'),
    await say(bob, '999999', 'alice', 'ask'),
    await say(bob, id, 'alice', 'ask', 'nothing'),
  ]
  for (const refusal of refusals) expect(refusal).toMatchObject({ ok: false, code: 'not_found' })
  expect(await say(bob, id, 'alice', 'ask')).toEqual({ ok: true })
  expect(await say(bob, id, 'alice', 'ask')).toMatchObject({ ok: false, code: 'rate_limited' })
  expect(await say(alice, id, 'bob', 'not_now')).toEqual({ ok: true })
  expect(await say(alice, id, 'bob', 'not_now')).toMatchObject({ ok: false, code: 'not_found' })
  for (const odd of [null, {}, { type: 'project', id }, { type: 'project', id, to: 'alice', say: 'now' }])
    expect(await bob.ask('take_over', odd)).toMatchObject({ ok: false, code: 'malformed' })
  await alice.flushed()
  await bob.flushed()
  expect(receivedBy(alice)).toHaveLength(1)
  expect(receivedBy(bob)).toMatchObject([{ say: 'not_now' }])
})

test('who may only read cannot ask; another tenant’s person gets the answer for what is not there; who lost sight receives nothing', async () => {
  const app = await startApp({ limits: { recheckMs: 3_600_000 } })
  const { id } = await app.make('project', { name: 'Bridge' })
  const alice = await at(app, 'alice', 'project', id, 'editing')
  const vera = await at(app, 'vera', 'project', id)
  const bob = await at(app, 'bob', 'project', id)
  expect(await say(vera, id, 'alice', 'ask')).toMatchObject({ ok: false, code: 'forbidden' })
  const gina = await app.socket({ as: 'gina' })
  await gina.watch(['project', id])
  expect(await say(gina, id, 'alice', 'ask')).toEqual(await say(gina, '999999', 'alice', 'ask'))
  for (const { data } of watchersOf(app.io).values())
    if (data.actor.id === 'alice') data.actor = { ...data.actor, role: 'none' } as never
  expect(await say(bob, id, 'alice', 'ask')).toEqual({ ok: true })
  await bob.flushed()
  expect(receivedBy(alice)).toEqual([])
})

test.skipIf(isWithout('redis'))('the two may be on different nodes', async () => {
  const { url } = await startRedis()
  const client = () => redisClient(url)
  const one = await startApp({ redis: client() })
  const { id } = await one.make('project', { name: 'Bridge' })
  const two = await startApp({ redis: client(), database: one.database })
  const alice = await at(one, 'alice', 'project', id, 'editing')
  const bob = await at(two, 'bob', 'project', id)
  await waitFor(async () => (await say(bob, id, 'alice', 'ask')).ok, {
    what: 'the other node to know of Alice',
  })
  expect(await alice.receives('TakeOver')).toMatchObject({ from: { id: 'bob' }, say: 'ask' })
  expect(await say(alice, id, 'bob', 'handed_over')).toEqual({ ok: true })
  expect(await bob.receives('TakeOver')).toMatchObject({ from: { id: 'alice' }, say: 'handed_over' })
})
