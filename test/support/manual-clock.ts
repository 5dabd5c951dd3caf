// A clock whose hands a test turns itself.
import type { Clock } from '../../web/client/base/clock.ts'

export interface ManualClock extends Clock {
  /** Lets so much time pass, and runs what falls into it, in order. */
  forward(ms: number): void
}

export function createManualClock(): ManualClock {
  let now = Date.UTC(2026, 10, 21, 9, 30)
  let timers: { at: number; run: () => void }[] = []
  return {
    now: () => now,
    after(delayMs, run) {
      const timer = { at: now + delayMs, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    forward(ms) {
      const until = now + ms
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
        if (!next) break
        timers = timers.filter((timer) => timer !== next)
        now = Math.max(now, next.at)
        next.run()
      }
      now = until
    },
  }
}
