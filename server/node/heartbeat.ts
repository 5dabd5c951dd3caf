// Says to every connection how far this node has read the log: each 10 s, at once when the node falls behind, and at once when
// it has caught up. A node that stays behind asks its connections to come back, elsewhere if there is another.
// Invariant: an age is sent after the events of what it speaks of.
import type { Limits, Logger } from '../base/options.ts'
import { type Age, BEHIND_MS } from '../protocol/index.ts'

const LOOK_MS = 500

export interface HeartbeatOptions {
  age(): Age
  /** Some connections have not been asked yet to look again: an age would speak of what they don't show. */
  isResyncing(): boolean
  /** Sends it to every connection of this node. */
  send(age: Age): void
  /** Closes every connection of this node, each at a moment of its own. */
  sendAway(): void
  limits: Pick<Limits, 'behindMs' | 'heartbeatMs'>
  log: Logger
}

/** Begins to say it; gives the function that ends it. */
export const keepHeartbeat = (options: HeartbeatOptions): (() => void) => {
  const { age, isResyncing, send, sendAway, limits, log } = options
  let sentAt = performance.now()
  let wasBehind = false
  let wereSentAway = false

  const look = () => {
    if (isResyncing()) return
    const now = age()
    const behindMs = now.behind_ms ?? 0
    const isBehind = behindMs > BEHIND_MS
    if (isBehind !== wasBehind) {
      if (isBehind)
        log.warn({ ...now }, 'The change log is not being read: its pages say that they are behind.')
      else log.info({ ...now }, 'The change log is read again.')
    }
    if (isBehind !== wasBehind || performance.now() - sentAt >= limits.heartbeatMs) {
      sentAt = performance.now()
      send(now)
    }
    wasBehind = isBehind
    const isTooFar = behindMs > limits.behindMs
    if (isTooFar && !wereSentAway) sendAway()
    wereSentAway = isTooFar
  }

  const timer = setInterval(look, Math.min(LOOK_MS, limits.heartbeatMs))
  timer.unref()
  return () => clearInterval(timer)
}
