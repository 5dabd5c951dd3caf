// What one connection asks for costs the same however many others there are: no message, save or poll looks at all of a node's
// connections. A reconnect storm would be as dear as the square of its sockets.
import { expect, test } from 'vitest'
import { watchersOf } from '../../../server/live/socket-watchers.ts'
import { startApp } from '../../support/app.ts'

const TIMES = 40
/** Timers look at all: a second is long enough for some of them. */
const BY_TIMERS = 10

const app = await startApp({
  limits: { recheckMs: 600_000, messagesPerSecond: 10_000, messagesPerPerson: 10_000 },
})
const { id } = await app.make('project', { name: 'Bridge' })
const others = [await app.socket({ as: 'bob' }), await app.socket({ as: 'vera' })]
for (const other of others) await other.watch(['project', id])
const socket = await app.socket({ tabId: 'tab-of-alice' })
const address = { type: 'project', id }
let version = 1

/** Counts from now on how often all connections are looked at. */
const looks = () => {
  const all = watchersOf(app.io)
  let count = 0
  for (const way of ['values', 'keys', 'entries', 'forEach', Symbol.iterator] as const) {
    const look = Reflect.get(all, way) as (...rest: unknown[]) => unknown
    Reflect.set(all, way, (...rest: unknown[]) => {
      count += 1
      return look.apply(all, rest)
    })
  }
  return () => count
}
const count = looks()

test.each<[what: string, act: () => Promise<unknown>]>([
  ['a join', () => socket.watch(['project', id])],
  ['a join of a list', () => socket.watchList('project')],
  ['leaving a room', () => socket.ask('unwatch', { records: [address] })],
  ['presence', () => socket.ask('presence', { ...address, state: 'editing' })],
  ['asking to take over', () => socket.ask('take_over', { ...address, to: 'bob', say: 'ask' })],
  ['a poll', () => app.call('GET', `/records/project/${id}/version`)],
  [
    'a save',
    async () => {
      const body = { client_version: version, changes: { name: `Bridge ${version}` } }
      version = (await app.call('PATCH', `/records/project/${id}`, { body })).body.data.version
    },
  ],
])('%s looks at no other connection', async (_what, act) => {
  const before = count()
  for (let time = 0; time < TIMES; time += 1) await act()
  expect(count() - before).toBeLessThan(BY_TIMERS)
})
