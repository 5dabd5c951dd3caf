// The routes of many records: a list, what became of it since a cursor, and many versions at once.
import type { Router } from 'router'
import type { Limits } from '../base/options.ts'
import { problem, refuse } from '../base/problems.ts'
import { queryOf } from '../base/request.ts'
import { jsonBody } from '../http/json-body.ts'
import { type Body, bodyOf, queryNumber, queryText } from '../http/request-parameters.ts'
import { sendPage, sendProblem } from '../http/responses.ts'
import { type Handler, handle, type RouteOptions } from '../http/route-handler.ts'
import { rightsOfCursor } from '../log/cursor.ts'
import { presentCursor } from '../log/read-log.ts'
import type { CountedType, ListAnswer, ListDelta } from '../protocol/index.ts'
import { countChanged } from '../queries/changed-since.ts'
import { listRecords } from '../queries/list.ts'
import { listDelta } from '../queries/list-delta.ts'
import { filtersOf } from '../queries/list-filters.ts'
import type { WindowAsked } from '../queries/list-query.ts'
import { totalsOf } from '../queries/list-totals.ts'
import { type HeldVersion, versionDifferences } from '../queries/versions.ts'
import { windowDelta } from '../queries/window-delta.ts'

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

/** The ends of a window, by their parameters, in one of the three ways that there are. */
const WINDOW = ['after', 'before', 'from', 'to'] as const
const WINDOWS = ['after', 'before', 'from to']

/** The part of a list that is asked for, if it is a part. */
const windowOf = (request: Parameters<typeof queryText>[0]): WindowAsked | undefined => {
  const window: WindowAsked = {}
  for (const end of WINDOW) {
    const text = queryText(request, `window[${end}]`)
    if (text !== undefined) window[end] = text
  }
  const ends = Object.keys(window).join(' ')
  if (ends === '') return undefined
  return WINDOWS.includes(ends)
    ? window
    : refuse(
        'malformed',
        'A window is asked for by window[after], window[before], or window[from] and window[to].',
      )
}

const MOST_SUMS = 10

/** The fields whose sums are asked for. */
const sumsOf = ({ url }: Parameters<typeof queryText>[0]): string[] => {
  const sums = [...queryOf(url)].flatMap(([name, value]) => {
    const [, field] = /^sum\[(.+)\]$/s.exec(name) ?? []
    if (field === undefined) return []
    return value === 'exact' ? [field] : refuse('malformed', `${name} can only be exact: ${name}=exact.`)
  })
  const isRefused = sums.length > MOST_SUMS || new Set(sums).size < sums.length
  return isRefused ? refuse('malformed', `A list takes ${MOST_SUMS} sums at most, each once.`) : sums
}

/** Types that one request counts the changed records of, and how far it counts: 99 unless asked for otherwise. */
const MOST_TYPES = 50
const COUNTED = 99

/** The `since` and `most` of the body. */
const countedOf = ({ since, most = COUNTED }: Body): { since: CountedType[]; most: number } => {
  if (!Array.isArray(since) || since.length > MOST_TYPES)
    return refuse('malformed', `since must be a list of {type, cursor}, ${MOST_TYPES} at most.`)
  for (const one of since as Partial<CountedType>[]) {
    const isOptionalText = one?.cursor === undefined || typeof one.cursor === 'string'
    if (typeof one !== 'object' || one === null || typeof one.type !== 'string' || !isOptionalText)
      return refuse('malformed', 'Each entry of since needs a type, and a cursor if there is one.')
  }
  if (typeof most !== 'number' || !Number.isSafeInteger(most) || most < 1 || most > MAX_PAGE)
    return refuse('malformed', `most must be a whole number from 1 to ${MAX_PAGE}.`)
  return { since, most }
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
    const sums = sumsOf(request)
    const isTotalsAlone = queryText(request, 'limit') === '0'
    if (isTotalsAlone && (asked !== undefined || after !== undefined || (!counted && sums.length === 0)))
      return refuse('malformed', 'limit=0 is for count=exact and sums alone.')
    const limit = isTotalsAlone
      ? 0
      : queryNumber(request, 'limit', asked === undefined ? PAGE : MAX_PAGE, MAX_PAGE)
    const window = windowOf(request)
    if (window && after !== undefined) return refuse('malformed', 'after stands without window.')
    const query = { ...filter, sort: queryText(request, 'sort') ?? 'id', limit, after, window }
    const budget = database.largeAnswers.budgetOf(response, actor)
    const age = database.age()
    const send = async (page: ListAnswer | ListDelta) => {
      const totals =
        counted || sums.length > 0 ? await totalsOf(database, known, actor, filter, sums, budget) : undefined
      await sendPage(response, { ...page, ...totals, ...age })
    }
    if (isTotalsAlone) {
      const cursor = database.cursors.encode(await presentCursor(database), known.rights)
      return send({ data: [], cursor, next: null })
    }
    if (asked === undefined) return send(await listRecords(database, known, actor, query, budget))
    const cursor = database.cursors.decode(asked)
    if (!cursor || after !== undefined)
      return refuse('malformed', 'cursor must be what an answer gave, and stands without after.')
    // Read with other rights it shows fields that aren't this reader's any more, or lacks some.
    const isOfSameRights = rightsOfCursor(asked) === known.rights
    if (window && window.from === undefined)
      return refuse('malformed', 'A delta of a window is of one from a position to another.')
    const since = { filter, cursor, limit }
    const ofWindow = window && { ...since, sort: query.sort, window }
    const delta = !isOfSameRights
      ? null
      : ofWindow
        ? await windowDelta(database, known, actor, ofWindow, budget)
        : await listDelta(database, known, actor, since, budget)
    await send(delta ?? { ...(await listRecords(database, known, actor, query, budget)), reset: true })
  }

  const versions: Handler = async (request, response, actor) => {
    const held = heldVersionsOf(bodyOf(request))
    const history = database.history()
    const age = database.age()
    const data = await versionDifferences(database, actor, held)
    await sendPage(response, { data, ...age, ...(history && { history }) })
  }
  const changed: Handler = async (request, response, actor) => {
    const { since, most } = countedOf(bodyOf(request))
    const age = database.age()
    const { gone } = database.largeAnswers.budgetOf(response, actor)
    await sendPage(response, { data: await countChanged(database, actor, since, most, gone), ...age })
  }
  return { list, versions, changed }
}

export const addListRoutes = (
  router: Router,
  { list, versions, changed }: ReturnType<typeof listHandlers>,
  { bodyBytes }: Pick<Limits, 'bodyBytes'>,
): void => {
  router.post('/changes/count', jsonBody(bodyBytes), handle(changed))
  router.post('/records/versions', handle(versions))
  router.get('/records/:type', handle(list))
}
