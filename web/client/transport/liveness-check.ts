// Detects a connection that is open but delivers nothing. Heartbeats find most of them; for the rest, versions are
// compared once a minute, and a newer version without an event within seconds causes a reconnect.

import { type Clock, elapsedOf, type Stop } from '../base/clock.ts'

const COMPARE_MS = 60_000
/** An event may arrive a little after a poll shows its version. */
const GRACE_MS = 3000

export interface LivenessCheck {
  /** `true` once a minute: time to compare versions. */
  isDue(): boolean
  /** An event arrived. */
  eventReceived(): void
  /** A poll found a version for which no event had arrived. */
  missed(): void
  stop: Stop
}

export function createLivenessCheck(clock: Clock, reconnect: () => void): LivenessCheck {
  let comparedAt = elapsedOf(clock)
  let stopGrace: Stop | null = null

  const rest = () => {
    stopGrace?.()
    stopGrace = null
  }
  return {
    isDue() {
      if (elapsedOf(clock) - comparedAt < COMPARE_MS) return false
      comparedAt = elapsedOf(clock)
      return true
    },
    eventReceived: rest,
    missed() {
      stopGrace ??= clock.after(GRACE_MS, () => {
        rest()
        reconnect()
      })
    },
    stop: rest,
  }
}
