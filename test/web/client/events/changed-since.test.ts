// Counts of what others have changed since a person's last look, over the real server, by every transport.
import { changedSince, type LastLooks, type LastLooksStorage, type RecordClient } from 'noclobber/client'
import { expect, onTestFinished, test } from 'vitest'
import { browserLooks } from '../../../../web/client/events/last-looks.ts'
import type { TransportKind } from '../../../../web/client/transport/transport.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { startLiveServer } from '../live-server.ts'

const server = await startLiveServer()

/** What one device keeps. */
function createDevice() {
  const kept = new Map<string, LastLooks>()
  const listeners = new Set<() => void>()
  /** Of one page: the others learn of what it writes. */
  const open = (): LastLooksStorage => {
    let own: (() => void) | null = null
    return {
      read: (person) => kept.get(person) ?? {},
      write(person, looks) {
        kept.set(person, looks)
        for (const listener of listeners) if (listener !== own) listener()
      },
      onChange(listener) {
        own = listener
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    }
  }
  return { kept, open }
}

const DEADLINE = { deadlineMs: 60_000 }

function count(client: RecordClient, looks: LastLooksStorage, types: string | string[] = 'project') {
  const store = changedSince(client, types, { looks })
  onTestFinished(store.subscribe(() => {}))
  const is = (expected: number | null, what: string) =>
    waitFor(() => store.get().status === 'ready' && store.get().count === expected, {
      ...{ what: () => `${what}: ${JSON.stringify(store.get())}, not ${expected}`, ...DEADLINE },
    })
  return { store, is }
}

test('others’ changes count by every transport, one’s own don’t, and what was seen counts no more', async () => {
  const id = await server.createProject('There already')
  const transports: TransportKind[][] = [['websocket'], ['event_stream'], []]
  const pages = await Promise.all(
    transports.map(async (kinds, at) => {
      const client = server.openTab('alice', { transports: kinds, shareStream: false })
      const badge = count(client, createDevice().open())
      await badge.is(0, `${kinds} at first`)
      return { client, ...badge, name: `page ${at}` }
    }),
  )
  const bob = server.openTab('bob')
  await bob.create('project', { name: 'By Bob', status: 'planned', budget: null })
  await Promise.all(pages.map(({ is, name }) => is(1, `${name}: created`)))
  await bob.save('project', id, { clientVersion: 1, changes: { status: 'active' } })
  await bob.save('project', id, { clientVersion: 2, changes: { status: 'done' } })
  await Promise.all(pages.map(({ is, name }) => is(2, `${name}: changed`)))
  const [first] = pages
  const own = await first?.client.create('project', { name: 'By Alice', status: 'planned', budget: null })
  expect(own?.outcome).toBe('created')
  const gone = await server.createProject('Gone soon')
  await server.sql(`delete from projects where id = ${gone}`)
  await Promise.all(pages.map(({ is, name }) => is(3, `${name}: one made and deleted beside her own`)))
  for (const { store } of pages) store.markSeen()
  for (const { store } of pages) expect(store.get()).toMatchObject({ count: 0, isMore: false })
  await bob.save('project', id, { clientVersion: 3, changes: { status: 'planned' } })
  await Promise.all(pages.map(({ is, name }) => is(1, `${name}: after the look`)))
})

test('a look holds for its person on its device: the next page goes on from it, another person and device don’t', async () => {
  const device = createDevice()
  const before = server.openTab('alice')
  const first = count(before, device.open())
  await first.is(0, 'the first page')
  before.close()
  await server.createProject('While no page was open')
  await count(server.openTab('alice'), device.open()).is(1, 'the next page')
  await count(server.openTab('alice'), createDevice().open()).is(0, 'another device')
  await count(server.openTab('bob'), device.open()).is(0, 'another person')
  expect([...device.kept.keys()].sort()).toEqual(['alice', 'bob'])
})

test('of two pages of one person, a look at one is a look at both', async () => {
  const device = createDevice()
  const [one, other] = [server.openTab('alice'), server.openTab('alice')]
  const [here, there] = [count(one, device.open()), count(other, device.open())]
  await Promise.all([here.is(0, 'here'), there.is(0, 'there')])
  await server.createProject('For both')
  await Promise.all([here.is(1, 'here'), there.is(1, 'there')])
  here.store.markSeen('project')
  await there.is(0, 'there, after the look here')
})

test('the next person on a page sees nothing of the one before, and has a last look of their own', async () => {
  const device = createDevice()
  let person = 'alice'
  const client = server.openTab(() => person, { userId: () => person })
  const { store, is } = count(client, device.open())
  await is(0, 'Alice')
  await server.createProject('For Alice')
  await is(1, 'Alice')
  person = 'vera'
  expect(store.get().count).toBeNull()
  await is(0, 'Vera')
  person = 'alice'
  expect(store.get().count).toBeNull()
  await is(1, 'Alice again')
})

test('several types are one request, and each has its own count', async () => {
  const asked: string[] = []
  const client = server.openTab('alice', {
    fetch: (input, init) => {
      if (String(input).endsWith('/changes/count')) asked.push(String(init?.body))
      return fetch(input, init)
    },
  })
  const device = createDevice()
  const all = count(client, device.open(), ['project', 'note'])
  const notes = count(client, device.open(), 'note')
  await Promise.all([all.is(0, 'both'), notes.is(0, 'notes')])
  expect(asked.length).toBeLessThan(4)
  const id = await server.createProject('Of a note')
  await server.sql(`insert into notes (project_id, text) values (${id}, 'of ${id}')`)
  await Promise.all([all.is(2, 'both'), notes.is(1, 'notes')])
  expect(all.store.get().byType).toEqual({
    project: { count: 1, isMore: false },
    note: { count: 1, isMore: false },
  })
  all.store.markSeen('note')
  expect([all.store.get().count, notes.store.get().count]).toEqual([1, 0])
})

test('a storm of changes is few requests', async () => {
  let asked = 0
  const client = server.openTab('alice', {
    fetch: (input, init) => {
      if (String(input).endsWith('/changes/count')) asked += 1
      return fetch(input, init)
    },
  })
  const { is } = count(client, createDevice().open())
  await is(0, 'at first')
  const before = asked
  for (let n = 0; n < 100; n += 1) await server.createProject(`Storm ${n}`)
  await waitFor(() => asked > before, { what: 'a request', ...DEADLINE })
  const { store } = count(client, createDevice().open())
  await waitFor(() => store.get().count === 99 && store.get().isMore, {
    ...{ what: () => JSON.stringify(store.get()), ...DEADLINE },
  })
  expect(asked - before).toBeLessThan(5)
})

test('a program without storage, and a browser that forbids it, keep looks for as long as the page lives', () => {
  const forbidden = browserLooks()
  expect(forbidden.read('alice')).toEqual({})
  forbidden.write('alice', { project: 'a' })
  expect([forbidden.read('alice'), forbidden.read('bob')]).toEqual([{ project: 'a' }, {}])
})
