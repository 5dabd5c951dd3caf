// The routes that a busy app asks for thousands of times a second, found by one look at the path instead of layer by layer.
// Invariant: the handlers, and all that stands before them, are the router's own. A path that isn't written plainly
// (an escape, a second slash, other letters than the declared) is left to the router.
//
// Relies on Express's `request.url` beginning where the router is mounted, and on `request.params` being ours to set (tried
// with Express 4.22 and 5.3). Where it isn't, `shortcuts.routes` turns itself off and Express's router finds the route. With
// `statements` and http/json-body.ts it takes a save's CPU from 1.12 to 1.20 of bare Express and Knex to 0.89 to 0.99:
// docs/decisions/014-lean-requests.md.
import { asPersonNow, type OpenRequest } from '../base/open-requests.ts'
import type { Limits, Logger } from '../base/options.ts'
import type { Actor } from '../base/record-type.ts'
import type { Middleware, Request, Response } from '../base/request.ts'
import type { Shortcut } from '../base/shortcuts.ts'
import { admission, type EntryOptions, failureAnswer } from '../http/authenticate-request.ts'
import { jsonReader } from '../http/json-body.ts'
import type { Handler, Params } from '../http/route-handler.ts'

/** The handlers of the fast routes, by operation. */
export interface FastHandlers {
  read: Handler
  save: Handler
  remove: Handler
  version: Handler
  versions: Handler
}

export interface FastRouteOptions extends EntryOptions {
  limits: Limits
  log: Logger
  shortcut: Shortcut
}

interface FastRoute {
  operation: string
  handler: Handler
  hasBody: boolean
}

const OF_RECORD = /^\/records\/([a-z][a-z0-9_]*)\/([\w.-]+)(\/version)?(?:$|\?)/
const VERSIONS = /^\/records\/versions(?:$|\?)/

/** Gives the request its parameters, as Express does; `false` where they aren't ours to set. */
const setParams = (request: Request, params: Params): boolean => {
  try {
    request.params = params
  } catch {
    return false
  }
  return request.params === params
}

/** Answers the requests that it knows; every other one goes on to the router's routes. */
export const fastRoutes = (handlers: FastHandlers, options: FastRouteOptions): Middleware => {
  const { shortcut } = options
  const enter = admission(options)
  const readBody = jsonReader(options.limits.bodyBytes)
  const fail = failureAnswer(options.log)
  const { metrics } = options.node
  const fast = (operation: keyof FastHandlers, hasBody: boolean): FastRoute => ({
    operation,
    handler: handlers[operation],
    hasBody,
  })
  const ofRecord: Record<string, FastRoute> = {
    GET: fast('read', false),
    PATCH: fast('save', true),
    DELETE: fast('remove', true),
  }
  const version = fast('version', false)
  const versions = fast('versions', true)

  const routeOf = (request: Request): FastRoute | undefined => {
    const { url = '', method = '' } = request
    const found = OF_RECORD.exec(url)
    if (!found) return method === 'POST' && VERSIONS.test(url) ? versions : undefined
    const [, type, id, isVersion] = found
    const route = isVersion ? (method === 'GET' ? version : undefined) : ofRecord[method]
    if (!route || setParams(request, { type, id } as Params)) return route
    shortcut.turnOff()
    return undefined
  }

  const answer = async ({ operation, handler, hasBody }: FastRoute, request: Request, response: Response) => {
    const begun = performance.now()
    let open: OpenRequest | null = null
    try {
      open = await enter(request, response)
      if (!open) return
      const reading = hasBody ? readBody(request, response) : undefined
      if (reading) await reading
      const work = (actor: Actor) => handler(request as Request<Params>, response, actor)
      await asPersonNow(open, work, () => !response.headersSent)
    } catch (error) {
      fail(error, response)
    } finally {
      open?.end()
      metrics.answered(operation, response.statusCode, begun)
    }
  }

  return (request, response, next) => {
    const route = shortcut.isOn() ? routeOf(request) : undefined
    if (route) answer(route, request, response).catch(next)
    else next()
  }
}
