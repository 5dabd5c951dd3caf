// The way into the router and the way out of a failure.
// Invariant: nobody unknown and no foreign page gets as far as an operation; every failure is a problem document.
import type { ErrorRequestHandler, Request, RequestHandler } from 'express'
import { sendProblem } from './answers.ts'
import { isUnavailable, unexpectedProblem } from './db/failures.ts'
import { problem, Refusal } from './errors.ts'
import type { RecordNode } from './node.ts'
import type { Authenticate, Log } from './options.ts'
import { isOwnOrigin } from './origin.ts'
import { HEADERS } from './protocol.ts'
import type { Actor } from './record-type.ts'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

const actors = new WeakMap<object, Actor>()

/** Who sent this request; only behind {@link admit}. */
export const actorOf = (request: object): Actor => actors.get(request) as Actor

export interface EntryOptions {
  authenticate: Authenticate<never>
  origins: string[]
  node: Pick<RecordNode, 'requestLimits' | 'metrics' | 'isDraining'>
}

/** A page that still speaks for one person must not write as the next, who has signed in beside it. */
const isMeant = (request: Request, { id }: Actor): boolean =>
  SAFE.has(request.method) || [undefined, encodeURIComponent(id)].includes(request.get(HEADERS.personId))

/** Lets signed-in requests of the app's own pages, and of programs, through, as many as their limits allow. */
export const admit =
  ({ authenticate, origins, node }: EntryOptions): RequestHandler =>
  async (request, response, next) => {
    if (node.isDraining()) response.setHeader('Connection', 'close')
    const limited = (what: 'address' | 'person', waitS: number) => {
      node.metrics.limited(what)
      sendProblem(response, problem('rate_limited'), waitS)
    }
    const addressWaitS = await node.requestLimits.byAddress(request)
    if (addressWaitS !== null) return limited('address', addressWaitS)
    if (!SAFE.has(request.method) && !isOwnOrigin(request, origins))
      return sendProblem(response, problem('cross_origin'))
    const actor = await authenticate(request)
    if (!actor || !isMeant(request, actor)) return sendProblem(response, problem('unauthenticated'))
    const personWaitS = await node.requestLimits.byPerson(actor)
    if (personWaitS !== null) return limited('person', personWaitS)
    actors.set(request, actor)
    next()
  }

const BODY_FAILURES: Record<string, string> = {
  'entity.parse.failed': 'The body is not JSON.',
  'encoding.unsupported': 'The body has an encoding that is not supported.',
  'charset.unsupported': 'The body must be UTF-8.',
}

const problemOf = (error: { type?: string; status?: number }) => {
  if (error instanceof Refusal) return error.problem
  if (error?.type === 'entity.too.large') return problem('too_large')
  const body = BODY_FAILURES[error?.type ?? '']
  if (body) return problem('malformed', body)
  return error?.status === 400 ? problem('malformed') : null
}

/** Answers what was thrown; what nobody expected is logged and answered 503 or 500, without a word of its text. */
export const answerFailure =
  (log: Log): ErrorRequestHandler =>
  (error, _request, response, _next) => {
    if (response.headersSent) {
      response.destroy()
      return
    }
    const refused = problemOf(error)
    if (!refused && !isUnavailable(error)) log.error({ error }, 'A request failed.')
    sendProblem(response, refused ?? unexpectedProblem(error))
  }
