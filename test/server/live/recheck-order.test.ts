// Which rooms a round of rechecks looks at: of each person's some, in turns.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRecheckOrder } from '../../../server/live/recheck-order.ts'
import type { Watcher } from '../../../server/live/watchers.ts'

/** As much of a watcher as is looked at. */
const watcherOf = (person: string, name: string, rooms: number, token = person): Watcher => {
  const watched = { record: { type: 'project', id: '1' }, admitted: true as const }
  const watching = new Map(Array.from({ length: rooms }, (_, n) => [`${name} ${n}`, watched]))
  return { id: name, data: { actor: { tenantId: 't', id: person }, watching, token } } as never
}

const many = (person: string, sockets: number, rooms: number) =>
  Array.from({ length: sockets }, (_, n) => watcherOf(person, `${person}${n}`, rooms))

test('anyone who has few is through in each round, whatever somebody else has', () => {
  const heavy = many('heavy', 60, 500)
  const light = many('light', 3, 100)
  const order = createRecheckOrder()
  const seen = new Set<string>()
  let rounds = 0
  for (; seen.size < 30_000; rounds += 1) {
    const rooms = [...order.rooms([...heavy, ...light], 5_000)]
    expect(rooms.length).toBeLessThanOrEqual(5_000)
    expect(new Set(rooms.filter(({ watcher }) => light.includes(watcher)).map(({ room }) => room)).size).toBe(
      300,
    )
    for (const { watcher, room } of rooms) if (heavy.includes(watcher)) seen.add(room)
  }
  expect(rounds).toBe(7)
})

test('everybody’s every room has its round, and no round is longer than it may be', () => {
  const crowd = fc.array(fc.record({ sockets: fc.nat(4), rooms: fc.nat(250) }), {
    minLength: 1,
    maxLength: 6,
  })
  fc.assert(
    fc.property(crowd, fc.integer({ min: 20, max: 400 }), (people, most) => {
      const all = people.flatMap(({ sockets, rooms }, n) => many(`p${n}`, sockets, rooms))
      const total = all.reduce((sum, { data }) => sum + data.watching.size, 0)
      const order = createRecheckOrder()
      const seen = new Set<string>()
      const turns = Math.max(...people.map(({ sockets, rooms }) => (sockets * rooms) / 100)) + 2
      for (let round = 0; round <= turns * (total / most + people.length); round += 1) {
        const rooms = [...order.rooms(all, most)]
        expect(rooms.length).toBeLessThanOrEqual(most)
        for (const { room } of rooms) seen.add(room)
      }
      expect(seen.size).toBe(total)
    }),
    { numRuns: 30 },
  )
})

test('of somebody with many sign-ins some are looked up in each round, and all in several', () => {
  const heavy = Array.from({ length: 100 }, (_, n) => watcherOf('heavy', `h${n}`, 1, `token ${n}`))
  const light = watcherOf('light', 'l', 1)
  const order = createRecheckOrder()
  const tokenOf = ({ data }: Watcher) => (data as never as { token: string }).token
  const seen = new Set<Watcher>()
  for (let round = 0; round < 5; round += 1) {
    const looked = [...order.watchers([...heavy, light], tokenOf)]
    expect(looked.indexOf(light)).toBeLessThanOrEqual(1)
    expect(looked.length).toBe(21)
    for (const watcher of looked) seen.add(watcher)
  }
  expect(seen.size).toBe(101)
})
