// The way into the router and the way out of a failure.
// Invariant: nobody unknown and no foreign page gets as far as an operation; every failure is a problem document.
import { type OpenRequest, type OpenRequests, openOf } from '../base/open-requests.ts'
import type { Logger } from '../base/options.ts'
import { problem, Refusal } from '../base/problems.ts'
import type { Middleware, Next, Request, Response } from '../base/request.ts'
import { isUnavailable, unexpectedProblem } from '../db/errors.ts'
import type { RecordNode } from '../node/node.ts'
import { HEADERS, type ProblemCode } from '../protocol/index.ts'
import { addressOf } from './as-express.ts'
import { catching } from './catching.ts'
import { BODY_FAILURES } from './json-body.ts'
import type { OriginCheck } from './origin.ts'
import { isMeant } from './request-context.ts'
import { sendProblem } from './responses.ts'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

export interface EntryOptions {
  originRefusal: OriginCheck
  node: Pick<RecordNode, 'requestLimits' | 'metrics' | 'isDraining'>
  requests: OpenRequests
}

/**
 * Who may go on: signed-in requests of the app's own pages, and of programs, as many as their limits allow. All others
 * are answered here, and `null` is given. The caller ends what it is given.
 */
export const admission =
  ({ originRefusal, node, requests }: EntryOptions) =>
  async (request: Request, response: Response): Promise<OpenRequest | null> => {
    if (node.isDraining()) response.setHeader('Connection', 'close')
    const refuse = (code: ProblemCode) => {
      sendProblem(response, problem(code))
      return null
    }
    const limited = (what: 'address' | 'person', waitS: number) => {
      node.metrics.limited(what)
      sendProblem(response, problem('rate_limited'), waitS)
      return null
    }
    const addressWaitS = node.requestLimits.byAddress(addressOf(request))
    if (addressWaitS !== null) return limited('address', addressWaitS)
    const foreign = SAFE.has(request.method ?? '') ? null : originRefusal(request)
    if (foreign) {
      sendProblem(response, foreign)
      return null
    }
    const open = await requests.open(request)
    if (!open) return refuse('unauthenticated')
    const isFor = isMeant(request, open.actor)
    if (isFor) response.setHeader(HEADERS.personId, encodeURIComponent(open.actor.id))
    const personWaitS = isFor ? node.requestLimits.byPerson(open.actor) : 'nobody'
    if (personWaitS === null) return open
    open.end()
    return personWaitS === 'nobody' ? refuse('unauthenticated') : limited('person', personWaitS)
  }

/** {@link admission} as the router wants it. */
export const admit = (options: EntryOptions): Middleware => {
  const enter = admission(options)
  return catching(async (request, response, next) => {
    const open = openOf(request) ?? (await enter(request, response))
    if (!open) return
    response.once('close', open.end)
    next()
  })
}

const problemOf = (error: { type?: string; status?: number }) => {
  if (error instanceof Refusal) return error.problem
  if (error?.type === 'entity.too.large') return problem('too_large')
  const body = BODY_FAILURES[error?.type ?? '']
  if (body) return problem('malformed', body)
  return error?.status === 400 ? problem('malformed') : null
}

/** Answers what was thrown; what nobody expected is logged and answered 503 or 500, without a word of its text. */
export const failureAnswer =
  (log: Logger) =>
  // biome-ignore lint/suspicious/noExplicitAny: whatever was thrown
  (error: any, response: Response): void => {
    if (response.headersSent) {
      response.destroy()
      return
    }
    // The asker has gone, and the work for the answer was given up.
    if (error?.name === 'AbortError' && response.destroyed) return
    const refused = problemOf(error)
    if (refused && error.cause) log.error({ err: error.cause }, refused.detail)
    if (!refused && !isUnavailable(error)) log.error({ err: error }, 'A request failed.')
    sendProblem(response, refused ?? unexpectedProblem(error))
  }

/** {@link failureAnswer} as the router wants it. */
export const answerFailure = (log: Logger) => {
  const fail = failureAnswer(log)
  return (error: unknown, _request: Request, response: Response, _next: Next) => fail(error, response)
}
