// The demo's own problem documents (RFC 9457), in the record server's form, for the routes that are not its own.
import type { RequestHandler, Response } from 'express'

/** Answers with a problem document. */
export const refuse = (
  response: Response,
  status: number,
  code: string,
  title: string,
  detail: string,
  more: Record<string, unknown> = {},
): void => {
  const type = `urn:noclobber:${code.replaceAll('_', '-')}`
  response.status(status).type('application/problem+json')
  response.send(JSON.stringify({ type, title, status, code, detail, ...more }))
}

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/**
 * Refuses unsafe requests that another site's page sent: browsers attach cookies to those too. A request without
 * `Origin` comes from no page.
 */
export const sameOrigin: RequestHandler = (request, response, next) => {
  const origin = request.get('origin')
  const own = `${request.protocol}://${request.get('host')}`
  if (SAFE_METHODS.includes(request.method) || origin === undefined || origin === own) next()
  else
    refuse(
      response,
      403,
      'cross_origin',
      'Sent from another site',
      'This request came from a page of another site.',
    )
}
