// The app's `authenticate`, as the toolkit calls it: the actor with texts for ids, and a failure that says whose it is.
// Invariant: what `authenticate` throws is logged, and never counts as the database's failure.
import type { IncomingMessage } from 'node:http'
import { normalizedActor } from '../base/normalized-actor.ts'
import type { Authenticate } from '../base/options.ts'
import { problem, Refusal } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { isUnavailable } from '../db/errors.ts'

const FAILED = 'Signing in failed: `authenticate` of the app threw. For nobody it gives null.'
const NO_ACTOR =
  'Signing in failed: what `authenticate` of the app gave is no actor, whose id is a text or a whole number. For nobody it gives null.'
const AWAY =
  'Signing in is not possible at the moment: what `authenticate` asks does not answer. Try again in a moment.'

/** By the codes of `fetch`, of jose and of Prisma; Node's own and PostgreSQL's are {@link isUnavailable}. */
const AWAY_CODES = /^(UND_ERR_.+|ECONNABORTED|ENETUNREACH|ERR_JWKS_TIMEOUT|P10(01|02|08|17))$/
const AWAY_NAMES = ['TimeoutError', 'AbortError']
const MOST_CAUSES = 5

/** Nothing answered what `authenticate` asked. `fetch` has the reason as the cause of its TypeError. */
const isAway = (thrown: unknown): boolean => {
  for (let error = thrown, at = 0; error instanceof Error && at < MOST_CAUSES; error = error.cause, at += 1) {
    const { code = '' } = error as { code?: string }
    if (isUnavailable(error) || AWAY_CODES.test(code) || AWAY_NAMES.includes(error.name)) return true
  }
  return false
}

/** @throws Refusal with what `authenticate` threw as its cause: 503 where something can't be reached, else 500. */
export const signIn =
  <A extends Actor>(authenticate: Authenticate<A>) =>
  async (request: IncomingMessage): Promise<A | null> => {
    let hasAnswered = false
    try {
      const actor = await authenticate(request)
      hasAnswered = true
      return actor ? normalizedActor(actor) : null
    } catch (cause) {
      if (cause instanceof Refusal) throw cause
      if (hasAnswered) throw new Refusal(problem('internal', NO_ACTOR), { cause })
      const refused = isAway(cause)
        ? { ...problem('unavailable', AWAY), title: 'Signing in is not possible' }
        : problem('internal', FAILED)
      throw new Refusal(refused, { cause })
    }
  }
