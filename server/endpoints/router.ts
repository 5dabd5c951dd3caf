// The HTTP routes, ready to be mounted. Whatever begins with /records, /changes, /events, /openapi.json or /asyncapi.json and
// is none of them is answered here too.
import type { IncomingMessage, ServerResponse } from 'node:http'
import createRouter, { type Router } from 'router'
import { problem } from '../base/problems.ts'
import type { Next } from '../base/request.ts'
import { admit, answerFailure, type EntryOptions } from '../http/authenticate-request.ts'
import { cors } from '../http/cors.ts'
import { fromHttp2 } from '../http/http2.ts'
import { eachInTurn, inTurn } from '../http/in-turn.ts'
import { jsonBody } from '../http/json-body.ts'
import { sendProblem } from '../http/responses.ts'
import { WRITE_MS } from '../pacing/turns.ts'
import { addBulkRoutes } from './bulk-edit.ts'
import { addChangeRoutes, type ChangeRouteOptions } from './changes.ts'
import { addEventRoute, type EventStreamOptions } from './events.ts'
import { type FastRouteOptions, fastRoutes } from './fast-routes.ts'
import { addImportRoutes, type ImportRouteOptions } from './import.ts'
import { addListRoutes, listHandlers } from './lists.ts'
import { addAsyncApiRoute } from './openapi/async-api.ts'
import { addOpenApiRoute } from './openapi/route.ts'
import { addPresenceRoutes, type PresenceOptions, presenceHandler, takeOverHandler } from './presence.ts'
import { addProposalRoutes, proposalHandlers } from './proposals.ts'
import { addRecordRoutes, eitherRead, recordHandlers } from './records.ts'

export interface RouterOptions extends ChangeRouteOptions, EventStreamOptions, FastRouteOptions {
  node: EntryOptions['node'] &
    ImportRouteOptions['node'] &
    EventStreamOptions['node'] &
    PresenceOptions['node']
  origins: string[]
}

/** The router: `app.use('/api/v1', records.router)`. */
export const recordRouter = (options: RouterOptions): Router => {
  const router = createRouter()
  const { short, long, versions } = options.turns
  const { history, version, read, past, restore, deleted, ...writes } = recordHandlers(options)
  const ofRecord = {
    ...eachInTurn(short, writes, WRITE_MS),
    read: eitherRead(inTurn(short, read), inTurn(long, past)),
    // Those of many people are read by one query, as joins are.
    version: inTurn(versions, version),
    history: inTurn(long, history),
    restore: inTurn(long, restore),
    deleted: inTurn(long, deleted),
  }
  const ofProposals = eachInTurn(long, proposalHandlers(options))
  const ofLists = eachInTurn(long, listHandlers(options))
  router.use(fromHttp2)
  const beforeRoutes = [
    cors(options.origins, options.originRefusal),
    fastRoutes({ ...ofRecord, ...ofLists }, options),
  ]
  // Where no origin is listed the former has nothing to say to requests that the latter takes.
  for (const layer of options.origins.length > 0 ? beforeRoutes : beforeRoutes.reverse()) router.use(layer)
  const entry = admit(options)
  router.use(options.node.metrics.observe)
  router.use('/records', entry, jsonBody(options.limits.bodyBytes))
  router.use(['/deleted', '/proposals', '/changes', '/events', '/openapi.json', '/asyncapi.json'], entry)
  addOpenApiRoute(router, options.database)
  addAsyncApiRoute(router)
  addListRoutes(router, ofLists, options.limits)
  addBulkRoutes(router, options)
  addImportRoutes(router, options)
  addRecordRoutes(router, ofRecord)
  addPresenceRoutes(
    router,
    inTurn(versions, presenceHandler(options)),
    inTurn(versions, takeOverHandler(options)),
  )
  addProposalRoutes(router, ofProposals)
  addChangeRoutes(router, options)
  addEventRoute(router, options)
  const own = ['/records', '/deleted', '/proposals', '/changes', '/events', '/openapi.json', '/asyncapi.json']
  router.use(own, (_request, response) => sendProblem(response, problem('not_found')))
  router.use(answerFailure(options.log))
  return router
}

/**
 * The router as the only listener of a server, or as the handler of a framework that hands on Node's own request and response:
 * `http.createServer(records.handler)`. What isn't below `basePath` goes to `next`, else it is answered 404.
 */
export const hostHandler = (router: Router, basePath: string) => {
  const host = createRouter()
  host.use(basePath, router)
  return (request: IncomingMessage, response: ServerResponse, next?: Next): void => {
    host(request, response, (error) => {
      if (next) return next(error)
      if (!response.headersSent) sendProblem(response, problem(error ? 'internal' : 'not_found'))
      else response.destroy()
    })
  }
}
