// What a node holds back of a record that changes many times a second, and what it says of itself meanwhile: its age and the position
// that streams go on from are those of before it, so nothing that is held is lost or called handed on.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { FeedBatch } from '../../../server/log/feed-batch.ts'
import type { Change } from '../../../server/log/log-reader.ts'
import { createEventStorms } from '../../../server/node/event-storms.ts'
import { createFeedDelivery } from '../../../server/node/feed-delivery.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const change = (version: number, more: Partial<Change> = {}): Change => ({
  ...{ xid: `${100 + version}`, seq: `${version}`, source: 'public.tasks', id: '1', version },
  ...{ event: 'updated', tenantId: 'acme', changedFields: ['title'], scopes: null },
  ...{ updatedAt: '', updatedBy: { id: 'robot', name: 'Robot', kind: 'service' } },
  ...{ tabId: null, socketId: null, importId: null, restoredFrom: null, oldRow: null },
  ...more,
})

const cursorAt = (n: number) => ({ epoch: '0123456789abcdef', snapshot: `${n}:${n}:` })

const scene = () => {
  const delivered: FeedBatch[] = []
  const feedIs = { at: 1, readAt: performance.now(), isFailing: false }
  const delivery = createFeedDelivery({
    receivers: () => [
      {
        wants: () => 'whole' as const,
        deliver: async (batch) => {
          if (feedIs.isFailing) throw new Error('The database is away.')
          delivered.push(batch)
        },
      },
    ],
    changeWaiters: { notify: () => false } as never,
    node: () => ({ metrics: { read: () => {}, delivered: () => {} } as never, passed: () => {} }),
    onBatches: () => {},
    feed: () => ({
      cursor: () => cursorAt(feedIs.at),
      age: () => ({
        as_of: `as of ${feedIs.at}`,
        behind_ms: Math.round(performance.now() - feedIs.readAt),
      }),
    }),
    eventsPerRecord: 2,
  })
  /** As the feed does it: its position and age move on once the batch was handed on. */
  const read = async (...changes: Change[]) => {
    const after = cursorAt(feedIs.at + 1)
    const readAt = performance.now()
    await delivery.deliver({ changes, largeTransactions: [], after })
    Object.assign(feedIs, { at: feedIs.at + 1, readAt })
  }
  const versions = () =>
    delivered.flatMap(({ changes }) =>
      changes.map(({ version, previousVersion = version - 1 }) => [previousVersion, version]),
    )
  return { delivery, delivered, read, versions, feedIs }
}

test('the first of a second go out at once, the rest at its end, as one', async () => {
  const { read, versions, delivered } = scene()
  for (let version = 2; version <= 9; version += 1) await read(change(version))
  expect(versions()).toEqual([
    [1, 2],
    [2, 3],
  ])
  await read(change(10, { changedFields: ['due_on'] }))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(versions().at(-1)).toEqual([3, 10])
  expect(delivered.at(-1)?.changes[0]?.changedFields).toEqual(['title', 'due_on'])
})

test('a storm that goes on is one event a second, and a record beside it goes out at once', async () => {
  const { read, versions, delivered } = scene()
  for (let version = 2; version <= 100; version += 1) {
    await read(change(version))
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(versions().length).toBeLessThanOrEqual(2 + 11)
  await read(change(101), change(7, { id: '2' }))
  expect(delivered.at(-1)?.changes.map(({ id }) => id)).toEqual(['2'])
  await vi.advanceTimersByTimeAsync(3_000)
  const before = versions().length
  await read(change(102))
  expect(versions()).toHaveLength(before + 1)
})

test('while something is held, age and position are those of before it', async () => {
  const { read, delivery, delivered } = scene()
  await read(change(2), change(3))
  const before = delivery.age()
  await read(change(4))
  expect(delivery.cursor()).toEqual(cursorAt(2))
  expect(delivered.at(-1)?.after).toEqual(cursorAt(2))
  await vi.advanceTimersByTimeAsync(400)
  await read(change(5))
  expect(delivery.age()).toMatchObject({ as_of: before.as_of })
  expect(delivery.age().behind_ms).toBeGreaterThanOrEqual(400)
  await vi.advanceTimersByTimeAsync(600)
  expect(delivery.cursor()).toEqual(cursorAt(4))
  expect(delivery.age().as_of).toBe('as of 4')
})

test('what can’t be delivered is kept, and goes out once it can', async () => {
  const { read, delivery, versions, feedIs } = scene()
  for (let version = 2; version <= 6; version += 1) await read(change(version))
  feedIs.isFailing = true
  await vi.advanceTimersByTimeAsync(2_500)
  expect(delivery.cursor()).toEqual(cursorAt(3))
  feedIs.isFailing = false
  await vi.advanceTimersByTimeAsync(1_000)
  expect(versions().at(-1)).toEqual([3, 6])
  expect(delivery.cursor()).toEqual(cursorAt(6))
})

test('a batch that the feed gives twice is held once', async () => {
  const { read, versions } = scene()
  await read(change(2), change(3), change(4), change(5))
  await read(change(4), change(5))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(versions().at(-1)).toEqual([3, 5])
})

test('what several people do stays apart, unless they alternate without end', () => {
  const storms = createEventStorms(0, () => {})
  const bob = { updatedBy: { id: 'bob', name: 'Bob', kind: 'user' as const }, tabId: 'bobs' }
  storms.take([change(2), change(3), change(4, bob), change(5), change(6)])
  expect(storms.held().map(({ version, previousVersion }) => [previousVersion, version])).toEqual([
    [1, 3],
    [undefined, 4],
    [4, 6],
  ])
  for (let version = 7; version < 30; version += 1)
    storms.take([change(version, version % 2 === 0 ? bob : {})])
  expect(storms.held()).toHaveLength(4)
  expect(storms.held().at(-1)?.version).toBe(29)
  storms.forget()
})

test('a change ahead of the feed counts once, and none passes what is held', async () => {
  const { delivery, read, versions } = scene()
  const ahead: number[] = []
  const save = (version: number) =>
    delivery.ahead(({ change: saved }) => void ahead.push(saved.version))({
      ...{ change: change(version, { xid: '' }), row: {} as never, isAlone: true },
    })
  save(2)
  await read(change(2))
  save(3)
  await read(change(3))
  save(4)
  await read(change(4))
  save(5)
  expect(ahead).toEqual([2, 3])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(versions().at(-1)).toEqual([3, 4])
})
