// What HTTP requests ask, read once and strictly.
// Invariant: a version is a plain positive integer or the request is refused; nothing is converted out of kindness.
import type { IncomingHttpHeaders } from 'node:http'
import { type OpenRequest, openOf } from '../base/open-requests.ts'
import { problem, Refusal, refuse } from '../base/problems.ts'
import { isVersion } from '../base/record-type.ts'
import { queryOf } from '../base/request.ts'
import { utcMoment } from '../db/iso-time.ts'
import { HEADERS } from '../protocol/index.ts'
import { isMutationId, MUTATION_ID_RULE } from '../protocol/mutation-id.ts'
import { objectOf, READ_BEFORE } from './json-body.ts'

/** The parts of a request that are read here. */
export interface Asked {
  headers: IncomingHttpHeaders
  body?: unknown
  /** Of a stream that somebody has read. */
  readableDidRead?: boolean
  url?: string | undefined
}

const headerOf = ({ headers }: Asked, name: string): string | undefined => {
  const value = headers[name.toLowerCase()]
  return Array.isArray(value) ? value.join(', ') : value
}

export type Body = Record<string, unknown>

const JSON_TYPE = /[/+]json\b/i

/**
 * The body as any reader has left it, the app's own too. One that isn't sent is `{}`, as some readers leave it; one of another
 * type than JSON is none, though some readers take forms. Bytes and text are parsed.
 */
const readBodyOf = ({ headers, body, readableDidRead }: Asked): unknown => {
  const isSent = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  if (!isSent) return {}
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) return undefined
  if (body === undefined && readableDidRead) return refuse('malformed', READ_BEFORE)
  return typeof body === 'string' || Buffer.isBuffer(body) ? objectOf(Buffer.from(body)) : body
}

/** The request's JSON object. An absent body is an empty one where that is allowed. */
export const bodyOf = (request: Asked, { optional = false } = {}): Body => {
  const body = readBodyOf(request)
  if (body === undefined && optional) return {}
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return refuse('malformed', 'The body must be a JSON object, sent as application/json.')
  }
  return body as Body
}

/** A field of the body that must be an object, `{field: value}`. */
export const objectIn = (body: Body, name: string): Body => {
  const value = Object.hasOwn(body, name) ? body[name] : undefined
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('malformed', `${name} must be an object of fields and their values.`)
  }
  return value as Body
}

/** A field of the body that must be a list of names, or absent. */
export const namesIn = (body: Body, name: string): string[] | undefined => {
  const names = Object.hasOwn(body, name) ? body[name] : undefined
  if (names === undefined) return undefined
  if (Array.isArray(names) && names.length > 0 && names.every((one) => typeof one === 'string')) return names
  return refuse('malformed', `${name} must be a list of one field or more.`)
}

const BY_HEADER = /^"([1-9]\d{0,15})"$/

/** The version that the editor built on: `client_version`, or `If-Match` (RFC 9110, 13.1.1) in its strong form. */
export const clientVersionOf = (request: Asked, body: Body): { clientVersion: number; byHeader: boolean } => {
  const header = headerOf(request, 'If-Match')
  const sent = Object.hasOwn(body, 'client_version') ? body.client_version : undefined
  if (sent !== undefined && !isVersion(sent)) {
    throw new Refusal(problem('malformed', 'client_version must be a positive integer.'))
  }
  if (header === undefined) {
    if (sent === undefined) throw new Refusal(problem('version_required'))
    return { clientVersion: sent, byHeader: false }
  }
  const version = Number(BY_HEADER.exec(header.trim())?.[1])
  if (!isVersion(version))
    throw new Refusal(problem('malformed', 'If-Match must name one version: If-Match: "7".'))
  if (sent !== undefined && sent !== version) {
    throw new Refusal(problem('malformed', 'client_version and If-Match name different versions.'))
  }
  return { clientVersion: version, byHeader: sent === undefined }
}

const nameIn = (value: unknown, what: string): string | undefined => {
  if (value === undefined) return undefined
  return isMutationId(value) ? value : refuse('malformed', `${what} ${MUTATION_ID_RULE}`)
}

/** The mutation id, from the body or from `Idempotency-Key`; both must say the same. */
export const mutationIdOf = (request: Asked, body: Body): string | undefined => {
  const header = nameIn(headerOf(request, HEADERS.idempotencyKey), HEADERS.idempotencyKey)
  const sent = nameIn(Object.hasOwn(body, 'mutation_id') ? body.mutation_id : undefined, 'mutation_id')
  if (header !== undefined && sent !== undefined && header !== sent) {
    return refuse('malformed', `mutation_id and ${HEADERS.idempotencyKey} name different writes.`)
  }
  return sent ?? header
}

/** Where the change comes from: the request, the tab, and the socket that needn't receive it. */
export const originOf = (
  request: Asked,
): { tabId: string | undefined; socketId: string | undefined; request: OpenRequest | undefined } => ({
  tabId: nameIn(headerOf(request, HEADERS.tabId), HEADERS.tabId),
  socketId: nameIn(headerOf(request, HEADERS.socketId), HEADERS.socketId),
  request: openOf(request),
})

/** A query parameter as one string; `undefined` where it is absent. */
export const queryText = (request: Asked, name: string): string | undefined => {
  const [value, ...further] = queryOf(request.url).getAll(name)
  if (further.length === 0) return value
  return refuse('malformed', `${name} must be given once.`)
}

/** A query parameter as a whole number within bounds. */
export const queryNumber = (request: Asked, name: string, fallback: number, most: number): number => {
  const text = queryText(request, name)
  if (text === undefined) return fallback
  const number = Number(text)
  if (!/^[1-9]\d{0,15}$/.test(text) || number > most)
    refuse('malformed', `${name} must be a whole number from 1 to ${most}.`)
  return number
}

const ISO_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/

/** A query parameter that is a time with its zone, as UTC with microseconds; finer ones are cut off. */
export const queryTime = (request: Asked, name: string): string | undefined => {
  const text = queryText(request, name)
  if (text === undefined) return undefined
  const [, minute = '', seconds = ':00', fraction = '', zone = ''] = ISO_TIME.exec(text) ?? []
  const at = utcMoment(Date.parse(`${minute}${seconds}${zone}`), fraction)
  const isDay =
    new Date(Date.parse(`${minute.slice(0, 10)}T00:00:00Z`)).getUTCDate() === Number(minute.slice(8, 10))
  if (at === null || !isDay)
    return refuse('malformed', `${name} must be a time with its zone, like 2026-05-03T10:00:00Z.`)
  return at
}
