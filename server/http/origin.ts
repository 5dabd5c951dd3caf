// Browsers send cookies with requests that other sites make. A request that says where it comes from is taken from the
// app's own pages alone; one that doesn't say (a program) carries no such danger.
import type { IncomingMessage } from 'node:http'

/** Is the request's `Origin` absent, the request's own host, or one of the listed origins? */
export const isOwnOrigin = (request: IncomingMessage, origins: string[]): boolean => {
  const { origin, host } = request.headers
  if (origin === undefined) return true
  if (origin === `https://${host}` || origin === `http://${host}` || origins.includes(origin)) return true
  const at = URL.canParse(origin) ? new URL(origin) : null
  return at !== null && host !== undefined && at.host === host.toLowerCase()
}
