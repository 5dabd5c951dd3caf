// The routes of many records: a list, what became of it since a cursor, and many versions at once.
import type { Router } from 'router'
import { problem, refuse } from '../base/problems.ts'
import { queryOf } from '../base/request.ts'
import { type Body, bodyOf, queryNumber, queryText } from '../http/request-parameters.ts'
import { sendPage, sendProblem } from '../http/responses.ts'
import { type Handler, handle, type RouteOptions } from '../http/route-handler.ts'
import { rightsOfCursor } from '../log/cursor.ts'
import type { ListAnswer, ListDelta } from '../protocol/index.ts'
import { listRecords } from '../queries/list.ts'
import { countRecords } from '../queries/list-count.ts'
import { listDelta } from '../queries/list-delta.ts'
import { filtersOf } from '../queries/list-filters.ts'
import { type HeldVersion, versionDifferences } from '../queries/versions.ts'

/** Rows of a page, unless asked for otherwise, and at most; a delta is as long as it may be. */
const PAGE = 100
const MAX_PAGE = 1_000

/** The most records that one request may ask for. */
const MAX_VERSIONS = 500

/** The `records` of the body, each with type, id and version. */
const heldVersionsOf = (body: Body): HeldVersion[] => {
  const { records } = body
  if (!Array.isArray(records)) return refuse('malformed', 'records must be a list of {type, id, version}.')
  if (records.length > MAX_VERSIONS)
    return refuse('malformed', `records may hold ${MAX_VERSIONS} entries at most.`)
  for (const held of records as Partial<HeldVersion>[]) {
    const fits =
      typeof held === 'object' &&
      held !== null &&
      typeof held.type === 'string' &&
      typeof held.id === 'string' &&
      Number.isSafeInteger(held.version) &&
      (held.rights === undefined || typeof held.rights === 'string')
    if (!fits) return refuse('malformed', 'Each entry of records needs a type, an id and a version.')
  }
  return records
}

/** What each route of many records does. */
export const listHandlers = ({ database }: RouteOptions) => {
  const list: Handler = async (request, response, actor) => {
    await database.ready(undefined, actor.tenantId)
    const known = database.typeOf(request.params.type, actor.tenantId)?.forActor(actor)
    if (!known) return sendProblem(response, problem('not_found'))
    const filters = filtersOf(queryOf(request.url), known)
    const filter = { filters, search: queryText(request, 'search') }
    const counted = queryText(request, 'count')
    if (counted !== undefined && counted !== 'exact')
      return refuse('malformed', 'count can only be exact: count=exact.')
    const asked = queryText(request, 'cursor')
    const after = queryText(request, 'after')
    const limit = queryNumber(request, 'limit', asked === undefined ? PAGE : MAX_PAGE, MAX_PAGE)
    const query = { ...filter, sort: queryText(request, 'sort') ?? 'id', limit, after }
    const budget = database.largeAnswers.budgetOf(response, actor)
    const age = database.age()
    const send = async (page: ListAnswer | ListDelta) => {
      const count = counted && { count: await countRecords(database, known, actor, filter, budget) }
      await sendPage(response, { ...page, ...count, ...age })
    }
    if (asked === undefined) return send(await listRecords(database, known, actor, query, budget))
    const cursor = database.cursors.decode(asked)
    if (!cursor || after !== undefined)
      return refuse('malformed', 'cursor must be what an answer gave, and stands without after.')
    // Read with other rights it shows fields that aren't this reader's any more, or lacks some.
    const isOfSameRights = rightsOfCursor(asked) === known.rights
    const delta = isOfSameRights
      ? await listDelta(database, known, actor, { filter, cursor, limit }, budget)
      : null
    await send(delta ?? { ...(await listRecords(database, known, actor, query, budget)), reset: true })
  }

  const versions: Handler = async (request, response, actor) => {
    const held = heldVersionsOf(bodyOf(request))
    const history = database.history()
    const age = database.age()
    const data = await versionDifferences(database, actor, held)
    await sendPage(response, { data, ...age, ...(history && { history }) })
  }
  return { list, versions }
}

export const addListRoutes = (router: Router, { list, versions }: ReturnType<typeof listHandlers>): void => {
  router.post('/records/versions', handle(versions))
  router.get('/records/:type', handle(list))
}
