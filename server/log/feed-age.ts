// How far a feed has come, by the database's clock and by this process's.
// Invariant: never less than the truth. What another node has read is dated by the database's clock, and this process knows that clock
// from its own reads: a statement can't have been there before it was sent.
import type { Age } from '../protocol/index.ts'

/** When a reading began: by the database's clock, and by this process's or before it. */
interface Moment {
  asOf: string
  at: number
}

const LONG_AGO = Number.NEGATIVE_INFINITY

export const createFeedAge = () => {
  let endedAt = LONG_AGO
  let own: Moment | null = null
  let handedOn: Moment | null = null

  /** A time of the database's clock by this process's, or a moment before it. */
  const momentOf = (asOf: string) =>
    own ? Math.min(own.at + Date.parse(asOf) - Date.parse(own.asOf) - 1, performance.now()) : LONG_AGO

  return {
    momentOf,
    /** The log was read to its end, from this moment on. */
    read: (asOf: string | null, begunAt: number) => {
      endedAt = performance.now()
      if (asOf === null) return
      own = { asOf, at: begunAt }
      handedOn = own
    },
    /** What another node read then was handed on. */
    took: (asOf: string) => {
      const at = momentOf(asOf)
      endedAt = Math.max(endedAt, at)
      if (at > (handedOn?.at ?? LONG_AGO)) handedOn = { asOf, at }
    },
    /** How long ago this feed last read by itself, in milliseconds. */
    ownReadMs: () => performance.now() - (own?.at ?? LONG_AGO),
    idleMs: () => performance.now() - endedAt,
    age: (): Age =>
      handedOn
        ? { as_of: handedOn.asOf, behind_ms: Math.round(performance.now() - handedOn.at) }
        : { as_of: null, behind_ms: null },
  }
}
