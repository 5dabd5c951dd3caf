// GET /changes: the change feed over HTTP, a page at once or a long poll.
// Invariant: a held request costs no query until this node's own feed has heard of a change for it, and before it
// answers, the sign-in is looked at again.
import type { Request, Response, Router } from 'express'
import type { Authenticate } from '../base/options.ts'
import { problem, refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { queryNumber, queryText } from '../http/request-parameters.ts'
import { sendData, sendProblem } from '../http/responses.ts'
import { handle, type RouteOptions } from '../http/route-handler.ts'
import type { ChangeNews } from '../log/change-waiters.ts'
import type { Cursor } from '../log/cursor.ts'
import { MAX_WAIT_S } from '../protocol/index.ts'
import {
  type ChangesQuery,
  changesAfter,
  concerns,
  firstCursor,
  presentCursor,
  toAnswer,
} from '../queries/change-feed.ts'
import type { Database } from '../tables/database.ts'

export interface ChangeRouteOptions extends RouteOptions {
  authenticate: Authenticate
  news: ChangeNews
  /** Makes sure that the node's feed runs: it wakes who waits. */
  follow(): void
}

const MAX_LIMIT = 1_000

/** A request while it is held. */
interface Held {
  actor: Actor
  request: Request
  /** How long it may be held. */
  ms: number
  /** Aborted when the client goes. */
  gone: AbortSignal
}

const typesOf = (database: Database, text: string | undefined): string[] => {
  if (text === undefined) return []
  const types = text.split(',')
  const unknown = types.find((name) => !database.typeOf(name))
  return unknown === undefined
    ? types
    : refuse('malformed', `type: there is no type ${unknown.slice(0, 100)}.`)
}

const cursorOf = (database: Database, text: string | undefined): Promise<Cursor> | Cursor => {
  if (text === undefined) return presentCursor(database)
  if (text === 'start') return firstCursor(database)
  return (
    database.cursors.decode(text) ?? refuse('malformed', 'cursor must be what an answer gave, or "start".')
  )
}

/** Ends when the client goes. */
const goneSignal = (response: Response): AbortSignal => {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  return gone.signal
}

export const addChangeRoutes = (router: Router, options: ChangeRouteOptions): void => {
  const { database, news, log, authenticate, follow } = options

  /** The person behind the request as he is now; `null` where that is nobody, or somebody else. */
  const actorNow = async (actor: Actor, request: Request): Promise<Actor | null> => {
    const now = (await authenticate(request)) as Actor | null
    return now && now.id === actor.id && now.tenantId === actor.tenantId ? now : null
  }

  /** A page with something in it, or what there is when the time is up; `null` where the sign-in ended meanwhile. */
  const waitFor = async (held: Held, cursor: Cursor, query: ChangesQuery) => {
    let actor: Actor | null = held.actor
    const ear = news.listen((change) => concerns(database, held.actor, query.types, change) !== undefined)
    const until = performance.now() + held.ms
    try {
      let page = await changesAfter(database, actor, cursor, query, log)
      for (;;) {
        const left = until - performance.now()
        const isDone = page.data.length > 0 || page.more || page.reset || left <= 0
        if (isDone || held.gone.aborted || news.isStopped()) return page
        follow()
        await ear.heard(left, held.gone)
        if (held.gone.aborted) return page
        actor = await actorNow(held.actor, held.request)
        if (!actor) return null
        page = await changesAfter(database, actor, page.cursor, query, log)
      }
    } finally {
      ear.stop()
    }
  }

  router.get(
    '/changes',
    handle(async (request, response, actor) => {
      await database.ready()
      const types = typesOf(database, queryText(request, 'type'))
      const limit = queryNumber(request, 'limit', 100, MAX_LIMIT)
      const wait = queryText(request, 'wait') ?? '0'
      const ms = wait === '0' ? 0 : queryNumber(request, 'wait', MAX_WAIT_S, MAX_WAIT_S) * 1_000
      const gone = goneSignal(response)
      const cursor = await cursorOf(database, queryText(request, 'cursor'))
      const page = await waitFor({ actor, request, ms, gone }, cursor, { types, limit })
      if (gone.aborted) return
      if (page) sendData(response, toAnswer(database, page))
      else sendProblem(response, problem('unauthenticated'))
    }),
  )
}
