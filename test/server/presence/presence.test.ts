// Who is here, seen from outside: by sockets of one node and of two.
import { describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import type { TestWatcher } from '../../support/app-socket.ts'
import { isWithout } from '../../support/programs.ts'
import { redisClient, startRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait-for.ts'

interface People {
  people: { user: { id: string; name: string }; state: string; field: string | null; tabs: number }[]
}

/** What a watcher knows last of who is at a record. */
const lastPeople = (watcher: TestWatcher, id: string) =>
  (
    watcher.received.findLast(({ name, event }) => name === 'PresenceChanged' && event.id === id)
      ?.event as People
  )?.people

const sees = (watcher: TestWatcher, id: string, expected: object[]) =>
  waitFor(
    () => {
      expect(lastPeople(watcher, id)).toMatchObject(expected)
      expect(lastPeople(watcher, id)).toHaveLength(expected.length)
      return true
    },
    { what: `the people at ${id}` },
  )

const openApp = (limits = {}) => startApp({ limits: { presenceLeaseMs: 60_000, ...limits } })

const at = async (app: TestApp, as: string, type: string, id: string, state = 'viewing', field?: string) => {
  const watcher = await app.socket({ as })
  await watcher.watch([type, id])
  const answer = await watcher.ask('presence', { type, id, state, ...(field && { field }) })
  return { watcher, answer }
}

describe('on one node', () => {
  test('everybody who watches the record learns who is there, what they do, and when they go', async () => {
    const app = await openApp()
    const { id } = await app.make('project', { name: 'Bridge' })
    const { watcher: alice } = await at(app, 'alice', 'project', id)
    const { watcher: bob, answer } = await at(app, 'bob', 'project', id, 'editing', 'name')
    expect(answer).toMatchObject({ ok: true })
    expect(answer.people).toHaveLength(2)
    await sees(alice, id, [
      { user: { id: 'bob', name: 'Bob' }, state: 'editing', field: 'name', tabs: 1 },
      { user: { id: 'alice', name: 'Alice' }, state: 'viewing', field: null, tabs: 1 },
    ])
    await at(app, 'bob', 'project', id, 'idle')
    await sees(alice, id, [{ state: 'editing', tabs: 2 }, { user: { id: 'alice', name: 'Alice' } }])
    bob.socket.disconnect()
    await sees(alice, id, [
      { user: { id: 'alice', name: 'Alice' } },
      { user: { id: 'bob', name: 'Bob' }, state: 'idle', tabs: 1 },
    ])
  })

  test('anyone who comes later learns who is there already, without asking', async () => {
    const app = await openApp()
    const { id } = await app.make('project', { name: 'Bridge' })
    await at(app, 'bob', 'project', id, 'editing')
    const late = await app.socket({ as: 'vera' })
    await late.watch(['project', id])
    await sees(late, id, [{ user: { id: 'bob', name: 'Bob' } }])
  })

  test('a list learns who is at its records, of those alone that its watcher may read', async () => {
    const app = await openApp()
    const note = await app.make('note', { owner: 'bob', body: 'mine' }, 'bob')
    const open = await app.make('note', { owner: 'everybody', body: 'ours' }, 'bob')
    const before = await app.socket({ as: 'alice' })
    await before.watchList('note')
    await at(app, 'bob', 'note', note.id, 'editing')
    await at(app, 'bob', 'note', open.id, 'editing')
    await sees(before, open.id, [{ user: { id: 'bob', name: 'Bob' }, state: 'editing' }])
    const after = await app.socket({ as: 'alice' })
    await after.watchList('note', { owner: 'everybody' })
    await sees(after, open.id, [{ user: { id: 'bob', name: 'Bob' } }])
    for (const watcher of [before, after]) {
      await watcher.flushed()
      expect(lastPeople(watcher, note.id)).toBeUndefined()
    }
  })

  test('refuses as missing what is not watched, not readable, of another tenant, or nothing at all', async () => {
    const app = await openApp()
    const { id } = await app.make('project', { name: 'Bridge' })
    const { watcher: bob } = await at(app, 'bob', 'project', id)
    const outsider = await app.socket({ as: 'gina' })
    await outsider.watch(['project', id])
    const refusals = [
      await (await app.socket({ as: 'alice' })).ask('presence', { type: 'project', id, state: 'viewing' }),
      await outsider.ask('presence', { type: 'project', id, state: 'editing' }),
      await outsider.ask('presence', { type: 'project', id: '999999', state: 'editing' }),
      await outsider.ask('presence', { type: 'nothing', id, state: 'editing' }),
    ]
    expect(new Set(refusals.map((refusal) => JSON.stringify(refusal)))).toEqual(
      new Set([JSON.stringify({ ...refusals[0], code: 'not_found' })]),
    )
    for (const odd of [null, 7, [], { type: 'project', id, state: 'dancing' }, { type: 'project', id }]) {
      expect(await outsider.ask('presence', odd)).toMatchObject({ ok: false, code: 'malformed' })
    }
    await outsider.flushed()
    expect(outsider.received.filter(({ name }) => name === 'PresenceChanged')).toEqual([])
    await sees(bob, id, [{ user: { id: 'bob', name: 'Bob' } }])
  })

  const openRows = async () => {
    const app = await openApp()
    const { id: project } = await app.make('project', { name: 'Bridge' })
    const { id: other } = await app.make('project', { name: 'Tunnel' })
    const task = await app.make('task', { project_id: Number(project), title: 'Survey' })
    const elsewhere = await app.make('task', { project_id: Number(other), title: 'Dig' })
    const vera = await app.socket({ as: 'vera' })
    await vera.watchList('task', { project_id: project })
    const bob = await app.socket({ as: 'bob' })
    await bob.watchList('task')
    return { app, project, task, elsewhere, vera, bob }
  }
  const say = (watcher: TestWatcher, id: string, more: object = { state: 'editing' }) =>
    watcher.ask('presence', { type: 'task', id, ...more })

  test('who watches a list alone is at its rows, and leaves them with a word, the list or the connection', async () => {
    const { project, task, elsewhere, vera, bob } = await openRows()
    const here = { user: { id: 'vera', name: 'Vera' }, state: 'editing' }
    expect(await say(vera, task.id, { state: 'editing', field: 'title' })).toMatchObject({ ok: true })
    await sees(bob, task.id, [{ ...here, field: 'title' }])
    expect(await say(vera, elsewhere.id)).toMatchObject({ ok: false, code: 'not_found' })

    expect(await say(vera, task.id, { state: null })).toEqual({ ok: true, people: [] })
    await sees(bob, task.id, [])
    await say(vera, task.id)
    await sees(bob, task.id, [here])
    await vera.ask('unwatch', { lists: [{ type: 'task', scope: { project_id: project } }] })
    await sees(bob, task.id, [])
    expect(await say(vera, task.id)).toMatchObject({ ok: false, code: 'not_found' })

    await vera.watchList('task')
    await say(vera, task.id)
    await sees(bob, task.id, [here])
    vera.socket.disconnect()
    await sees(bob, task.id, [])
  })

  test('a row that went out of sight is left, and of a list’s rows no more than a person can edit are kept', async () => {
    const { app, project, vera, bob } = await openRows()
    const note = await app.make('note', { owner: 'bob', body: 'mine' }, 'bob')
    await vera.watchList('note')
    expect(await vera.ask('presence', { type: 'note', id: note.id, state: 'editing' })).toMatchObject({
      ok: false,
      code: 'not_found',
    })
    const rows = []
    for (let n = 0; n < 21; n += 1)
      rows.push(await app.make('task', { project_id: Number(project), title: `Row ${n}` }))
    for (const { id } of rows) expect(await say(vera, id)).toMatchObject({ ok: true })
    await sees(bob, rows[0]?.id ?? '', [])
    await sees(bob, rows[1]?.id ?? '', [{ user: { id: 'vera', name: 'Vera' } }])
  })

  test('a hidden tab with edits says so to the others, until they are saved', async () => {
    const { task, vera, bob } = await openRows()
    await say(vera, task.id, { state: 'idle', unsaved: true })
    await sees(bob, task.id, [{ state: 'idle', unsaved: true }])
    await say(vera, task.id, { state: 'idle' })
    await waitFor(
      () => lastPeople(bob, task.id)?.[0] && !('unsaved' in (lastPeople(bob, task.id)?.[0] ?? {})),
      {
        what: 'the edits to be saved',
      },
    )
    expect(await say(vera, task.id, { state: 'idle', unsaved: 1 })).toMatchObject({ code: 'malformed' })
  })

  test('a field that is none of the type is not passed on', async () => {
    const app = await openApp()
    const { id } = await app.make('project', { name: 'Bridge' })
    const { answer } = await at(app, 'bob', 'project', id, 'editing', '<script>')
    expect(answer.people[0].field).toBeNull()
  })

  test('ends when its lease is over', async () => {
    const app = await startApp({ limits: { presenceLeaseMs: 300 } })
    const { id } = await app.make('project', { name: 'Bridge' })
    const { watcher } = await at(app, 'bob', 'project', id)
    await sees(watcher, id, [{ user: { id: 'bob', name: 'Bob' } }])
    await waitFor(() => lastPeople(watcher, id)?.length === 0, { what: 'the lease', deadlineMs: 10_000 })
  })

  test('ends with the permission, and nothing is sent after it', async () => {
    const app = await startApp({ limits: { recheckMs: 100 } })
    const { id } = await app.make('project', { name: 'Bridge' })
    const { watcher: vera } = await at(app, 'vera', 'project', id)
    const { watcher: bob } = await at(app, 'bob', 'project', id)
    await sees(bob, id, [{}, {}])
    app.people.set('vera', { id: 'vera', name: 'Vera', tenantId: 'acme', role: 'none' })
    await vera.receives('AccessRevoked')
    await sees(bob, id, [{ user: { id: 'bob', name: 'Bob' } }])
    const before = vera.received.length
    await bob.ask('presence', { type: 'project', id, state: 'editing' })
    await sees(bob, id, [{ state: 'editing' }])
    expect(vera.received.slice(before).filter(({ name }) => name === 'PresenceChanged')).toEqual([])
  })
})

describe.skipIf(isWithout('redis'))('on two nodes', () => {
  test('people see each other across nodes, those who were there first too, and a node that stops takes its own along', async () => {
    const { url } = await startRedis()
    const client = () => redisClient(url)
    const one = await startApp({ redis: client() })
    const { id } = await one.make('project', { name: 'Bridge' })
    await at(one, 'alice', 'project', id, 'editing', 'status')
    const two = await startApp({ redis: client(), database: one.database })
    const { watcher: bob } = await at(two, 'bob', 'project', id)
    await sees(bob, id, [{ user: { id: 'alice', name: 'Alice' }, field: 'status' }, {}])
    await one.stop()
    await sees(bob, id, [{ user: { id: 'bob', name: 'Bob' } }])
  })
})
