// Delays refusals: a client that retries at once would cost more by being refused than by being served.
// Invariant: one user gets a bounded number of refusals a second, on however many connections they ask.
import { setTimeout as pause } from 'node:timers/promises'
import { refuse } from '../base/problems.ts'
import type { Person } from './person.ts'
import { createWorkAllowance } from './work-allowance.ts'

const LEAST_MS = 1_000
/** Proxies and clients give up later than this. */
const MOST_MS = 20_000
const PER_SECOND = 20

/** Of this process: refusals cost it alike, whichever server makes them. */
const refusals = createWorkAllowance({ share: PER_SECOND / 1_000, burstMs: PER_SECOND })

/**
 * Refuses as `rate_limited`: after a second, and later where this person is refused more than 20 times a second.
 *
 * @throws Refusal always.
 */
export const refuseSlowly = async (person: Person, detail: string): Promise<never> => {
  refusals.spend(person, 1)
  const waitMs = refusals.readyAt(person) - performance.now()
  await pause(Math.min(MOST_MS, Math.max(LEAST_MS, waitMs)))
  return refuse('rate_limited', detail)
}
