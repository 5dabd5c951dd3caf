// When a list refreshes: at once after a quiet time, in its pace under many events, and not with everybody else.
import { expect, test } from 'vitest'
import { createRefreshSchedule, PACE_MS } from '../../../../web/client/list/refresh-schedule.ts'
import { createManualClock } from '../../../support/clocks.ts'

/** A schedule whose refreshes end at once, and when they began. */
function scheduled(random = () => 0.5) {
  const clock = createManualClock()
  const begun = clock.now()
  const at: number[] = []
  const schedule = createRefreshSchedule({
    clock,
    page: { isVisible: () => true, isOnline: () => true, onChange: () => () => {} },
    random,
    paceMs: PACE_MS,
    refresh: async () => void at.push(clock.now() - begun),
    isCostly: () => false,
    onDue: () => {},
  })
  /** Lets time pass in small steps, so that a refresh that is over is over before the next event. */
  const pass = async (ms: number, each: () => void = () => {}) => {
    for (let passed = 0; passed < ms; passed += 50) {
      clock.forward(50)
      await Promise.resolve()
      await Promise.resolve()
      each()
    }
  }
  return { schedule, at, pass }
}

test('a lone event is shown at once', async () => {
  const { schedule, at, pass } = scheduled()
  schedule.afterEvent()
  await pass(500)
  expect(at).toHaveLength(1)
  expect(at[0]).toBeLessThanOrEqual(400)
})

test('events without end refresh again and again, and no two times within the pace', async () => {
  const { schedule, at, pass } = scheduled()
  await pass(20_000, schedule.afterEvent)
  expect(at.length).toBeGreaterThan(3)
  const gaps = at.slice(1).map((moment, index) => moment - (at[index] as number))
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(PACE_MS)
  expect(Math.max(...gaps)).toBeLessThan(2 * PACE_MS)
})

test('an event soon after a refresh waits for the pace', async () => {
  const { schedule, at, pass } = scheduled(() => 1)
  schedule.afterEvent()
  await pass(450)
  schedule.afterEvent()
  await pass(2 * PACE_MS)
  expect(at).toHaveLength(2)
  expect((at[1] as number) - (at[0] as number)).toBeGreaterThanOrEqual(PACE_MS)
})

test('after a join each page refreshes at a moment of its own', async () => {
  const [early, late] = [scheduled(() => 0), scheduled(() => 0.9)]
  for (const { schedule } of [early, late]) schedule.afterJoin()
  for (const { pass } of [early, late]) await pass(200)
  expect([early.at.length, late.at.length]).toEqual([1, 0])
  await late.pass(1_000)
  expect(late.at).toHaveLength(1)
})

test('once stopped nothing is refreshed', async () => {
  const { schedule, at, pass } = scheduled()
  schedule.afterEvent()
  schedule.stop()
  await pass(2 * PACE_MS)
  await schedule.now()
  expect(at).toEqual([])
})
