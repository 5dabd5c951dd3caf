// All connections of a node are asked to look again, some at a time: after a failover each page comes with what it watches, and loads what
// it shows. Invariant: everybody is asked within `MOST_MS`, and a newer call asks all anew; while some wait, `isPending` says so,
// since what these show may be of another history.
import type { Watcher } from '../live/watchers.ts'

const TICK_MS = 50
/** A thousand in four seconds: what a node answers beside its other work on a small machine. */
const PER_WATCHER_MS = 4
const MOST_MS = 4_000

/** A way to ask all: {@link createResync}. */
export interface Resync {
  ask(): void
  /** Some have not been asked yet. */
  isPending(): boolean
  stop(): void
}

/** @param watchers All connections of this node. */
export const createResync = (watchers: () => Iterable<Watcher>): Resync => {
  let left: Watcher[] = []
  let atOnce = 1
  let timer: NodeJS.Timeout | undefined

  const stop = () => {
    clearInterval(timer)
    timer = undefined
    left = []
  }
  const askSome = () => {
    for (const watcher of left.splice(0, atOnce)) if (watcher.connected) watcher.emit('Resync')
    if (left.length === 0) stop()
  }
  return {
    ask: () => {
      left = [...watchers()]
      atOnce = Math.ceil(Math.max(TICK_MS / PER_WATCHER_MS, left.length / (MOST_MS / TICK_MS)))
      timer ??= setInterval(askSome, TICK_MS).unref()
      askSome()
    },
    isPending: () => left.length > 0,
    stop,
  }
}
