// Pages of other origins that the app lists: their browsers ask before they send (a preflight), and read an answer only if it says
// that they may (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol). Invariant: no header is given to an origin that isn't listed.
import type { ServerResponse } from 'node:http'
import { problem } from '../base/problems.ts'
import type { Middleware } from '../base/request.ts'
import { HEADERS } from '../protocol/index.ts'
import type { OriginCheck } from './origin.ts'
import { begin, sendProblem } from './responses.ts'

const METHODS = 'GET, HEAD, POST, PATCH, DELETE'
/** What a page may read of an answer, besides its body and type. */
const READABLE = ['Allow', 'Date', 'ETag', 'Location', 'Retry-After', HEADERS.personId].join(', ')
const HEADER_NAMES = /^[\w\-, ]{1,1000}$/
const PREFLIGHT_S = '600'

/**
 * The origins that an app lists, as browsers write them.
 *
 * @throws Error for what is no origin: a path or a slash behind the host, another scheme, `*`.
 */
export const checkedOrigins = (origins: string[]): string[] => {
  for (const origin of origins) {
    const own = URL.canParse(origin) ? new URL(origin).origin : null
    if (own !== origin)
      throw new Error(
        `origins: "${origin}" is no origin as browsers send it. ` +
          (own && own !== 'null'
            ? `Write "${own}".`
            : 'List each with its scheme and host: "https://app.example.com".'),
      )
  }
  return origins
}

const vary = (response: ServerResponse, name: string) => {
  const before = String(response.getHeader('Vary') ?? '')
  if (before === '*' || before.toLowerCase().split(/, */).includes(name.toLowerCase())) return
  response.setHeader('Vary', before === '' ? name : `${before}, ${name}`)
}

/** Answers preflights, and lets pages of listed origins read what they are answered. */
export const cors = (origins: string[], originRefusal: OriginCheck): Middleware => {
  const listed = new Set(origins)
  return (request, response, next) => {
    const { origin } = request.headers
    if (listed.size > 0) vary(response, 'Origin')
    const isListed = origin !== undefined && listed.has(origin)
    if (isListed) {
      response.setHeader('Access-Control-Allow-Origin', origin)
      response.setHeader('Access-Control-Allow-Credentials', 'true')
      response.setHeader('Access-Control-Expose-Headers', READABLE)
    }
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
      return next()
    if (!isListed) return sendProblem(response, originRefusal(request) ?? problem('cross_origin'))
    const asked = String(request.headers['access-control-request-headers'] ?? '')
    begin(response, 204, {
      'Access-Control-Allow-Methods': METHODS,
      ...(HEADER_NAMES.test(asked) ? { 'Access-Control-Allow-Headers': asked } : {}),
      'Access-Control-Max-Age': PREFLIGHT_S,
      'Content-Length': '0',
    }).end()
  }
}
