// Browsers send cookies with requests that other sites make. A request that says where it comes from is taken from the
// app's own pages alone; one that doesn't say (a program) carries no such danger.
import type { IncomingMessage } from 'node:http'
import type { Logger } from '../base/logger.ts'
import { problem } from '../base/problems.ts'
import { type Problem, printable } from '../protocol/index.ts'
import { schemeOf } from './as-express.ts'
import { hostOf } from './http2.ts'

/**
 * Is the request's `Origin` absent, the scheme and host that the request itself came to, or one of the listed origins? A
 * page that came over http may have been written by anybody on the way, so it isn't the https one's own.
 */
const isOwnOrigin = (request: IncomingMessage, origins: string[]): boolean => {
  const { origin } = request.headers
  const host = hostOf(request)
  if (origin === undefined) return true
  if (origins.includes(origin)) return true
  const scheme = schemeOf(request)
  if (origin === `${scheme}://${host}`) return true
  const at = URL.canParse(origin) ? new URL(origin) : null
  if (at === null || host === undefined || at.protocol !== `${scheme}:`) return false
  const own = `${scheme}://${host}`
  return URL.canParse(own) && at.host === new URL(own).host
}

/** Why a request's page may not send it, or `null`. */
export type OriginCheck = (request: IncomingMessage) => Problem | null

/** Pairs of page and host that are logged; who sends more of them is making them up. */
const MOST_LOGGED = 100
const MOST_TEXT = 200

const CURE =
  "list the page's origin in `origins`, or let the proxy pass Host on as the browser sent it (Vite: changeOrigin: false)"

/** Answers with both hosts and the cure, and logs them once for each pair. */
export const createOriginCheck = (origins: string[], log: Logger): OriginCheck => {
  const logged = new Set<string>()
  return (request) => {
    if (isOwnOrigin(request, origins)) return null
    const shown = (text = 'none') => printable(text).slice(0, MOST_TEXT)
    const page = shown(request.headers.origin)
    const host = `${schemeOf(request)}://${shown(hostOf(request))}`
    const pair = `${page} ${host}`
    if (!logged.has(pair) && logged.size < MOST_LOGGED) {
      logged.add(pair)
      log.warn(
        { page, host },
        `A request of another origin's page was refused. If it is the app's own: ${CURE}.`,
      )
    }
    return problem(
      'cross_origin',
      `The page is of ${page}, its request came to ${host}. If both are the app's: ${CURE}.`,
    )
  }
}
