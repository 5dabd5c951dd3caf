// Times of the server on a machine whose clock may be wrong.

import { expect, test } from 'vitest'
import { createServerTime } from '../../../../web/client/base/server-clock.ts'
import { createWords } from '../../../../web/client/words/messages.ts'
import { timeAgo } from '../../../../web/client/words/time-ago.ts'

const SERVER_NOW = Date.UTC(2026, 10, 21, 9, 30)
const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS
const words = createWords()

function timeOn(aheadMs: number) {
  const now = SERVER_NOW + aheadMs
  const time = createServerTime({ now: () => now, after: () => () => {} })
  time.learn(new Date(SERVER_NOW).toUTCString())
  const ago = (secondsAgo: number) =>
    timeAgo(time.localTime(new Date(SERVER_NOW - secondsAgo * 1000).toISOString()), now, words)
  return { now, time, ago }
}

test.each([0, DAY_MS, -DAY_MS])('a clock that is %i ms off says what a right one says', (aheadMs) => {
  const { ago } = timeOn(aheadMs)
  expect([ago(0), ago(30).replace(/\d+/, 'n'), ago(7200), ago(3 * 86_400)]).toEqual([
    'just now',
    'n s ago',
    '2 h ago',
    '3 days ago',
  ])
})

test('a time is never in the future', () => {
  const { now, time } = timeOn(0)
  expect(time.localTime(new Date(SERVER_NOW + 60_000).toISOString())).toBe(now)
  expect(time.localTime(null)).toBe(now)
})

test.each([HOUR_MS, -HOUR_MS])('where a node’s clock is %i ms off the database’s counts', (aheadMs) => {
  let now = SERVER_NOW + 2 * aheadMs
  let elapsed = 0
  const time = createServerTime({ now: () => now, elapsed: () => elapsed, after: () => () => {} })
  const said = () => timeAgo(time.localTime(new Date(SERVER_NOW - 30_000).toISOString()), now, words)
  time.learn(new Date(SERVER_NOW + aheadMs).toUTCString())
  time.learnAge({ as_of: new Date(SERVER_NOW - 2000).toISOString(), behind_ms: 2000 })
  expect(said()).toBe('30 s ago')
  time.learn(new Date(SERVER_NOW + aheadMs).toUTCString())
  time.learnAge({ as_of: new Date(SERVER_NOW - 9000).toISOString(), behind_ms: 0 })
  time.learnAge({ as_of: null, behind_ms: null })
  time.learnAge({ as_of: 'yesterday', behind_ms: 0 })
  expect(said()).toBe('30 s ago')
  elapsed += 10_000
  now += 10_000
  expect(said()).toBe('40 s ago')
  // The machine's clock is set right.
  now = SERVER_NOW + 10_000
  expect(said()).toBe('40 s ago')
})

test('another database’s clock may be behind that of the one before', () => {
  const now = SERVER_NOW
  const time = createServerTime({ now: () => now, after: () => () => {} })
  time.learnAge({ as_of: new Date(SERVER_NOW).toISOString(), behind_ms: 0 })
  time.connected()
  time.learnAge({ as_of: new Date(SERVER_NOW - HOUR_MS).toISOString(), behind_ms: 0 })
  expect(now - time.localTime(new Date(SERVER_NOW - HOUR_MS - 5000).toISOString())).toBe(5000)
})

test('headers that say nothing change nothing', () => {
  const { ago, time } = timeOn(DAY_MS)
  time.learn(null)
  time.learn('yesterday')
  expect(ago(7200)).toBe('2 h ago')
})
