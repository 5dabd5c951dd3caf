// When a store works: from its first listener until a little after its last, so that React's double mounting and a quick
// A → B → A cost nothing.

import type { Clock, Stop } from './clock.ts'

const LINGER_MS = 1000

export interface Lifetime {
  hasListeners(): boolean
  /** Counts a listener; the result ends its subscription, once. */
  add(stopSubscription: Stop): Stop
  /** Calls off the pending release. */
  stop: Stop
}

export interface LifetimeOptions {
  clock: Clock
  isMounted: () => boolean
  mount: () => void
  release: () => void
}

export function createLifetime({ clock, isMounted, mount, release }: LifetimeOptions): Lifetime {
  let listeners = 0
  let stopLinger: Stop = () => {}
  return {
    hasListeners: () => listeners > 0,
    add(stopSubscription) {
      listeners += 1
      stopLinger()
      if (!isMounted()) mount()
      let isStopped = false
      return () => {
        if (isStopped) return
        isStopped = true
        stopSubscription()
        listeners -= 1
        if (listeners === 0) stopLinger = clock.after(LINGER_MS, release)
      }
    },
    stop: () => stopLinger(),
  }
}
