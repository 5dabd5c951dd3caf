// The server's routes as functions with outcomes. What answers mean, and how writes are retried, is in answers.ts.

import type {
  Fields,
  RecordAddress,
  WireHistoryEntry,
  WireRecord,
  WireVersion,
  WireVersionDifference,
} from '../../../server/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import { plainFields } from '../base/plain-value.ts'
import { isRecord, writerOf } from '../base/received.ts'
import { dataOf, invalidOf, isGood, pathOf, recordOf, retriedWrite, staleOf } from './answers.ts'
import type { Http } from './fetch-json.ts'
import type { ImportFileOptions, ImportFileOutcome } from './import-outcomes.ts'
import type { ListPage, ListQuery } from './list-page.ts'
import type {
  BulkRecord,
  ClientCreateOutcome,
  ClientReadOutcome,
  ClientRemoveOutcome,
  ClientSaveManyOutcome,
  ClientSaveOutcome,
  FetchOutcome,
  UndoneRecord,
} from './outcomes.ts'
import { bodyOf, refusalOf } from './refusals.ts'

/** What `client.save` takes. */
export interface ClientSaveOptions {
  /** The version that the changes were built on. */
  clientVersion: number
  changes: Fields
  /** Default: a new one. A retry of the same write has the same. */
  mutationId?: string
  /** Where the record has a newer version: `reject` is a conflict, `merge` passes if no field in `changes` was changed since. */
  onStale?: 'reject' | 'merge'
}

/** What `client.saveMany` takes. */
export interface ClientSaveManyOptions {
  /** The same for all records. */
  changes: Fields
  /** Each record once, at most 500. */
  records: { id: string; clientVersion: number }[]
  /** Where a record is refused (stale, gone, forbidden, invalid): `abort` (default) saves none, `skip` those that can be saved. */
  onRefused?: 'abort' | 'skip'
  mutationId?: string
}

const PLAIN_NAME = /^(?!(?:sort|limit|after|cursor|search|wait|count|filter)$)[a-z_]\w*$/i

/** A filter's parameter: one that is no plain name, or means something else, stands in brackets. */
const filterName = (name: string) => (PLAIN_NAME.test(name) ? name : `filter[${name}]`)

export function createRequests(http: Http, clock: Clock, newId: () => string) {
  const write = retriedWrite(http, clock)

  return {
    async read<F extends object = Fields>(type: string, id: string): Promise<ClientReadOutcome<F>> {
      const answer = await http({ method: 'GET', path: pathOf(type, id) })
      return recordOf(answer, (record: WireRecord<F>) => ({ outcome: 'found' as const, record }))
    },

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
      person.check()
      const epoch = person.epoch()
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

    async history(
      type: string,
      id: string,
      page?: { limit: number; before?: string },
    ): Promise<FetchOutcome<{ entries: WireHistoryEntry[]; next: string | null; writable: string[] }>> {
      const query = page ? `?limit=${page.limit}${page.before ? `&before=${page.before}` : ''}` : ''
      const answer = await http({ method: 'GET', path: `${pathOf(type, id)}/history${query}` })
      const { next = null, writable = [] } = bodyOf(answer) as { next?: string; writable?: string[] }
      return dataOf(answer, (entries: WireHistoryEntry[]) => ({
        ...{ outcome: 'found' as const, entries, next, writable },
      }))
    },

    async version(type: string, id: string): Promise<FetchOutcome<{ version: WireVersion }>> {
      const answer = await http({ method: 'GET', path: `${pathOf(type, id)}/version` })
      return dataOf(answer, (version: WireVersion) => ({ outcome: 'found' as const, version }))
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

    async list<F extends object = Fields>(
      type: string,
      query: ListQuery = {},
    ): Promise<FetchOutcome<ListPage<F>>> {
      const { where, limit, ...rest } = query
      const parameters = new URLSearchParams({
        ...Object.fromEntries(Object.entries(where ?? {}).map(([name, value]) => [filterName(name), value])),
        ...rest,
        ...(limit ? { limit: String(limit) } : {}),
      })
      const answer = await http({ method: 'GET', path: `${pathOf(type)}?${parameters}`.replace(/\?$/, '') })
      const { cursor, next, removed, reset, more, recheck } = bodyOf(answer) as Partial<ListPage<F>>
      return dataOf(answer, (data: WireRecord<F>[]) => ({
        outcome: 'found' as const,
        data: data.filter(isRecord) as WireRecord<F>[],
        cursor: cursor ?? null,
        next: next ?? null,
        removed: removed ?? [],
        reset: reset ?? false,
        more: more ?? false,
        recheck: recheck ?? false,
      }))
    },
  }
}

/** The routes of one server. */
export type Requests = ReturnType<typeof createRequests>
