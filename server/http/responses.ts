// How answers leave: lean, with the headers that the contract gives, and never cached by anybody but their asker.
import type { ServerResponse } from 'node:http'
import { PROBLEM_MEDIA_TYPE, type Problem } from '../protocol/index.ts'

const RETRY_AFTER_S = 2

const send = (
  response: ServerResponse,
  status: number,
  type: string,
  body: object,
  headers: Record<string, string>,
) => {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    ...headers,
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'private, no-cache',
  })
  response.end(text)
}

/** The record's version as an entity tag: `"7"`. */
export const etagOf = (version: number): string => `"${version}"`

/** A success. `headers` may hold ETag and Location. */
export const sendData = (
  response: ServerResponse,
  body: object,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): void => send(response, status, 'application/json; charset=utf-8', body, headers)

/** 204, or 304 with the tag that still holds. */
export const sendEmpty = (
  response: ServerResponse,
  status: 204 | 304,
  headers: Record<string, string> = {},
): void => {
  response.writeHead(status, { ...headers, 'Cache-Control': 'private, no-cache' })
  response.end()
}

/** An error answer. */
export const sendProblem = (
  response: ServerResponse,
  refused: Problem,
  retryAfterS: number = RETRY_AFTER_S,
): void => {
  const later = refused.status === 503 || refused.status === 429
  send(response, refused.status, PROBLEM_MEDIA_TYPE, refused, {
    ...(later && { 'Retry-After': String(retryAfterS) }),
    ...('current_version' in refused && { ETag: etagOf(Number(refused.current_version)) }),
  })
}

/** Does `If-None-Match` name this version? Weak comparison, as RFC 9110, 13.1.2 has it. */
export const isFresh = (ifNoneMatch: string | undefined, version: number): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === '*' ||
    ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etagOf(version)))
