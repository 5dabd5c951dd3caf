// Bounded waiting: timeouts, and an end that interrupts every wait.
import { setTimeout as pause } from 'node:timers/promises'

/** Resolves when the work is over, well or not, and at the latest after `ms`; `false`: it isn't over. */
export const atMost = async (ms: number, work: Promise<unknown>): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  const over = work.then(
    () => true,
    () => true,
  )
  const isOver = await Promise.race([over, late])
  clearTimeout(timer)
  return isOver
}

/**
 * What the work gives, if it does so within `ms`.
 *
 * @param late What is thrown where it doesn't: an error, or the sentence of one.
 * @throws what `late` gives, and whatever the work throws.
 */
export const withinMs = async <T>(ms: number, work: Promise<T>, late: string | (() => Error)): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(typeof late === 'string' ? new Error(late) : late()), ms)
  })
  try {
    return await Promise.race([work, end])
  } finally {
    clearTimeout(timer)
  }
}

/** An end that may come while any number of works go on, one after the other or at once. */
export interface Ending {
  /** What the work gives, or the end's error where that comes first. An end that came before the work counts too. */
  orEnd<T>(work: Promise<T>): Promise<T>
  end(error: Error): void
}

/**
 * Makes an end for work that comes again and again. `Promise.race([work, end])` would add a reaction to `end` each time,
 * and keep what each work resolved to for as long as `end` is there: here nothing of a work stays once it is over.
 */
export const createEnding = (): Ending => {
  const waiting = new Set<(error: Error) => void>()
  let ended: Error | null = null
  return {
    orEnd: (work) =>
      new Promise((resolve, reject) => {
        const forget = () => waiting.delete(reject)
        work.then(
          (value) => {
            forget()
            resolve(value)
          },
          (error) => {
            forget()
            reject(error)
          },
        )
        if (ended) reject(ended)
        else waiting.add(reject)
      }),
    end: (error) => {
      ended ??= error
      for (const reject of waiting) reject(ended)
      waiting.clear()
    },
  }
}

/** Resolves after so long, or when the signal aborts. `ref: false`: it keeps no process alive. */
export const pauseUntil = async (
  ms: number,
  signal: AbortSignal | undefined,
  { ref = true }: { ref?: boolean } = {},
): Promise<void> => {
  // It is rejected by the signal alone.
  await pause(ms, undefined, { ref, ...(signal && { signal }) }).catch(() => {})
}
