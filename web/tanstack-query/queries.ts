// Records and lists as queries. The client's own stores fetch them, so that a query and bind-queries.ts yield the same data.
// Each checks for a change of person first, which empties the cache.

import { hashKey, queryOptions } from '@tanstack/react-query'
import type { Fields, WireRecord } from '../../server/protocol/index.ts'
import type { Stop } from '../client/base/clock.ts'
import type { Refusal } from '../client/http/outcomes.ts'
import { fetchWhole } from '../client/list/fetch.ts'
import { compareRecords } from '../client/list/order.ts'
import { type LiveListQuery, MOST_ROWS, wantedOf } from '../client/list/query.ts'
import type { ListStore } from '../client/list/store.ts'
import type { RecordClient } from '../client/record-client-options.ts'

const ROOT = 'noclobber'

/** A query that found nothing to show. `refusal` says why: gone, not found, no answer … */
export class RecordQueryError extends Error {
  /** As the client's request has it: `outcome`, and the problem where there is one. */
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(`The server answered: ${refusal.outcome}.`)
    this.name = 'RecordQueryError'
    this.refusal = refusal
  }
}

/** What a key of this file asks for; `null`: it is not ours. */
export type Asked =
  | { kind: 'record'; type: string; id: string }
  | { kind: 'list'; type: string; query: LiveListQuery }

export const askedBy = (key: readonly unknown[]): Asked | null => {
  const [root, kind, type, what] = key
  if (root !== ROOT || typeof type !== 'string') return null
  if (kind === 'record' && typeof what === 'string') return { kind, type, id: what }
  return kind === 'list' && typeof what === 'object'
    ? { kind, type, query: (what ?? {}) as LiveListQuery }
    : null
}

/**
 * One record.
 *
 * @throws RecordQueryError from the query, where the record is not there or there was no answer.
 * @example
 * const { data: project } = useQuery(recordQuery<Project>(client, 'project', id))
 */
export const recordQuery = <F extends object = Fields>(client: RecordClient, type: string, id: string) => {
  client.personId()
  return queryOptions({
    queryKey: [ROOT, 'record', type, id] as const,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async (): Promise<WireRecord<F>> => {
      const outcome = await client.read<F>(type, id)
      if (outcome.outcome !== 'found') throw new RecordQueryError(outcome)
      return outcome.record
    },
  })
}

/**
 * A list, whole and in order. Rows that did not change stay the same objects, so `select` and memoized rows cost nothing.
 *
 * @throws RecordQueryError from the query, where there was no answer.
 * @example
 * const { data: tasks } = useQuery(listQuery<Task>(client, 'task', { where: { status: 'todo' }, sort: 'due_on' }))
 */
export const listQuery = <F extends object = Fields>(
  client: RecordClient,
  type: string,
  query: LiveListQuery = {},
) => {
  client.personId()
  return queryOptions({
    queryKey: [ROOT, 'list', type, query] as const,
    staleTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
    queryFn: async ({ queryKey, signal }): Promise<readonly WireRecord<F>[]> => {
      const isOpen = openLists.get(client)?.has(hashKey(queryKey))
      const rows = await (isOpen
        ? rowsOf(client.liveList(type, query), signal)
        : fetchRows(client, type, query))
      return rows as readonly WireRecord<F>[]
    },
  })
}

/** Lists that are kept open for observed queries, by client. */
const openLists = new WeakMap<RecordClient, Set<string>>()

/** The list of this key is open until the stop. */
export function noteOpen(client: RecordClient, key: readonly unknown[]): Stop {
  const keys = openLists.get(client) ?? new Set()
  openLists.set(client, keys)
  const hash = hashKey(key)
  keys.add(hash)
  return () => void keys.delete(hash)
}

/** The list once, for a query that nobody observes, as one that is prefetched: nothing is opened for it. */
async function fetchRows(client: RecordClient, type: string, query: LiveListQuery) {
  const { data, refusal } = await fetchWhole(client, type, wantedOf(query), query.most ?? MOST_ROWS)
  if (refusal) throw new RecordQueryError(refusal)
  return data.sort(compareRecords(query.sort ?? 'id', query.locale))
}

/** A loaded list is refreshed; another one is awaited. */
async function rowsOf(list: ListStore, signal: AbortSignal): Promise<readonly WireRecord[]> {
  let stop = () => {}
  const settled = new Promise<void>((resolve) => {
    const look = () => list.get().status !== 'loading' && resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
    stop = list.subscribe(look)
  })
  const isHere = list.get().status !== 'loading'
  await (isHere ? list.reload() : settled)
  stop()
  const { status, rows, trouble } = list.get()
  if (status === 'ready') return rows
  throw new RecordQueryError(
    trouble === 'signed_out'
      ? { outcome: 'unauthenticated' }
      : { outcome: 'unreachable', retryAfterMs: null, detail: 'The list could not be loaded.' },
  )
}
