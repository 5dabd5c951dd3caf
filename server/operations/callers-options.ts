// What an app hands over to an operation, and what is refused before anything is asked of the database.
import { normalizedActor } from '../base/normalized-actor.ts'
import type { Refused } from '../base/outcomes.ts'
import type { Transaction } from '../base/pg.ts'
import { problem } from '../base/problems.ts'
import { type Actor, isVersion } from '../base/record-type.ts'
import { asTransaction } from '../db/pg-as-knex.ts'
import type { WriteOptions } from '../records/idempotency.ts'

/** What an app hands over: any kind of transaction, and a version as its driver reads it, `7` or a bigint's `'7'`. */
export type Callers<Options> = Omit<Options, 'transaction' | 'clientVersion'> & {
  /**
   * A transaction of the caller's: of Knex, or the connected client of `pg` that it runs on (`records.transactionOf` finds that of an
   * ORM). One that has ended is an error. The event follows its commit. After `invalid` it is aborted, as PostgreSQL has it.
   */
  transaction?: Transaction | undefined
} & (Options extends { clientVersion: number } ? { clientVersion: number | string } : unknown)

const DECIMAL = /^[1-9]\d{0,15}$/

const versionOf = (given: unknown) =>
  typeof given === 'string' && DECIMAL.test(given) ? Number(given) : given

/** What an app has handed over, as the operations take it. */
export const taken = <Options extends Pick<WriteOptions, 'actor'>>(options: Callers<Options>): Options => {
  const given = options as Options & { clientVersion?: unknown; transaction?: Transaction }
  if (!given?.actor) return given
  return {
    ...given,
    actor: normalizedActor(given.actor),
    ...(given.transaction && { transaction: asTransaction(given.transaction) }),
    ...('clientVersion' in given && { clientVersion: versionOf(given.clientVersion) }),
  }
}

export const refused = (...about: Parameters<typeof problem>): Refused => ({
  outcome: 'refused',
  problem: problem(...about),
})

/** What TypeScript rules out, and a session that has ended and a body that somebody else wrote do not. */
export const refusedActor = ({ actor }: { actor: Actor | null }): Refused | null =>
  actor ? null : refused('unauthenticated')

export const refusedWrite = (asked: { actor: Actor; clientVersion?: unknown }): Refused | null => {
  if (!asked.actor || isVersion(asked.clientVersion)) return refusedActor(asked)
  if (asked.clientVersion === undefined) return refused('version_required')
  return refused('malformed', 'clientVersion must be a positive integer.')
}

/** A body that somebody else wrote may have none, or something else. */
export const refusedFields = (values: unknown, name: string): Refused | null =>
  values !== null && typeof values === 'object' && !Array.isArray(values)
    ? null
    : refused('malformed', `${name} must be an object of values by field.`)
