// The routes that a busy app asks for thousands of times a second, found by one look at the path instead of layer by layer.
// Invariant: the handlers, and all that stands before them, are the router's own. A path that isn't written plainly
// (an escape, a second slash, other letters than the declared) is left to the router.
import type { Request, RequestHandler, Response } from 'express'
import { asPersonNow, type OpenRequest } from '../base/open-requests.ts'
import type { Limits, Log } from '../base/options.ts'
import { admission, type EntryOptions, failureAnswer } from '../http/authenticate-request.ts'
import { catching } from '../http/catching.ts'
import { jsonReader } from '../http/json-body.ts'
import type { Handler, Params } from '../http/route-handler.ts'

/** What leads here, by method. */
export interface ShortcutHandlers {
  read: Handler
  save: Handler
  remove: Handler
  version: Handler
  versions: Handler
}

export interface ShortcutOptions extends EntryOptions {
  limits: Limits
  log: Log
}

interface Way {
  operation: string
  handler: Handler
  hasBody: boolean
}

const OF_RECORD = /^\/records\/([a-z][a-z0-9_]*)\/([\w.~-]+)(\/version)?(?:$|\?)/
const VERSIONS = /^\/records\/versions(?:$|\?)/

/** Answers what it knows; everything else goes on to the router's routes. */
export const shortcut = (handlers: ShortcutHandlers, options: ShortcutOptions): RequestHandler => {
  const enter = admission(options)
  const readBody = jsonReader(options.limits.bodyBytes)
  const fail = failureAnswer(options.log)
  const { metrics } = options.node
  const way = (operation: keyof ShortcutHandlers, hasBody: boolean): Way => ({
    operation,
    handler: handlers[operation],
    hasBody,
  })
  const ofRecord: Record<string, Way> = {
    GET: way('read', false),
    PATCH: way('save', true),
    DELETE: way('remove', true),
  }
  const version = way('version', false)
  const versions = way('versions', true)

  const wayOf = (request: Request): Way | undefined => {
    const found = OF_RECORD.exec(request.url)
    if (!found) return request.method === 'POST' && VERSIONS.test(request.url) ? versions : undefined
    const [, type, id, isVersion] = found
    const way = isVersion ? (request.method === 'GET' ? version : undefined) : ofRecord[request.method]
    if (way) request.params = { type, id } as Params
    return way
  }

  const answer = async ({ operation, handler, hasBody }: Way, request: Request, response: Response) => {
    const begun = performance.now()
    let open: OpenRequest | null = null
    try {
      open = await enter(request, response)
      if (!open) return
      if (hasBody) await readBody(request, response)
      await asPersonNow(open, (actor) => handler(request as Request<Params>, response, actor))
    } catch (error) {
      fail(error, response)
    } finally {
      open?.end()
      metrics.answered(operation, response.statusCode, begun)
    }
  }

  return catching((request, response, next) => {
    const way = wayOf(request)
    return way ? answer(way, request, response) : next()
  })
}
