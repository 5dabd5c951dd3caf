// The offset between the server's clock and this machine's, from the Date header of answers, so that a laptop that is
// a day off still shows "5 s ago". Times are only shown; nothing is decided by them.

import type { Clock } from './clock.ts'

/** A Date header has whole seconds: smaller differences count as none. */
const AGREEING_MS = 2000

export interface ServerTime {
  learn(dateHeader: string | null): void
  /** The server's time in this machine's milliseconds, never in the future. */
  localTime(iso: string | null): number
}

export function createServerTime(clock: Clock): ServerTime {
  let aheadMs = 0
  return {
    learn(dateHeader) {
      const serverNow = dateHeader ? Date.parse(dateHeader) : Number.NaN
      if (Number.isNaN(serverNow)) return
      const difference = serverNow + 500 - clock.now()
      aheadMs = Math.abs(difference) < AGREEING_MS ? 0 : difference
    },
    localTime(iso) {
      const at = iso ? Date.parse(iso) : Number.NaN
      return Number.isNaN(at) ? clock.now() : Math.min(clock.now(), at - aheadMs)
    },
  }
}
