// What a page says of itself in the headers of any request, the app's own routes included.
import { problem, Refusal } from '../base/problems.ts'
import { HEADERS } from '../protocol/index.ts'
import { type Asked, mutationIdOf, originOf } from './request-parameters.ts'

/** What the writes of a request take: which tab it comes from, and the id under which it is done once. */
export interface RequestContext {
  /** Of `X-Tab-ID`: the page that has asked, which ignores the event. */
  tabId?: string
  /** Of `X-Socket-ID`: the socket that must not receive the event. */
  socketId?: string
  /** Of `Idempotency-Key`: 1 to 200 characters. */
  mutationId?: string
}

/** A page that still speaks for one person must neither read nor write as the next, who has signed in beside it. */
export const isMeant = ({ headers }: Pick<Asked, 'headers'>, { id }: { id: string | number }): boolean => {
  const meant = headers[HEADERS.personId.toLowerCase()]
  return meant === undefined || meant === encodeURIComponent(String(id))
}

/**
 * What `client.fetch` says about the page, for the writes of a route of the app's own.
 *
 * @throws an error with `status` and `problem`: 401 where the page speaks for another person than `actor`, 400 where a header is
 * malformed.
 * @example
 * const outcome = await records.save('task', id, { actor, clientVersion, changes, ...requestContext(request, actor) })
 */
export const requestContext = (request: Asked, actor: { id: string | number }): RequestContext => {
  if (!isMeant(request, actor)) throw new Refusal(problem('unauthenticated'))
  const { tabId, socketId } = originOf(request)
  const mutationId = mutationIdOf(request, {})
  return { ...(tabId && { tabId }), ...(socketId && { socketId }), ...(mutationId && { mutationId }) }
}
