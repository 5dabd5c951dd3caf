// A share of the time for each person, while others are at work.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFairQueue } from '../../../server/pacing/fair-queue.ts'
import {
  createActivity,
  createStrictness,
  createWorkAllowance,
} from '../../../server/pacing/work-allowance.ts'

const alice = { tenantId: 'acme', id: 'alice' }
const bob = { tenantId: 'acme', id: 'bob' }

test('anyone who has had more than a burst waits until their share has paid for it, and nobody else does', () => {
  let time = 1_000
  const allowance = createWorkAllowance({ share: 0.5, burstMs: 100, now: () => time })
  for (let n = 0; n < 10; n += 1) allowance.spend(alice, 10)
  expect(allowance.readyAt(alice)).toBeLessThanOrEqual(time)
  allowance.spend(alice, 10)
  expect(allowance.readyAt(alice)).toBe(time + 20)
  expect(allowance.readyAt(bob)).toBeLessThanOrEqual(time)
  time += 20
  expect(allowance.readyAt(alice)).toBeLessThanOrEqual(time)
})

test('over any time nobody has more than a burst and their share, whatever pieces it is in', () => {
  const pieces = fc.array(fc.double({ min: 0.1, max: 50, noNaN: true }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(pieces, fc.double({ min: 0.05, max: 1, noNaN: true }), (all, share) => {
      let time = 0
      const allowance = createWorkAllowance({ share, burstMs: 100, now: () => time })
      let done = 0
      for (const piece of all) {
        time = Math.max(time, allowance.readyAt(alice))
        allowance.spend(alice, piece)
        done += piece
        expect(done).toBeLessThanOrEqual(100 + share * time + piece + 1e-6)
      }
    }),
  )
})

test('anyone who is alone is not counted; who was at work two seconds ago is not there any more', () => {
  let time = 0
  const now = () => time
  const activity = createActivity(now)
  const allowance = createWorkAllowance({ share: 0.1, burstMs: 0, activity, now })
  activity.note(alice)
  allowance.spend(alice, 50)
  expect(allowance.readyAt(alice)).toBe(0)
  activity.note(bob)
  activity.note(alice)
  activity.note(alice)
  allowance.spend(alice, 50)
  expect(allowance.readyAt(alice)).toBe(500)
  time = 2_000
  activity.note(alice)
  expect(activity.hasOthers(alice)).toBe(false)
  expect(activity.hasOthers(bob)).toBe(true)
})

test('of several who have much done nobody is slowed down; one who has most of it is', () => {
  const time = 0
  const allowance = createWorkAllowance({ share: 0.1, burstMs: 0, now: () => time })
  allowance.spend(alice, 1)
  allowance.spend(bob, 1)
  const before = allowance.readyAt(alice)
  for (let n = 0; n < 50; n += 1) {
    allowance.spend(bob, 10)
    allowance.spend(alice, 10)
  }
  expect(allowance.readyAt(alice)).toBe(before)
  for (let n = 0; n < 100; n += 1) allowance.spend(alice, 10)
  expect(allowance.readyAt(alice)).toBeGreaterThan(before + 1_000)
})

test('in a queue: one at a time, never more than a few, and still a large answer delays the next one', async () => {
  let time = 1
  const now = () => time
  const allowance = createWorkAllowance({ share: 0.5, burstMs: 10, now })
  const costOf = (_tookMs: number, bytes: number) => bytes / 1_000
  const queue = createFairQueue({ atOnce: 4, perPerson: 4, allowance, costOf, now })
  const end = await queue.enter(alice)
  end(30_000)
  expect(queue.isRested(alice)).toBe(false)
  let hasBegun = false
  const waiting = queue.enter(alice).then((given) => {
    hasBegun = true
    given()
  })
  await queue.run(bob, async () => {})
  expect(hasBegun).toBe(false)
  time = 41
  await queue.run(bob, async () => {})
  await waiting
  expect(hasBegun).toBe(true)
})

test('what is done without a turn is counted too', () => {
  const allowance = createWorkAllowance({ share: 0.5, burstMs: 1 })
  const queue = createFairQueue({ atOnce: 4, perPerson: 4, allowance, costOf: (_tookMs, rooms) => rooms })
  expect(queue.isRested(alice)).toBe(true)
  queue.count(alice, 1_000)
  expect(queue.isRested(alice)).toBe(false)
  expect(queue.isRested(bob)).toBe(true)
})

test('on an event loop that has no time left work counts more often', () => {
  let time = 0
  const strictness = createStrictness(() => time)
  expect(strictness()).toBe(1)
  const until = performance.now() + 300
  while (performance.now() < until);
  time = 300
  expect(strictness()).toBeGreaterThan(2)
  const allowance = createWorkAllowance({ share: 1, burstMs: 0, strictness: () => 3, now: () => time })
  allowance.spend(alice, 10)
  expect(allowance.readyAt(alice)).toBe(330)
})
