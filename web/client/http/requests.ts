// The server's routes as functions with outcomes. What one record needs is here; the rest is loaded with its first call. What
// answers mean, and how writes are retried, is in answers.ts.

import type {
  Fields,
  RecordAddress,
  WireRecord,
  WireVersionDifference,
} from '../../../server/protocol/index.ts'
import { lateFunctions, lazyModule } from '../base/lazy-module.ts'
import { plainFields } from '../base/plain-value.ts'
import { writerOf } from '../base/received.ts'
import { dataOf, invalidOf, isGood, pathOf, recordOf, retriedWrite, staleOf } from './answers.ts'
import type { MoreRequests, MoreRequestsOptions } from './more-requests.ts'
import type { ClientReadOutcome, ClientRemoveOutcome, ClientSaveOutcome, FetchOutcome } from './outcomes.ts'
import { bodyOf, refusalOf } from './refusals.ts'

export const moreRequestsCode = lazyModule(() => import('./more-requests.ts'))

/** What `client.save` takes. */
export interface ClientSaveOptions {
  /** The version that the changes were built on. */
  clientVersion: number
  /** New values by field; the others stay. */
  changes: Fields
  /** Default: a new one. A retry of the same write has the same. */
  mutationId?: string
  /** Where the record has a newer version: `reject` is a conflict, `merge` passes if no field in `changes` was changed since. */
  onStale?: 'reject' | 'merge'
}

const LATE: (keyof MoreRequests)[] = [
  ...([
    'create',
    'saveMany',
    'undoMany',
    'importFile',
    'history',
    'version',
    'list',
    'countChanges',
  ] as const),
]

function createRecordRequests({ http, clock, newId }: MoreRequestsOptions) {
  const write = retriedWrite(http, clock)

  return {
    /** The record as it is now. */
    async read<F extends object = Fields>(type: string, id: string): Promise<ClientReadOutcome<F>> {
      const answer = await http({ method: 'GET', path: pathOf(type, id) })
      return recordOf(answer, (record: WireRecord<F>) => ({ outcome: 'found' as const, record }))
    },

    /** Writes `changes` if the record is still at `clientVersion`; `conflict` has both versions. */
    async save<F extends object = Fields>(
      type: string,
      id: string,
      options: ClientSaveOptions,
    ): Promise<ClientSaveOutcome<F>> {
      const body = {
        client_version: options.clientVersion,
        changes: plainFields(options.changes),
        mutation_id: options.mutationId ?? newId(),
        ...(options.onStale ? { on_stale: options.onStale } : {}),
      }
      const answer = await write({ method: 'PATCH', path: pathOf(type, id), body })
      const refused = staleOf<F>(answer) ?? invalidOf(answer)
      if (refused) return refused
      const mergedFields = (bodyOf(answer).merged_fields as string[] | undefined) ?? []
      return recordOf(answer, (record: WireRecord<F>) => ({
        outcome: 'saved' as const,
        record,
        mergedFields,
        mergedBy: writerOf(bodyOf(answer).merged_by),
      }))
    },

    /** Deletes it if it is still at `clientVersion`. */
    async remove(
      type: string,
      id: string,
      options: { clientVersion: number; mutationId?: string },
    ): Promise<ClientRemoveOutcome> {
      const body = { client_version: options.clientVersion, mutation_id: options.mutationId ?? newId() }
      const answer = await write({ method: 'DELETE', path: pathOf(type, id), body })
      if (answer.isAnswered && isGood(answer.status)) return { outcome: 'removed' }
      return staleOf<object>(answer) ?? refusalOf(answer)
    },

    /** Only the records that differ, are gone or may no longer be read are answered. At most 500 at once. */
    async versions(
      records: (RecordAddress & { version: number })[],
    ): Promise<FetchOutcome<{ differences: WireVersionDifference[]; history?: string }>> {
      const answer = await http({ method: 'POST', path: '/records/versions', body: { records } })
      const { history } = bodyOf(answer) as { history?: string }
      return dataOf(answer, (differences: WireVersionDifference[]) => ({
        outcome: 'found' as const,
        differences,
        ...(history && { history }),
      }))
    },
  }
}

/** The routes of one server. */
export type Requests = ReturnType<typeof createRecordRequests> & MoreRequests

/** What is asked for by a person who has left before its code is here is not sent. */
export function createRequests(options: MoreRequestsOptions): Requests {
  const { person } = options.http.parts
  async function load() {
    person.check()
    const epoch = person.epoch()
    const { createMoreRequests } = moreRequestsCode.now() ?? (await moreRequestsCode.load())
    return createMoreRequests(options, epoch)
  }
  const withoutCode = (error: unknown, name: keyof MoreRequests, [, asked]: unknown[]) =>
    name === 'undoMany'
      ? (asked as { id: string }[]).map(({ id }) => ({ id, outcome: 'unreachable' }))
      : refusalOf({ isAnswered: false, detail: String(error) })
  return { ...createRecordRequests(options), ...lateFunctions<MoreRequests>(LATE, load, withoutCode) }
}
