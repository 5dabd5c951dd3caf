// One way for every route: the actor is known, and what is thrown becomes a problem document.
import { asPersonNow, type OpenRequest, openOf } from '../base/open-requests.ts'
import type { Limits, Logger } from '../base/options.ts'
import type { Actor } from '../base/record-type.ts'
import type { Middleware, Request, Response } from '../base/request.ts'
import type { Database } from '../tables/database.ts'
import { catching } from './catching.ts'
import { idOfSegment } from './record-path.ts'

/** What routes are made of. */
export interface RouteOptions {
  database: Database
  limits: Limits
  log: Logger
  /** A write of this node was committed. */
  wake(): void
}

/** `id` is there on the routes of one record. */
export type Params = { type: string; id: string }

/** Reads its parameters, calls one operation, and answers with its outcome. */
export type Handler = (request: Request<Params>, response: Response, actor: Actor) => Promise<void>

/** A handler as the router wants it; only behind {@link admit}. `isRepeatable: false`: it reads a body that comes only once. */
export const handle = (handler: Handler, { isRepeatable = true } = {}): Middleware =>
  catching((request, response) => {
    const { params } = request as Request<Params>
    if (params.id !== undefined) params.id = idOfSegment(params.id)
    return asPersonNow(
      openOf(request) as OpenRequest,
      (actor) => handler(request as Request<Params>, response, actor),
      () => isRepeatable && !response.headersSent,
    )
  })
