// How answers leave: lean, with the headers that the contract gives, and never cached by anybody but their asker.
import type { ServerResponse } from 'node:http'
import { mapInSlices } from '../pacing/time-slices.ts'
import { PROBLEM_MEDIA_TYPE, type Problem } from '../protocol/index.ts'
import { endInPieces, PIECE_BYTES } from './body-in-pieces.ts'

const RETRY_AFTER_S = 2

const JSON_TYPE = 'application/json; charset=utf-8'

/** Status and headers. A middleware that replaced `end` may add headers there: then none must have left before. */
export const begin = (
  response: ServerResponse,
  status: number,
  headers: Record<string, string | number>,
): ServerResponse => {
  if (!Object.hasOwn(response, 'end')) return response.writeHead(status, headers)
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  return response
}

const sendText = (
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: Record<string, string>,
) => {
  const bytes = Buffer.byteLength(text)
  begin(response, status, {
    ...headers,
    'Content-Type': type,
    'Content-Length': bytes,
    'Cache-Control': 'private, no-cache',
  })
  const isReplaced = Object.hasOwn(response, 'end') || Object.hasOwn(response, 'write')
  if (bytes > PIECE_BYTES && !isReplaced) endInPieces(response, Buffer.from(text))
  else response.end(text)
}

/** The record's version as an entity tag: `"7"`. */
export const etagOf = (version: number): string => `"${version}"`

/** A success. `headers` may hold ETag and Location. */
export const sendData = (
  response: ServerResponse,
  body: object,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): void => sendText(response, status, JSON_TYPE, JSON.stringify(body), headers)

/** A success with many entries, which are made text in time slices. */
export const sendPage = async <P extends { data: readonly object[] }>(
  response: ServerResponse,
  { data, ...rest }: P,
): Promise<void> => {
  const entries = await mapInSlices(data, (entry) => JSON.stringify(entry))
  const others = JSON.stringify(rest).slice(1)
  const text = `{"data":[${entries.join()}]${others === '}' ? '' : ','}${others}`
  sendText(response, 200, JSON_TYPE, text, {})
}

/** 204, or 304 with the tag that still holds. */
export const sendEmpty = (
  response: ServerResponse,
  status: 204 | 304,
  headers: Record<string, string> = {},
): void => {
  begin(response, status, { ...headers, 'Cache-Control': 'private, no-cache' }).end()
}

/** An error answer. */
export const sendProblem = (
  response: ServerResponse,
  refused: Problem,
  retryAfterS: number = RETRY_AFTER_S,
): void => {
  const later = refused.status === 503 || refused.status === 429
  sendText(response, refused.status, PROBLEM_MEDIA_TYPE, JSON.stringify(refused), {
    ...(later && { 'Retry-After': String(retryAfterS) }),
    ...('current_version' in refused && { ETag: etagOf(Number(refused.current_version)) }),
  })
}

/** Does `If-None-Match` name this version? Weak comparison, as RFC 9110, 13.1.2 has it. */
export const isFresh = (ifNoneMatch: string | undefined, version: number): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === '*' ||
    ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etagOf(version)))
