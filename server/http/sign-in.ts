// The app's `authenticate`, as the toolkit calls it: the actor with texts for ids, and a failure that says whose it is.
// Invariant: what `authenticate` throws is logged, and never counts as the database's failure.
import type { IncomingMessage } from 'node:http'
import { normalizedActor } from '../base/normalized-actor.ts'
import type { Authenticate } from '../base/options.ts'
import { problem, Refusal } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { isUnavailable } from '../db/errors.ts'

const FAILED = 'Signing in failed: `authenticate` of the app threw. For nobody it gives null.'
const AWAY =
  'Signing in is not possible at the moment: what `authenticate` asks does not answer. Try again in a moment.'

/** @throws Refusal with what `authenticate` threw as its cause: 503 where something can't be reached, else 500. */
export const signIn =
  <A extends Actor>(authenticate: Authenticate<A>) =>
  async (request: IncomingMessage): Promise<A | null> => {
    try {
      const actor = await authenticate(request)
      return actor ? normalizedActor(actor) : null
    } catch (cause) {
      if (cause instanceof Refusal) throw cause
      const refused = isUnavailable(cause)
        ? { ...problem('unavailable', AWAY), title: 'Signing in is not possible' }
        : problem('internal', FAILED)
      throw new Refusal(refused, { cause })
    }
  }
