// Idempotent runs: work of several statements under a mutation id, which is claimed first and gets its response stored at the
// end, in one transaction. Invariant: of two equal requests at once one works; the other waits and gets the same response.
import type { Knex } from 'knex'
import { PermissionOutdated } from '../base/open-requests.ts'
import type { Reused } from '../base/outcomes.ts'
import { problem, Refusal } from '../base/problems.ts'
import { isRetryable, isStoredMutation } from '../db/errors.ts'
import { refuseEnded } from '../db/statement.ts'
import type { Database } from '../tables/database.ts'
import { storedResponse, type WriteOptions } from './idempotency.ts'
import { CLAIM_MUTATION, STORE_RESPONSE } from './save-many-sql.ts'

/** The result of the work; `keep` is the response for replays. Without it everything is rolled back. */
export interface Work<T> {
  result: T
  keep?: unknown
}

class Undone<T> extends Error {
  readonly result: T
  constructor(result: T) {
    super('Nothing to keep.')
    this.name = 'Undone'
    this.result = result
  }
}

/**
 * Does the work, unless it was done before under the same mutation id: then gives the stored response.
 *
 * @param hash Of the whole request; called once the work is done, or instead of it.
 * @param retries After a deadlock or a serialization failure; 0 for work that can't be done twice.
 */
export const runOnce = async <T>(
  database: Database,
  options: WriteOptions,
  hash: () => string | Promise<string>,
  work: (transaction: Knex.Transaction) => Promise<Work<T>>,
  retries = database.limits.writeRetries,
): Promise<{ outcome: 'done'; result: T } | { outcome: 'stored'; answer: unknown } | Reused> => {
  const { actor, mutationId } = options
  if (options.transaction) refuseEnded(options.transaction)
  const named = [actor.tenantId, actor.id, mutationId]
  const inTransaction = (own: (transaction: Knex.Transaction) => Promise<T>): Promise<T> =>
    options.transaction ? options.transaction.transaction(own) : database.within(own, retries === 0)
  for (let left = options.transaction ? 0 : retries; ; left -= 1) {
    try {
      const result = await inTransaction(async (transaction) => {
        if (mutationId) await database.send(CLAIM_MUTATION, named, transaction)
        const done = await work(transaction)
        if (done.keep === undefined) throw new Undone(done.result)
        if (options.request?.isRevoked())
          throw retries > 0 ? new PermissionOutdated() : new Refusal(problem('unavailable'))
        if (mutationId) {
          const answer = JSON.stringify(done.keep)
          await database.send(STORE_RESPONSE, [...named, answer, await hash()], transaction)
          database.storedResponses.add(actor, answer.length)
        }
        return done.result
      })
      return { outcome: 'done', result }
    } catch (error) {
      if (error instanceof Undone) return { outcome: 'done', result: error.result }
      if (isRetryable(error) && left > 0) continue
      if (!isStoredMutation(error)) throw error
      const kept = await storedResponse(database, options, await hash())
      if (kept) return kept
    }
  }
}
