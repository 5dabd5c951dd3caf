// A connection that looks alive and isn't. Heartbeats notice most of them; for the rest versions are compared once a
// minute, and a version that no event told of within seconds is proof enough to connect anew.

import type { Clock, Stop } from '../base/clock.ts'

const COMPARE_MS = 60_000
/** An event may be a little later than the version that it tells of. */
const GRACE_MS = 3000

export interface LivenessCheck {
  /** Is it time to compare? Says so once a minute. */
  isDue(): boolean
  /** An event came. */
  heard(): void
  /** A version was found that no event has told of. */
  missed(): void
  stop: Stop
}

export function createLivenessCheck(clock: Clock, reconnect: () => void): LivenessCheck {
  let comparedAt = clock.now()
  let stopGrace: Stop | null = null

  const rest = () => {
    stopGrace?.()
    stopGrace = null
  }
  return {
    isDue() {
      if (clock.now() - comparedAt < COMPARE_MS) return false
      comparedAt = clock.now()
      return true
    },
    heard: rest,
    missed() {
      stopGrace ??= clock.after(GRACE_MS, () => {
        rest()
        reconnect()
      })
    },
    stop: rest,
  }
}
