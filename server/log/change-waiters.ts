// Who waits for a change on this node, and what ends the waiting: the node's own feed, a time-out, the client's
// going, the server's stopping. Invariant: waiting costs no query, and each wait ends.
import type { Change } from './log-reader.ts'

/** What is told: a change, or a large transaction of them. */
export type Told = Pick<Change, 'source' | 'tenantId'>

export interface ChangeWaiters {
  /** Changes were committed. */
  tell(changes: Told[]): void
  /** How often something was told: whatever is read from now on has seen it all. */
  told(): number
  /** Nothing is certain any more: everybody looks again. */
  rouse(): void
  /**
   * Begins to listen for a change that `matches`. What is told between this and `heard` is not lost.
   * `heard` resolves at the first match, after `ms`, or when the signal or the server ends it.
   */
  listen(matches: (change: Told) => boolean): {
    heard(ms: number, signal: AbortSignal): Promise<void>
    /** Ends the waiting, as a change would. */
    wake(): void
    stop(): void
  }
  /** The server stops: nobody waits any longer. */
  stop(): void
  isStopped(): boolean
}

interface Listener {
  matches(change: Told): boolean
  ring(): void
}

export const createChangeWaiters = (): ChangeWaiters => {
  const listeners = new Set<Listener>()
  let stopped = false
  let told = 0

  const rouse = () => {
    told += 1
    for (const { ring } of listeners) ring()
  }

  return {
    told: () => told,
    tell: (changes) => {
      told += 1
      for (const { matches, ring } of listeners) if (changes.some(matches)) ring()
    },
    rouse,
    listen: (matches) => {
      let candidate = false
      let wake = () => {}
      const listener: Listener = {
        matches,
        ring: () => {
          candidate = true
          wake()
        },
      }
      listeners.add(listener)
      return {
        stop: () => void listeners.delete(listener),
        wake: listener.ring,
        heard: async (ms, signal) => {
          if (!candidate && !stopped && !signal.aborted) {
            await new Promise<void>((resolve) => {
              const timer = setTimeout(resolve, ms)
              wake = () => {
                clearTimeout(timer)
                resolve()
              }
              signal.addEventListener('abort', wake, { once: true })
            })
            signal.removeEventListener('abort', wake)
          }
          candidate = false
        },
      }
    },
    stop: () => {
      stopped = true
      rouse()
    },
    isStopped: () => stopped,
  }
}
