// The routes that a page with one record doesn't need, as functions with outcomes: creations, many records, files, lists and
// histories. Loaded with the first call.

import type {
  ChangedCount,
  CountedType,
  Fields,
  WireHistoryEntry,
  WireRecord,
  WireVersion,
} from '../../../server/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import { plainFields } from '../base/plain-value.ts'
import { isRecord } from '../base/received.ts'
import { dataOf, invalidOf, isGood, pathOf, recordOf, retriedWrite } from './answers.ts'
import type { Http } from './fetch-json.ts'
import type { ImportFileOptions, ImportFileOutcome } from './import-outcomes.ts'
import { filters, type ListPage, type ListQuery } from './list-page.ts'
import type {
  BulkRecord,
  ClientCreateOutcome,
  ClientSaveManyOutcome,
  FetchOutcome,
  UndoneRecord,
} from './outcomes.ts'
import { bodyOf, refusalOf } from './refusals.ts'

/** What `client.saveMany` takes. */
export interface ClientSaveManyOptions {
  /** The same for all records. */
  changes: Fields
  /** Each record once, at most 500. */
  records: { id: string; clientVersion: number }[]
  /** Where a record is refused (stale, gone, forbidden, invalid): `abort` (default) saves none, `skip` those that can be saved. */
  onRefused?: 'abort' | 'skip'
  /** Default: a new one. A retry of the same write has the same. */
  mutationId?: string
}

const PLAIN_NAME = /^(?!(?:sort|limit|after|cursor|search|wait|count|filter)$)[a-z_]\w*$/i

/** A filter's parameter: one that is no plain name, or means something else, stands in brackets. */
const filterName = (name: string) => (PLAIN_NAME.test(name) ? name : `filter[${name}]`)

/** What they need. */
export interface MoreRequestsOptions {
  http: Http
  clock: Clock
  newId: () => string
}

/** `epoch`: of the person who has called. */
export function createMoreRequests({ http: send, clock, newId }: MoreRequestsOptions, epoch: number) {
  const http: Http = Object.assign((request: Parameters<Http>[0]) => send({ ...request, epoch }), {
    parts: send.parts,
  })
  const write = retriedWrite(http, clock)

  return {
    /** A new record. `id`: a key made here, for uuid and text keys. */
    async create<F extends object = Fields>(
      type: string,
      fields: Partial<F>,
      options: { id?: string; mutationId?: string } = {},
    ): Promise<ClientCreateOutcome<F>> {
      const body = {
        fields: plainFields(fields),
        mutation_id: options.mutationId ?? newId(),
        ...(options.id ? { id: options.id } : {}),
      }
      const answer = await write({ method: 'POST', path: pathOf(type), body })
      return (
        invalidOf(answer) ??
        recordOf(answer, (record: WireRecord<F>) => ({ outcome: 'created' as const, record }))
      )
    },

    /** The same changes to many records, each guarded by its own version. */
    async saveMany(type: string, options: ClientSaveManyOptions): Promise<ClientSaveManyOutcome> {
      const body = {
        changes: plainFields(options.changes),
        records: options.records.map(({ id, clientVersion }) => ({ id, client_version: clientVersion })),
        on_stale: options.onRefused ?? 'abort',
        mutation_id: options.mutationId ?? newId(),
      }
      const answer = await write({ method: 'PATCH', path: pathOf(type), body })
      const { records } = bodyOf(answer)
      if (answer.isAnswered && !isGood(answer.status) && Array.isArray(records))
        return { outcome: 'aborted', records: records as BulkRecord[] }
      return (
        invalidOf(answer) ??
        dataOf(answer, (saved: BulkRecord[]) => ({ outcome: 'saved' as const, records: saved }))
      )
    },

    /**
     * Undoes saves of these records, each as a new version guarded by the one that it undoes, where the type shows its values
     * in histories. One that somebody has saved since is left as it is, and `stale_record`. Its code is loaded on use.
     *
     * @example
     * const { records } = await client.saveMany('task', { changes: { status: 'done' }, records: chosen, onRefused: 'skip' })
     * const undone = await client.undoMany('task', records.filter(({ outcome }) => outcome === 'saved'))
     */
    async undoMany(
      type: string,
      saved: readonly { id: string; version?: number }[],
    ): Promise<UndoneRecord[]> {
      const { undoMany } = await import('./undo-many.ts')
      const versions = saved.flatMap(({ id, version }) => (version === undefined ? [] : [{ id, version }]))
      return undoMany(this, type, versions)
    },

    /**
     * The rows of a CSV or NDJSON file, created or updated, all or none. Its code is loaded with the first import. The
     * page's own lists and open records receive its events like those of every page.
     *
     * @example
     * const outcome = await client.importFile('project', input.files[0], { key: 'number', onProgress: show })
     * if (outcome.outcome === 'invalid') for (const { line, message } of outcome.problem.errors) list(line, message)
     */
    async importFile(
      type: string,
      file: Blob | ReadableStream<Uint8Array>,
      options: ImportFileOptions = {},
    ): Promise<ImportFileOutcome> {
      const { person } = http.parts
      const isSame = () => person.check() && person.epoch() === epoch && !person.isNobody()
      const { onProgress } = options
      try {
        const { importFile } = await import('./import-file.ts')
        if (!isSame()) return { outcome: 'unauthenticated' }
        const outcome = await importFile(http.parts, `${pathOf(type)}/import`, file, {
          mutationId: newId(),
          ...options,
          ...(onProgress && { onProgress: (progress) => isSame() && onProgress(progress) }),
        })
        return isSame() ? outcome : { outcome: 'unauthenticated' }
      } catch (error) {
        return refusalOf({
          isAnswered: false,
          detail: error instanceof Error ? error.message : String(error),
        })
      }
    },

    /** Its versions, the newest first; `next` goes into the next page's `before`. */
    async history(
      type: string,
      id: string,
      page?: { limit: number; before?: string },
    ): Promise<FetchOutcome<{ entries: WireHistoryEntry[]; next: string | null; writable: string[] }>> {
      const query = page ? `?limit=${page.limit}${page.before ? `&before=${page.before}` : ''}` : ''
      const answer = await http({ method: 'GET', path: `${pathOf(type, id)}/history${query}` })
      const { next = null, writable = [] } = bodyOf(answer) as { next?: string; writable?: string[] }
      return dataOf(answer, (entries: WireHistoryEntry[]) => ({
        outcome: 'found' as const,
        entries,
        next,
        writable,
      }))
    },

    /** The version that it has now, also of a deleted one. */
    async version(type: string, id: string): Promise<FetchOutcome<{ version: WireVersion }>> {
      const answer = await http({ method: 'GET', path: `${pathOf(type, id)}/version` })
      return dataOf(answer, (version: WireVersion) => ({ outcome: 'found' as const, version }))
    },

    /**
     * How many records of these types others have changed since a cursor, as far as this person may read them: at most `most` each.
     * Without a cursor it is 0, and the answer's cursor is where to begin. See `changedSince` for a count that stays current.
     */
    async countChanges(
      since: readonly CountedType[],
      most = 99,
    ): Promise<FetchOutcome<{ counts: ChangedCount[] }>> {
      const answer = await http({ method: 'POST', path: '/changes/count', body: { since, most } })
      return dataOf(answer, (counts: ChangedCount[]) => ({ outcome: 'found' as const, counts }))
    },

    /** A page of a list, or with a `cursor` what has changed in it since. */
    async list<F extends object = Fields>(
      type: string,
      query: ListQuery = {},
    ): Promise<FetchOutcome<ListPage<F>>> {
      const { where = {}, limit, window = {}, sum = [], ...rest } = query
      const parameters = new URLSearchParams({
        ...Object.fromEntries(
          Object.entries(filters(where)).map(([name, value]) => [filterName(name), value]),
        ),
        ...Object.fromEntries(Object.entries(window).map(([end, at]) => [`window[${end}]`, at])),
        ...Object.fromEntries(sum.map((name) => [`sum[${name}]`, 'exact'])),
        ...rest,
        ...(limit === undefined ? {} : { limit: String(limit) }),
      })
      const answer = await http({ method: 'GET', path: `${pathOf(type)}?${parameters}`.replace(/\?$/, '') })
      const { cursor, next, removed, reset, more, recheck, positions, previous, behind, count, sums } =
        bodyOf(answer) as Partial<ListPage<F>>
      return dataOf(answer, (data: WireRecord<F>[]) => ({
        outcome: 'found' as const,
        data: data.filter(isRecord) as WireRecord<F>[],
        cursor: cursor ?? null,
        next: next ?? null,
        removed: removed ?? [],
        reset: reset ?? false,
        more: more ?? false,
        recheck: recheck ?? false,
        positions: positions ?? [],
        previous: previous ?? null,
        behind: behind ?? [],
        count: count ?? null,
        sums: sums ?? {},
      }))
    },
  }
}

/** Those of the routes that are loaded with their first call. */
export type MoreRequests = ReturnType<typeof createMoreRequests>
