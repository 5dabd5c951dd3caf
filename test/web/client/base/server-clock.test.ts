// Times of the server on a machine whose clock may be wrong.

import { expect, test } from 'vitest'
import { createServerTime } from '../../../../web/client/base/server-clock.ts'
import { createWords } from '../../../../web/client/words/messages.ts'
import { timeAgo } from '../../../../web/client/words/time-ago.ts'

const SERVER_NOW = Date.UTC(2026, 10, 21, 9, 30)
const DAY_MS = 24 * 60 * 60 * 1000
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

test('headers that say nothing change nothing', () => {
  const { ago, time } = timeOn(DAY_MS)
  time.learn(null)
  time.learn('yesterday')
  expect(ago(7200)).toBe('2 h ago')
})
