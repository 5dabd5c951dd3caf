// A refusal that takes its time: who asks again as soon as they are refused would cost more by that than by being served.
import { setTimeout as pause } from 'node:timers/promises'
import { refuse } from '../base/problems.ts'

const SLOWLY_MS = 1_000

/**
 * Refuses as `rate_limited`, after a second.
 *
 * @throws Refusal always.
 */
export const refuseSlowly = async (detail: string): Promise<never> => {
  await pause(SLOWLY_MS)
  return refuse('rate_limited', detail)
}
