// Sends the writes of one record, and hands each outcome to the calls that wait for it. Several may wait for one: a second
// click, a save that is sent after a retry.

import type { Fields, RecordAddress } from '../../../server/protocol/index.ts'
import type { RemoveOutcome, SaveOutcome } from '../http/outcomes.ts'
import type { Requests } from '../http/requests.ts'
import type { Mutation } from './state.ts'

export type WriteOutcome = SaveOutcome<Fields> | RemoveOutcome

export interface WriteOptions {
  address: RecordAddress
  requests: Pick<Requests, 'save' | 'remove'>
  onStale?: 'reject' | 'merge' | undefined
}

export function sendWrite(
  { address: { type, id }, requests, onStale }: WriteOptions,
  { kind, mutationId, clientVersion, changes }: Mutation,
): Promise<WriteOutcome> {
  return kind === 'save'
    ? requests.save<Fields>(type, id, { clientVersion, changes, mutationId, ...(onStale ? { onStale } : {}) })
    : requests.remove(type, id, { clientVersion, mutationId })
}

export function createAwaitedAnswers<O>() {
  const waiting = new Map<string, ((outcome: O) => void)[]>()

  function settle(mutationId: string, outcome: O) {
    for (const resolve of waiting.get(mutationId) ?? []) resolve(outcome)
    waiting.delete(mutationId)
  }

  return {
    /** Resolves with the outcome of that write, or with the last one when no write is in flight any more. */
    of: (mutationId: string): Promise<O> =>
      new Promise((resolve) => {
        waiting.set(mutationId, [...(waiting.get(mutationId) ?? []), resolve])
      }),
    settle,
    settleAll(outcome: O) {
      for (const mutationId of [...waiting.keys()]) settle(mutationId, outcome)
    },
  }
}
