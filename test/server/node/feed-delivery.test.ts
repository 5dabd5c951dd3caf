// What a node makes of changes that its feed has come to: which it takes whole, and whether anybody waits, so that the next read may not.
import { expect, test } from 'vitest'
import { createChangeWaiters } from '../../../server/log/change-waiters.ts'
import type { ChangeKey } from '../../../server/log/log-reader.ts'
import { createFeedDelivery } from '../../../server/node/feed-delivery.ts'

type Wants = 'whole' | 'delivered' | null

const keyOf = (id: string): ChangeKey => ({
  ...{ xid: '7', seq: id, source: 'public.tasks', id, version: 2, tenantId: 'acme', scopes: null },
  isImported: false,
})

const select = (wants: (key: ChangeKey) => Wants, pollsFor?: string) => {
  const changeWaiters = createChangeWaiters()
  const waiting = pollsFor && changeWaiters.listen('acme', ({ source }) => source === pollsFor)
  const { select } = createFeedDelivery({
    receivers: () => [{ wants, deliver: async () => {} }],
    changeWaiters,
    node: () => ({ metrics: { read: () => {}, delivered: () => {} } as never, passed: () => {} }),
    onBatches: () => {},
    feed: () => ({ cursor: () => null, age: () => ({ as_of: null, behind_ms: null }) }),
    eventsPerRecord: 5,
  })
  const { wanted, isAwaited } = select([keyOf('1'), keyOf('2')])
  if (waiting) waiting.stop()
  return { wanted: wanted.map(({ id }) => id), isAwaited }
}

test('what somebody watches is taken whole, and awaited', () => {
  expect(select(({ id }) => (id === '2' ? 'whole' : null))).toEqual({ wanted: ['2'], isAwaited: true })
})

test('what was delivered ahead is not taken again, and awaited: its watchers may wait for the next one', () => {
  expect(select(({ id }) => (id === '1' ? 'delivered' : null))).toEqual({ wanted: [], isAwaited: true })
})

test('what a long poll asks for is awaited; what nobody asks for is not', () => {
  expect(select(() => null, 'public.tasks')).toEqual({ wanted: [], isAwaited: true })
  expect(select(() => null, 'public.projects')).toEqual({ wanted: [], isAwaited: false })
})
