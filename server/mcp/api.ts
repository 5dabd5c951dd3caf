// The records' API as an agent's tools ask it. Invariant: each request carries the agent's own credentials and nothing else of it,
// so permissions, tenants and limits are those of any request; a write that got no answer is sent again under its id.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { HEADERS } from '../protocol/index.ts'

/** Where the API is, and who asks. */
export interface ApiOptions {
  /** Where the records' router is mounted: `http://127.0.0.1:3000/api/v1`. Never taken from a request. */
  url: string
  /** What signs the agent in: `Authorization`, or a cookie. */
  headers: Record<string, string>
  /** Default: the global one. */
  fetch?: typeof fetch
  /** A request without an answer fails after this long. Default 30 s. */
  timeoutMs?: number
  /** @internal Ends what only reads; a write goes on, so that it is known whether it was made. */
  signal?: AbortSignal
}

export interface Answer {
  status: number
  body: Record<string, unknown>
}

export type Ask = (method: string, path: string, body?: object) => Promise<Answer>

const AGAIN_AFTER_MS = [200, 1000]
const MOST_WAIT_S = 5

const asObject = (text: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

const UNREACHABLE: Answer = {
  status: 503,
  body: { code: 'unavailable', detail: 'The records’ server could not be reached. Try again later.' },
}

/** `null` where there was no answer. */
const askOnce = async (
  { url, headers, timeoutMs = 30_000, signal, ...options }: ApiOptions,
  [method, path, body]: Parameters<Ask>,
  mutationId: string,
): Promise<{ answer: Answer; waitS: number } | null> => {
  const end = new AbortController()
  const stop = () => end.abort()
  const timer = setTimeout(stop, timeoutMs)
  if (method === 'GET') signal?.addEventListener('abort', stop, { once: true })
  try {
    const response = await (options.fetch ?? fetch)(url.replace(/\/$/, '') + path, {
      method,
      redirect: 'error',
      signal: end.signal,
      headers: {
        ...headers,
        Accept: 'application/json',
        ...(method !== 'GET' && { [HEADERS.idempotencyKey]: mutationId }),
        ...(body && { 'Content-Type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const answer = { status: response.status, body: asObject(await response.text()) }
    return { answer, waitS: Number(response.headers.get('retry-after')) }
  } catch {
    return null
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

/** @param mutationId Of a write that may have been made before. */
export const askApi = async (
  options: ApiOptions,
  asked: Parameters<Ask>,
  mutationId: string = randomUUID(),
): Promise<Answer> => {
  let found = await askOnce(options, asked, mutationId)
  for (const afterMs of AGAIN_AFTER_MS) {
    const isLater = found && (found.answer.status === 503 || found.answer.status === 429)
    if (options.signal?.aborted || (found && !(isLater && found.waitS <= MOST_WAIT_S))) break
    await pause(found ? Math.max(afterMs, found.waitS * 1000) : afterMs)
    found = await askOnce(options, asked, mutationId)
  }
  return found?.answer ?? UNREACHABLE
}
