// Rooms and connections are counted by person as they come and go: the counts are those that counting everything anew would give.
import { describe, expect, it } from 'vitest'
import { type Connection, ConnectionTally, roomsLeft, WatchedRooms } from '../../../server/live/watchers.ts'
import { randomOf } from '../../support/random.ts'

const connectionOf = (tenantId: string, id: string): Connection => ({
  actor: { tenantId, id, name: id },
  request: {} as Connection['request'],
  tabId: null,
  watching: new WatchedRooms(),
})
const watched = { record: { type: 'project', id: '1' }, admitted: true }
const LIMITS = { roomsPerSocket: 1_000, roomsPerPerson: 1_000 }

describe('the tally of connections', () => {
  it.each([1, 2, 3, 4, 5])('is what counting anew gives, after any steps (seed %i)', (seed) => {
    const random = randomOf(seed)
    const tally = new ConnectionTally()
    const all = Array.from({ length: 12 }, (_, n) => connectionOf(`t${n % 2}`, `p${n % 3}`))
    const counted = new Set<Connection>()
    for (let step = 0; step < 2_000; step += 1) {
      const connection = random.pick(all)
      const room = `room ${random.below(5)}`
      const steps = [
        () => connection.watching.set(room, watched),
        () => connection.watching.delete(room),
        () => {
          if (!counted.has(connection)) tally.add(connection)
          counted.add(connection)
        },
        () => {
          tally.remove(connection)
          counted.delete(connection)
        },
      ]
      random.pick(steps)()
      const { actor } = connection
      const own = [...counted].filter(
        (other) => other.actor.id === actor.id && other.actor.tenantId === actor.tenantId,
      )
      expect(tally.of(actor)).toBe(own.length)
      const others = own.filter((other) => other !== connection)
      const held = others.reduce((sum, { watching }) => sum + watching.size, 0)
      if (counted.has(connection)) expect(roomsLeft(LIMITS, connection)).toBe(1_000 - held)
    }
  })

  it('is no more than the socket’s own limit', () => {
    expect(roomsLeft({ roomsPerSocket: 7, roomsPerPerson: 1_000 }, connectionOf('t', 'p'))).toBe(7)
  })
})
