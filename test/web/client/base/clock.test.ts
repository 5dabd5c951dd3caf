// The machine's clock: its time of day may be put back, and nothing that happened comes to lie in the future.

import { afterEach, expect, test, vi } from 'vitest'
import { elapsedOf, systemClock } from '../../../../web/client/base/clock.ts'
import { createManualClock } from '../../../support/clocks.ts'

afterEach(() => vi.restoreAllMocks())

test('a time of day that is put back an hour goes on from where it was, a duration is not touched', () => {
  const real = Date.now()
  const times = [0, 1000, -3_600_000, -3_599_000, -3_598_000].map((offset) => real + offset)
  const elapsed = elapsedOf(systemClock)
  vi.spyOn(Date, 'now').mockReturnValue(0)
  const read = times.map((time) => {
    vi.mocked(Date.now).mockReturnValue(time)
    return systemClock.now() - real
  })
  expect(read).toEqual([0, 1000, 1000, 2000, 3000])
  expect(elapsedOf(systemClock) - elapsed).toBeGreaterThanOrEqual(0)
  expect(elapsedOf(systemClock) - elapsed).toBeLessThan(60_000)
})

test('a clock that knows one time alone measures durations by it', () => {
  const clock = createManualClock()
  const before = elapsedOf(clock)
  clock.forward(5000)
  expect(elapsedOf(clock) - before).toBe(5000)
})
