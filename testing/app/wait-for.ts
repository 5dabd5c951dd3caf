// Waiting for a condition instead of for time, in any test runner.
import { setTimeout as pause } from 'node:timers/promises'

/** What is waited for, and how long. */
export interface WaitOptions {
  /** Ends the sentence "Waited 5000 ms for …"; a function says in it how things stand by then. */
  what: string | (() => string | Promise<string>)
  /** In milliseconds. Default: 20,000, which a slow and busy machine may need. */
  deadlineMs?: number
}

/** Between two looks: a twentieth of what was waited so far, within these bounds. Looking costs others their time. */
const [SHORTEST_MS, LONGEST_MS] = [10, 50]

/**
 * Asks again and again until the answer is truthy, and gives it back.
 *
 * @throws Error after the deadline, with the condition's own last error as the cause.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { what, deadlineMs = 20_000 }: WaitOptions,
): Promise<NonNullable<T>> {
  const begun = performance.now()
  const deadline = begun + deadlineMs
  let cause: unknown
  do {
    try {
      const answer = await condition()
      if (answer) return answer
      cause = undefined
    } catch (error) {
      cause = error
    }
    await pause(Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (performance.now() - begun) / 20)))
  } while (performance.now() < deadline)
  throw new Error(`Waited ${deadlineMs} ms for ${typeof what === 'string' ? what : await what()}`, { cause })
}
