// Limits how many pieces of work of one key run at a time.
// Invariant: keys don't delay each other, and the queue of each key is bounded.

/** Runs work; `null` where too much of this key waits already. */
export type KeyedLimit = <T>(key: string, work: () => Promise<T>) => Promise<T | null>

export interface KeyedLimitOptions {
  /** Of one key at a time. */
  most: number
  /** Of one key that waits. */
  mostWaiting: number
}

interface Queue {
  running: number
  waiting: (() => void)[]
}

export const createKeyedLimit = ({ most, mostWaiting }: KeyedLimitOptions): KeyedLimit => {
  const queues = new Map<string, Queue>()
  return async (key, work) => {
    const queue = queues.get(key) ?? { running: 0, waiting: [] }
    queues.set(key, queue)
    if (queue.running < most) queue.running += 1
    else if (queue.waiting.length >= mostWaiting) return null
    else await new Promise<void>((resolve) => queue.waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = queue.waiting.shift()
      if (next) next()
      else queue.running -= 1
      if (queue.running === 0) queues.delete(key)
    }
  }
}
