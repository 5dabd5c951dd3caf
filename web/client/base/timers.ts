// Timers by name: each runs at most once at a time, and all can be cancelled together.

import type { Clock, Stop } from './clock.ts'

export type Timers = ReturnType<typeof createTimers>

export function createTimers(clock: Clock) {
  const running = new Map<string, Stop>()

  function cancel(name: string) {
    running.get(name)?.()
    running.delete(name)
  }

  return {
    has: (name: string) => running.has(name),
    /** `keep`: a timer that already runs under this name goes on instead. */
    start(name: string, delayMs: number, run: () => void, ifRunning: 'keep' | 'restart' = 'restart') {
      if (ifRunning === 'keep' && running.has(name)) return
      cancel(name)
      const stop = clock.after(delayMs, () => {
        running.delete(name)
        run()
      })
      running.set(name, stop)
    },
    cancel,
    cancelAll() {
      for (const stop of running.values()) stop()
      running.clear()
    },
  }
}
