// Browsers send cookies with requests that other sites make. A request that says where it comes from is taken from the
// app's own pages alone; one that doesn't say (a program) carries no such danger.
import type { IncomingMessage } from 'node:http'
import { schemeOf } from './as-express.ts'

/**
 * Is the request's `Origin` absent, the scheme and host that the request itself came to, or one of the listed origins? A
 * page that came over http may have been written by anybody on the way, so it isn't the https one's own.
 */
export const isOwnOrigin = (request: IncomingMessage, origins: string[]): boolean => {
  const { origin, host } = request.headers
  if (origin === undefined) return true
  if (origins.includes(origin)) return true
  const scheme = schemeOf(request)
  if (origin === `${scheme}://${host}`) return true
  const at = URL.canParse(origin) ? new URL(origin) : null
  if (at === null || host === undefined || at.protocol !== `${scheme}:`) return false
  const own = `${scheme}://${host}`
  return URL.canParse(own) && at.host === new URL(own).host
}
