// One timer for the whole page: all counting times ("5 s ago") follow it. It stops while the page is hidden.

import type { Clock, Page, Stop } from './clock.ts'
import { createWritable, type Readable } from './store.ts'

const TICK_MS = 1000

/** This machine's milliseconds, updated each second while the page is visible and there are listeners. */
export function createTicker(clock: Clock, page: Page): Readable<number> {
  const now = createWritable(clock.now())
  let watchers = 0
  let stop: Stop = () => {}

  function run() {
    stop()
    if (!page.isVisible()) return
    now.set(clock.now())
    stop = clock.after(TICK_MS, run)
  }

  let stopPage: Stop = () => {}
  return {
    get: now.get,
    subscribe(listener) {
      const stopListening = now.subscribe(listener)
      watchers += 1
      if (watchers === 1) {
        stopPage = page.onChange(run)
        run()
      }
      return () => {
        stopListening()
        watchers -= 1
        if (watchers > 0) return
        stop()
        stopPage()
      }
    },
  }
}
