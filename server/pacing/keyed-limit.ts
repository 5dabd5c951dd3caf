// Work of one key, so much of it at a time.
// Invariant: no key takes another's turn, and what waits for one has a bound.

/** Runs work; `null` where too much of this key waits already. */
export type KeyedLimit = <T>(key: string, work: () => Promise<T>) => Promise<T | null>

export interface KeyedLimitOptions {
  /** Of one key at a time. */
  most: number
  /** Of one key that waits. */
  mostWaiting: number
}

interface Lane {
  running: number
  waiting: (() => void)[]
}

export const createKeyedLimit = ({ most, mostWaiting }: KeyedLimitOptions): KeyedLimit => {
  const lanes = new Map<string, Lane>()
  return async (key, work) => {
    const lane = lanes.get(key) ?? { running: 0, waiting: [] }
    lanes.set(key, lane)
    if (lane.running < most) lane.running += 1
    else if (lane.waiting.length >= mostWaiting) return null
    else await new Promise<void>((resolve) => lane.waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = lane.waiting.shift()
      if (next) next()
      else lane.running -= 1
      if (lane.running === 0) lanes.delete(key)
    }
  }
}
