// Clocks for a client under test: one whose time a test moves by hand, and one on which everything that waits waits less.
import type { Clock } from 'noclobber/client'

/** A clock that stands still until it is moved: {@link createManualClock}. */
export interface ManualClock extends Clock {
  /** Lets so many milliseconds pass, and runs what falls into them, in order. */
  forward(ms: number): void
}

/** A clock for `createRecordClient({ clock })` whose time the test moves itself. `startMs`: its first moment, in milliseconds since 1970. */
export function createManualClock(startMs = Date.UTC(2026, 10, 21, 9, 30)): ManualClock {
  let now = startMs
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

/** A clock on which timers run so many times faster, and the time of day is the machine's: a client polls every second instead of ten. */
export const createFastClock = (factor = 10): Clock => ({
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs / factor)
    return () => clearTimeout(timer)
  },
})
