// Waiting for a condition instead of for time.
import { setTimeout as pause } from 'node:timers/promises'

/** What is waited for, and how long. */
export interface WaitOptions {
  /** Ends the sentence "Waited 5000 ms for …"; a function says in it how things stand by then. */
  what: string | (() => string | Promise<string>)
  /** Default: 20 s, which a slow and busy machine may need. */
  deadlineMs?: number
}

/**
 * Asks again and again until the answer is truthy, and gives it back.
 * After the deadline it throws, with the condition's own last error as the cause.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { what, deadlineMs = 20_000 }: WaitOptions,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + deadlineMs
  let cause: unknown
  do {
    try {
      const answer = await condition()
      if (answer) return answer
      cause = undefined
    } catch (error) {
      cause = error
    }
    await pause(10)
  } while (performance.now() < deadline)
  throw new Error(`Waited ${deadlineMs} ms for ${typeof what === 'string' ? what : await what()}`, { cause })
}
