// Of a type without a tenant the records are shared by all tenants; who is at them, and what people ask each other, is not.
import { describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import type { TestWatcher } from '../../support/app-socket.ts'
import { isWithout } from '../../support/programs.ts'
import { redisClient, startRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait-for.ts'

/** Everybody of globex; two have the ids of people of acme. */
const addPeople = ({ people }: TestApp) => {
  people.set('greta', { id: 'greta', name: 'Greta', tenantId: 'globex', role: 'editor' })
  people.set('namesake', { id: 'alice', name: 'Namesake', tenantId: 'globex', role: 'editor' })
  people.set('otto', { id: 'bob', name: 'Otto', tenantId: 'globex', role: 'editor' })
}

const twoNodes = async () => {
  const { url } = await startRedis()
  const redis = () => redisClient(url)
  const one = await startApp({ redis })
  return [one, await startApp({ redis, database: one.database })] as const
}

const oneNode = async () => {
  const app = await startApp()
  return [app, app] as const
}

const peopleIn = (watcher: TestWatcher) =>
  watcher.received.findLast(({ name }) => name === 'PresenceChanged')?.event.people as
    | { user: { id: string }; state: string }[]
    | undefined

const idsIn = (watcher: TestWatcher) => peopleIn(watcher)?.map(({ user }) => user.id)

const stateIn = (watcher: TestWatcher, id: string) =>
  peopleIn(watcher)?.find(({ user }) => user.id === id)?.state

const sees = (watcher: TestWatcher, ids: string[]) =>
  waitFor(() => idsIn(watcher)?.sort().join() === ids.join(), { what: `${ids} at the record` })

const ask = (watcher: TestWatcher, id: string, to: string) =>
  watcher.ask('take_over', { type: 'tag', id, to, say: 'ask' })

describe.each([
  { nodes: 'one node', open: oneNode, isSkipped: false },
  { nodes: 'two nodes', open: twoNodes, isSkipped: isWithout('redis') },
])('on $nodes', ({ open, isSkipped }) => {
  test.skipIf(isSkipped)('nothing of one tenant’s people is sent to the other’s', async () => {
    const [here, there] = await open()
    for (const app of [here, there]) addPeople(app)
    const { body } = await here.call('POST', '/records/tag', {
      body: { id: 'shared', fields: { label: '0' } },
    })
    const { id } = body.data
    const watcherOf = async (app: TestApp, as: string) => {
      const watcher = await app.socket({ as, tabId: `tab-of-${as}` })
      await watcher.watch(['tag', id])
      await watcher.watchList('tag')
      return watcher
    }
    const present = async (watcher: TestWatcher, state: string | null) => {
      const answer = await watcher.ask('presence', { type: 'tag', id, state })
      expect(answer).toMatchObject({ ok: true })
      return (answer.people as { user: { id: string } }[]).map(({ user }) => user.id)
    }

    const [alice, bob] = [await watcherOf(here, 'alice'), await watcherOf(there, 'bob')]
    expect(await present(alice, 'editing')).toEqual(['alice'])
    await present(bob, 'editing')
    for (const watcher of [alice, bob]) await sees(watcher, ['alice', 'bob'])

    // Who comes later is sent the people of their own tenant alone.
    const [gina, greta] = [await watcherOf(here, 'gina'), await watcherOf(there, 'greta')]
    expect(await present(gina, 'viewing')).toEqual(['gina'])
    await sees(greta, ['gina'])
    await present(greta, 'editing')
    for (const watcher of [gina, greta]) await sees(watcher, ['gina', 'greta'])
    await present(alice, 'viewing')
    await sees(bob, ['alice', 'bob'])

    // What changes at one moment in both tenants is sent to both.
    await Promise.all([present(bob, 'viewing'), present(greta, 'viewing')])
    await waitFor(() => stateIn(alice, 'bob') === 'viewing', { what: 'bob to view it' })
    await waitFor(() => stateIn(gina, 'greta') === 'viewing', { what: 'greta to view it' })
    await Promise.all([present(bob, 'editing'), present(greta, 'editing')])
    await waitFor(() => stateIn(alice, 'bob') === 'editing', { what: 'bob to edit it' })
    await waitFor(() => stateIn(gina, 'greta') === 'editing', { what: 'greta to edit it' })

    // Nobody of acme can be asked, nor be seen to be there by the answer.
    for (const to of ['alice', 'bob', 'nobody'])
      expect(await ask(gina, id, to)).toEqual(await ask(gina, id, 'missing'))
    const namesake = await watcherOf(there, 'namesake')
    await present(namesake, 'viewing')
    await waitFor(() => idsIn(gina)?.includes('alice'), { what: 'the namesake at the record' })
    expect(await ask(alice, id, 'bob')).toEqual({ ok: true })
    await bob.receives('TakeOver', { say: 'ask' })
    const answer = (watcher: TestWatcher) =>
      watcher.ask('take_over', { type: 'tag', id, to: 'alice', say: 'handed_over' })
    const otto = await watcherOf(there, 'otto')
    await present(otto, 'editing')
    for (const other of [greta, otto])
      expect(await answer(other)).toMatchObject({ ok: false, code: 'not_found' })
    expect(await answer(bob)).toEqual({ ok: true })
    await alice.receives('TakeOver', { say: 'handed_over' })

    // A save names its tab and its socket to its own page alone.
    const saved = await here.call('PATCH', `/records/tag/${id}`, {
      headers: { 'x-tab-id': 'tab-of-alice', 'x-socket-id': String(namesake.socket.id) },
      body: { client_version: 1, changes: { label: '1' } },
    })
    expect(saved.status).toBe(200)
    expect((await namesake.receives('RecordUpdated', { version: 2 })).tab_id).toBe(null)
    expect((await alice.receives('RecordUpdated', { version: 2 })).tab_id).toBe('tab-of-alice')

    // Where one tenant's people have all gone, the other's are still there for the next one.
    for (const watcher of [gina, greta, namesake, otto]) await present(watcher, null)
    const late = await watcherOf(there, 'alice')
    await sees(late, ['alice', 'bob'])

    const sent = async (watcher: TestWatcher) =>
      (await watcher.flushed())
        .filter(({ name }) => name === 'PresenceChanged' || name === 'TakeOver')
        .map((event) => JSON.stringify(event))
        .join('\n')
    for (const watcher of [alice, bob, late])
      expect(await sent(watcher)).not.toMatch(/Gina|Greta|Namesake|Otto/)
    for (const watcher of [gina, greta, namesake, otto]) expect(await sent(watcher)).not.toMatch(/Alice|Bob/)
  })
})
