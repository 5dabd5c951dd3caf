// When something that waits was asked for: what waits is sent in this order, saves and requests of the app's own alike.
import type { Clock } from '../base/clock.ts'

const STEP_MS = 0.001
const latest = new WeakMap<Clock, number>()

/** Milliseconds since 1970, and later than for anything before it: several things may be asked for in one millisecond. */
export const askedAt = (clock: Clock): number => {
  const before = latest.get(clock)
  const at = before === undefined ? clock.now() : Math.max(clock.now(), before + STEP_MS)
  latest.set(clock, at)
  return at
}
