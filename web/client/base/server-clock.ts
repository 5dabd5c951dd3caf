// What a time of the database's is on this machine, so that a laptop, or a node, whose clock is a day off still shows "5 s ago".
// The database's clock is known from how far the node has read its log; before that, the Date header of answers stands for it.
// Times are only shown; nothing is decided by them.

import type { Age } from '../../../server/protocol/index.ts'
import { type Clock, elapsedOf } from './clock.ts'

/** A Date header has whole seconds: smaller differences count as none. */
const AGREEING_MS = 2000

export interface ServerTime {
  /** From an answer. */
  learn(dateHeader: string | null, age?: Partial<Age>): void
  learnAge(age: Partial<Age>): void
  /** What was learned may be another database's: the next age counts, whatever it says. */
  connected(): void
  /** The database's time in this machine's milliseconds, never in the future. */
  localTime(iso: string | null): number
}

export function createServerTime(clock: Clock): ServerTime {
  let nodeAheadMs = 0
  let database: { aheadMs: number; asOf: string } | null = null
  const self: ServerTime = {
    learn(dateHeader, age = {}) {
      self.learnAge(age)
      const serverNow = dateHeader ? Date.parse(dateHeader) : Number.NaN
      if (Number.isNaN(serverNow)) return
      const difference = serverNow + 500 - clock.now()
      nodeAheadMs = Math.abs(difference) < AGREEING_MS ? 0 : difference
    },
    learnAge({ as_of: asOf, behind_ms: behindMs }) {
      const at = asOf ? Date.parse(asOf) : Number.NaN
      if (!asOf || Number.isNaN(at) || typeof behindMs !== 'number' || asOf < (database?.asOf ?? '')) return
      database = { aheadMs: at + behindMs - elapsedOf(clock), asOf }
    },
    connected() {
      if (database) database = { ...database, asOf: '' }
    },
    localTime(iso) {
      const at = iso ? Date.parse(iso) : Number.NaN
      const now = clock.now()
      const there = database ? elapsedOf(clock) + database.aheadMs : now + nodeAheadMs
      return Number.isNaN(at) ? now : Math.min(now, now - (there - at))
    },
  }
  return self
}
