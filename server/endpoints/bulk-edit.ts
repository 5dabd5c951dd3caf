// The route of a bulk edit.

import type { Router } from 'router'
import { problem, Refusal, refuse } from '../base/problems.ts'
import { isVersion } from '../base/record-type.ts'
import { inRequest } from '../base/tracing.ts'
import { inTurn } from '../http/in-turn.ts'
import { type Body, bodyOf, mutationIdOf, objectIn, originOf } from '../http/request-parameters.ts'
import { sendPage, sendProblem } from '../http/responses.ts'
import { type Handler, handle, type RouteOptions } from '../http/route-handler.ts'
import { saveMany, undoImport } from '../operations/traced-writes.ts'
import type { Turns } from '../pacing/turns.ts'
import { MAX_BULK_RECORDS } from '../protocol/bulk-and-import.ts'
import type { BulkTarget } from '../records/save-many.ts'

/**
 * What each saved record counts after the answer, in milliseconds of work: reading the log, sending the events, and 1.3 kB of WAL that
 * everybody's next commit waits for. With 0.4 the slowest saves beside such edits took 4 to 7 times as long, with 4 about twice.
 */
const AFTER_RECORD_MS = 4

/** Rows of an import that one request undoes. */
const UNDONE_AT_ONCE = 200

const targetIn = (entry: unknown): BulkTarget => {
  const { id, client_version: version } = (entry ?? {}) as { id?: unknown; client_version?: unknown }
  if (typeof id !== 'string')
    return refuse('malformed', 'Each entry of records needs an id and a client_version.')
  if (version === undefined) throw new Refusal(problem('version_required'))
  if (!Number.isSafeInteger(version) || (version as number) < 1)
    return refuse('malformed', 'client_version must be a positive integer.')
  return { id, clientVersion: version as number }
}

const targetsIn = ({ records }: Body): BulkTarget[] => {
  if (!Array.isArray(records) || records.length === 0 || records.length > MAX_BULK_RECORDS)
    return refuse(
      'malformed',
      `records must be a list of 1 to ${MAX_BULK_RECORDS} entries {id, client_version}.`,
    )
  return records.map(targetIn)
}

export const addBulkRoutes = (
  router: Router,
  { database, wake, turns }: RouteOptions & { turns: Turns },
): void => {
  const saveAll: Handler = async (request, response, actor) => {
    const body = bodyOf(request)
    const onRefused = Object.hasOwn(body, 'on_stale') ? body.on_stale : 'abort'
    if (onRefused !== 'abort' && onRefused !== 'skip')
      return refuse('malformed', 'on_stale must be "abort" or "skip".')
    const saved = await inRequest(request, () =>
      saveMany(database, request.params.type, {
        actor,
        changes: objectIn(body, 'changes'),
        records: targetsIn(body),
        onRefused,
        mutationId: mutationIdOf(request, body),
        ...originOf(request),
      }),
    )
    if (saved.outcome !== 'saved') return sendProblem(response, saved.problem)
    const count = saved.records.filter(({ outcome }) => outcome === 'saved').length
    turns.long.spend(actor, AFTER_RECORD_MS * count)
    wake()
    await sendPage(response, { data: saved.records })
  }
  const undo: Handler = async (request, response, actor) => {
    const body = bodyOf(request, { optional: true })
    const after = Object.hasOwn(body, 'after') ? body.after : null
    const limit = Object.hasOwn(body, 'limit') ? body.limit : UNDONE_AT_ONCE
    if (after !== null && typeof after !== 'string')
      return refuse('malformed', 'after must be what an answer gave as next.')
    if (!isVersion(limit) || limit > MAX_BULK_RECORDS)
      return refuse('malformed', `limit must be a number from 1 to ${MAX_BULK_RECORDS}.`)
    const { import: importId = '' } = request.params as { import?: string }
    const asked = { actor, importId, after: after ?? undefined, limit, ...originOf(request) }
    const undone = await inRequest(request, () => undoImport(database, request.params.type, asked))
    if (undone.outcome !== 'undone') return sendProblem(response, undone.problem)
    const { rows, next, total } = undone
    turns.long.spend(actor, AFTER_RECORD_MS * rows.length)
    wake()
    await sendPage(response, { data: rows, next, total })
  }
  router.patch('/records/:type', handle(inTurn(turns.long, saveAll)))
  router.post('/records/:type/import/:import/undo', handle(inTurn(turns.long, undo)))
}
