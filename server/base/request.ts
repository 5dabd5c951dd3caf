// Requests as the router's handlers see them: Node's own, with what the router finds in their path. Nothing here is Express's,
// so every host that hands on Node's request and response serves the same answers.
import type { IncomingMessage, ServerResponse } from 'node:http'

/** A request behind the router. */
export interface Request<P = Record<string, string | string[] | undefined>> extends IncomingMessage {
  /** The whole address. */
  originalUrl: string
  /** Where the router is mounted. */
  baseUrl: string
  params: P
  /** Where a reader before us has left it: the app's own, or ours. */
  body?: unknown
}

export type Response = ServerResponse

/** Goes on, or with an error to the handler that answers failures. */
export type Next = (error?: unknown) => void

/** A handler as Node's hosts with middlewares take it: Express 4 and 5, Connect, Polka, NestJS. */
export type Middleware = (request: Request, response: Response, next: Next) => unknown

/** The same for a host: it needs to know nothing of ours. */
export type HostMiddleware = (request: IncomingMessage, response: ServerResponse, next: Next) => void

/** The path of an address, without its query. */
export const pathOf = (url = ''): string => {
  const at = url.indexOf('?')
  return at < 0 ? url : url.slice(0, at)
}

/** The query of an address, by the names as they are written: `filter[status]` is a name like any other. */
export const queryOf = (url = ''): URLSearchParams => {
  const at = url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1))
}
