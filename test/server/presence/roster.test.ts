import { describe, expect, test } from 'vitest'
import { createRoster, type PresenceEntry } from '../../../server/presence/roster.ts'

const entry = (patch: Partial<PresenceEntry> = {}): PresenceEntry => ({
  room: 'tenant:acme:record:project:1',
  tenantId: 'acme',
  type: 'project',
  id: '1',
  socketId: 's1',
  userTenantId: 'acme',
  user: { id: 'bob', name: 'Bob' },
  state: 'viewing',
  field: null,
  unsaved: false,
  ...patch,
})

const { room } = entry()

const rosterAt = () => {
  const clock = { ms: 0 }
  return { clock, roster: createRoster({ leaseMs: 45_000, now: () => clock.ms }) }
}

describe('the roster', () => {
  test('folds the tabs of a person into one, as the busiest of them', () => {
    const { roster } = rosterAt()
    roster.put('a', entry())
    roster.put('b', entry({ socketId: 's2', state: 'editing', field: 'name' }))
    roster.put('b', entry({ socketId: 's3', state: 'idle' }))
    expect(roster.people(room, 'acme')).toEqual([
      { user: { id: 'bob', name: 'Bob' }, state: 'editing', field: 'name', tabs: 3 },
    ])
  })

  test('names the busiest people first, and fifty at most', () => {
    const { roster } = rosterAt()
    for (let number = 0; number < 80; number += 1) {
      const user = { id: `u${number}`, name: `U${number}` }
      roster.put('a', entry({ socketId: `s${number}`, user, state: number === 79 ? 'editing' : 'viewing' }))
    }
    const people = roster.people(room, 'acme')
    expect(people).toHaveLength(50)
    expect(people[0]?.user.id).toBe('u79')
  })

  test('says whether anything changed, so that beats are sent to nobody', () => {
    const { roster } = rosterAt()
    expect(roster.put('a', entry())).toBe(true)
    expect(roster.put('a', entry())).toBe(false)
    expect(roster.put('a', entry({ field: 'name' }))).toBe(true)
    expect(roster.put('a', entry({ state: null }))).toBe(true)
    expect(roster.put('a', entry({ state: null }))).toBe(false)
  })

  test('lets an entry go when its lease is over, and not before', () => {
    const { roster, clock } = rosterAt()
    roster.put('a', entry())
    clock.ms = 30_000
    roster.put('a', entry())
    clock.ms = 74_999
    expect(roster.expire()).toEqual([])
    clock.ms = 75_001
    expect(roster.expire().map(({ socketId }) => socketId)).toEqual(['s1'])
    expect(roster.people(room, 'acme')).toEqual([])
    expect(roster.size()).toBe(0)
  })

  test('takes a whole node out', () => {
    const { roster } = rosterAt()
    roster.put('a', entry())
    roster.put('b', entry({ socketId: 's2', user: { id: 'vera', name: 'Vera' } }))
    expect(roster.removeNode('a')).toHaveLength(1)
    expect(roster.people(room, 'acme').map(({ user }) => user.id)).toEqual(['vera'])
    expect(roster.records('acme', 'project', 'acme')).toHaveLength(1)
    roster.removeNode('b')
    expect(roster.records('acme', 'project', 'acme')).toEqual([])
  })
})
