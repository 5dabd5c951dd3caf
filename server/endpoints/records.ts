// The routes of one record: create, read, save, delete, its version, its history.
import type { Router } from 'router'
import { refuse } from '../base/problems.ts'
import { isVersion } from '../base/record-type.ts'
import { queryOf, type Request } from '../base/request.ts'
import { inRequest } from '../base/tracing.ts'
import { readDeleted } from '../history/deleted-records.ts'
import { readPast } from '../history/past-version.ts'
import {
  bodyOf,
  clientVersionOf,
  mutationIdOf,
  namesIn,
  objectIn,
  originOf,
  queryNumber,
  queryText,
  queryTime,
} from '../http/request-parameters.ts'
import { etagOf, isFresh, sendData, sendEmpty, sendPage, sendProblem } from '../http/responses.ts'
import { type Handler, handle, type RouteOptions } from '../http/route-handler.ts'
import { createRecord, removeRecord, restoreRecord, saveRecord } from '../operations/traced-writes.ts'
import { readHistory, readRecord, readVersion } from '../records/read.ts'
import type { SaveOptions } from '../records/save.ts'

/** Whether a read asks for the record as it was; nearly none does. */
const asksForPast = ({ url = '' }: Request): boolean =>
  url.includes('?') && ['version', 'as_of'].some((name) => queryOf(url).has(name))

/** Reads of the record as it is, and of the record as it was, which take their turns among long work. */
export const eitherRead =
  (read: Handler, past: Handler): Handler =>
  (request, response, actor) =>
    (asksForPast(request) ? past : read)(request, response, actor)

/** What each route of one record does. */
export const recordHandlers = ({ database, wake }: RouteOptions) => {
  const read: Handler = async (request, response, actor) => {
    const found = await readRecord(database, { actor, ...request.params })
    if (found.outcome !== 'found') return sendProblem(response, found.problem)
    const { version } = found.record
    const headers = { ETag: etagOf(version) }
    // Of some types the same version shows other fields once the rights to them are others.
    const isSame = found.record.rights === undefined
    if (isSame && isFresh(request.headers['if-none-match'], version)) return sendEmpty(response, 304, headers)
    sendData(response, { data: found.record }, { headers })
  }

  const past: Handler = async (request, response, actor) => {
    const asOf = queryTime(request, 'as_of')
    const most = Number.MAX_SAFE_INTEGER
    const version = queryText(request, 'version') === undefined ? 0 : queryNumber(request, 'version', 0, most)
    if (asOf !== undefined && version > 0) return refuse('malformed', 'version and as_of exclude each other.')
    const moment = asOf === undefined ? { version } : { asOf }
    const found = await readPast(database, { actor, ...request.params }, moment)
    if (found.outcome !== 'found') return sendProblem(response, found.problem)
    // Never 304: what an earlier version shows goes by the reader's rights, and by what was erased since.
    const headers = { ETag: etagOf(found.record.version) }
    sendData(response, { data: found.record, writable: found.writable }, { headers })
  }

  const version: Handler = async (request, response, actor) => {
    const age = database.age()
    const found = await readVersion(database, { actor, ...request.params })
    if (found.outcome !== 'found') return sendProblem(response, found.problem)
    const headers = { ETag: etagOf(found.version.version) }
    if (isFresh(request.headers['if-none-match'], found.version.version))
      return sendEmpty(response, 304, headers)
    sendData(response, { data: found.version, ...age }, { headers })
  }

  const history: Handler = async (request, response, actor) => {
    const limit = queryNumber(request, 'limit', 50, 500)
    const before = queryNumber(request, 'before', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    const found = await readHistory(
      database,
      { actor, ...request.params },
      { limit, before },
      database.largeAnswers.budgetOf(response, actor),
    )
    if (found.outcome !== 'found') return sendProblem(response, found.problem)
    const { entries, next, writable } = found
    await sendPage(response, { data: entries, next, writable })
  }

  const create: Handler = async (request, response, actor) => {
    const body = bodyOf(request)
    const id = Object.hasOwn(body, 'id') ? body.id : undefined
    if (id !== undefined && typeof id !== 'string') return refuse('malformed', 'id must be a string.')
    const made = await inRequest(request, () =>
      createRecord(database, request.params.type, {
        actor,
        fields: objectIn(body, 'fields'),
        id,
        mutationId: mutationIdOf(request, body),
        ...originOf(request),
      }),
    )
    if (made.outcome !== 'created') return sendProblem(response, made.problem)
    wake()
    const { record } = made
    const location = `${request.baseUrl}/records/${record.type}/${encodeURIComponent(record.id)}`
    const headers = { Location: location, ETag: etagOf(record.version) }
    sendData(response, { data: record }, { status: 201, headers })
  }

  const save: Handler = async (request, response, actor) => {
    const body = bodyOf(request)
    const onStale = Object.hasOwn(body, 'on_stale') ? body.on_stale : 'reject'
    if (onStale !== 'reject' && onStale !== 'merge') {
      return refuse('malformed', 'on_stale must be "reject" or "merge".')
    }
    // Written out: copies of objects would cost this route, the busiest, 2 kB for each save.
    const { clientVersion, byHeader } = clientVersionOf(request, body)
    const { tabId, socketId, request: open } = originOf(request)
    const options: SaveOptions = {
      actor,
      clientVersion,
      byHeader,
      changes: objectIn(body, 'changes'),
      onStale,
      base: Object.hasOwn(body, 'base') ? objectIn(body, 'base') : undefined,
      mutationId: mutationIdOf(request, body),
      tabId,
      socketId,
      request: open,
    }
    const { type, id } = request.params
    const saved = await inRequest(request, () => saveRecord(database, type, id, options))
    if (saved.outcome !== 'saved') return sendProblem(response, saved.problem)
    wake()
    const { record, mergedFields, mergedBy = null } = saved
    const merged = mergedFields && { merged_fields: mergedFields, merged_by: mergedBy }
    const answer = { data: record, ...merged }
    sendData(response, answer, { headers: { ETag: etagOf(record.version) } })
  }

  const restore: Handler = async (request, response, actor) => {
    const body = bodyOf(request)
    const toVersion = Object.hasOwn(body, 'to_version') ? body.to_version : undefined
    if (toVersion !== undefined && !isVersion(toVersion))
      return refuse('malformed', 'to_version must be a positive integer.')
    const restored = await inRequest(request, () =>
      restoreRecord(database, request.params.type, request.params.id, {
        actor,
        ...clientVersionOf(request, body),
        toVersion,
        fields: namesIn(body, 'fields'),
        mutationId: mutationIdOf(request, body),
        ...originOf(request),
      }),
    )
    if (restored.outcome !== 'saved') return sendProblem(response, restored.problem)
    wake()
    sendData(response, { data: restored.record }, { headers: { ETag: etagOf(restored.record.version) } })
  }

  const deleted: Handler = async (request, response, actor) => {
    const query = { limit: queryNumber(request, 'limit', 50, 200), after: queryText(request, 'after') }
    const found = await readDeleted(database, { actor, type: request.params.type }, query)
    if (found.outcome !== 'found') return sendProblem(response, found.problem)
    await sendPage(response, { data: found.records, next: found.next })
  }

  const remove: Handler = async (request, response, actor) => {
    const body = bodyOf(request, { optional: true })
    const removed = await inRequest(request, () =>
      removeRecord(database, request.params.type, request.params.id, {
        actor,
        ...clientVersionOf(request, body),
        mutationId: mutationIdOf(request, body),
        ...originOf(request),
      }),
    )
    if (removed.outcome !== 'removed') return sendProblem(response, removed.problem)
    wake()
    sendEmpty(response, 204)
  }
  return { read, past, version, history, create, save, restore, deleted, remove }
}

export const addRecordRoutes = (
  router: Router,
  {
    read,
    version,
    history,
    create,
    save,
    restore,
    deleted,
    remove,
  }: Omit<ReturnType<typeof recordHandlers>, 'past'>,
): void => {
  router.post('/records/:type', handle(create))
  router.route('/records/:type/:id').get(handle(read)).patch(handle(save)).delete(handle(remove))
  router.get('/records/:type/:id/version', handle(version))
  router.get('/records/:type/:id/history', handle(history))
  router.post('/records/:type/:id/restore', handle(restore))
  router.get('/deleted/:type', handle(deleted))
}
