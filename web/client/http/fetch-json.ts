// One HTTP request to the server: it always ends within its timeout, and never throws; a small write arrives though its page is left.
// Knows headers and timeouts; requests.ts knows what the answers mean.

import { type Age, HEADERS } from '../../../server/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import type { Person } from '../base/person.ts'
import { answerOf } from '../base/received.ts'

/** An answer of the server, or the reason why there was none. */
export type HttpAnswer =
  | { isAnswered: true; status: number; headers: Headers; body: unknown }
  | { isAnswered: false; detail: string }

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below the base path, with a leading slash. */
  path: string
  body?: unknown
  /** The person it is sent for; after a change of person it is not sent. Default: the current person. */
  epoch?: number
}

export interface Http {
  (request: HttpRequest): Promise<HttpAnswer>
  parts: HttpParts
}

/** The parts of a request, for one that is sent in another way: an import's file. */
export interface HttpParts {
  url: string
  fetch: typeof fetch
  credentials: RequestCredentials
  /** Headers that name the writer, without the tab. */
  writer(): Record<string, string>
  person: Person
  onAnswer(status: number, date: string | null, age?: Partial<Age>): void
}

export interface HttpOptions {
  /** Base path or URL of the mounted router. */
  url: string
  /** Sends with `credentials`. */
  fetch: typeof fetch
  credentials: RequestCredentials
  clock: Clock
  tabId: string
  /** The socket that must not receive its own writes; `null` while there is none. */
  socketId: () => string | null
  token: () => string | null
  /** The person this client acts for: it writes as nobody else, and drops answers meant for others. */
  person: Person
  /** A request without an answer fails after this long. */
  timeoutMs: number
  /** Called with each answer, its Date header, and how far its node has read the log; with 503 where there is none. */
  onAnswer: (status: number, date: string | null, age?: Partial<Age>) => void
  /** What is sent in a request's place, or its answer. */
  translate?: ((request: HttpRequest) => HttpRequest | Promise<HttpRequest | HttpAnswer>) | undefined
}

/** Browsers send 64 KiB to their ends though their page goes: these many characters at once are less in any language. */
const MOST_KEPT = 20_000

export function createHttp(options: HttpOptions): Http {
  const { url, clock, tabId, timeoutMs, person } = options
  let kept = 0
  const parts: HttpParts = {
    url,
    fetch: options.fetch,
    credentials: options.credentials,
    writer: () => ({ ...authorization(options.token()), ...meant(person.id()) }),
    person,
    onAnswer: options.onAnswer,
  }
  const send = async (given: HttpRequest): Promise<HttpAnswer> => {
    person.check()
    const asked = given.epoch ?? person.epoch()
    if (asked !== person.epoch()) return signedOut()
    if (person.isNobody()) {
      options.onAnswer(401, null)
      return signedOut()
    }
    const translated = options.translate?.(given) ?? given
    const request = 'path' in translated ? translated : await translated
    if (!('path' in request)) return request
    if (asked !== person.epoch()) return signedOut()
    const { method, path, body } = request
    const sent = body === undefined ? '' : JSON.stringify(body)
    const size = method === 'GET' ? 0 : sent.length
    kept += size
    const abort = new AbortController()
    const stopTimer = clock.after(timeoutMs, () => abort.abort())
    const number = person.asks()
    try {
      const answer = await options.fetch(url + path, {
        method,
        keepalive: size > 0 && kept < MOST_KEPT,
        signal: abort.signal,
        headers: {
          ...headersOf(body, tabId, options.socketId(), options.token()),
          ...(method !== 'GET' || person.isNamed() ? meant(person.id()) : {}),
        },
        ...(body === undefined ? {} : { body: sent }),
      })
      const text = await answer.text()
      const { status } = answer
      const isFor = person.answered(asked, status, personOf(answer.headers), number)
      if (isFor === 'late') return signedOut()
      const found = parse(text)
      options.onAnswer(
        isFor === 'foreign' ? 401 : status,
        answer.headers.get('date'),
        (found ?? {}) as Partial<Age>,
      )
      if (isFor === 'foreign') return signedOut()
      return { isAnswered: true, status, headers: answer.headers, body: found }
    } catch (error) {
      person.check()
      if (asked !== person.epoch()) return signedOut()
      options.onAnswer(503, null)
      const cause = error instanceof Error ? error.message : String(error)
      return { isAnswered: false, detail: abort.signal.aborted ? `no answer within ${timeoutMs} ms` : cause }
    } finally {
      kept -= size
      stopTimer()
    }
  }
  return Object.assign(send, { parts })
}

function headersOf(body: unknown, tabId: string, socketId: string | null, token: string | null) {
  const headers: Record<string, string> = {
    Accept: 'application/json',
    [HEADERS.tabId]: tabId,
    ...authorization(token),
  }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  if (socketId) headers[HEADERS.socketId] = socketId
  return headers
}

/** Answers meant for another person are handled as signed out. */
const signedOut = (): HttpAnswer => ({ isAnswered: true, status: 401, headers: new Headers(), body: null })

/** The person the server acted for. */
export function personOf(headers: Headers): string | null {
  const id = headers.get(HEADERS.personId)
  try {
    return id === null ? null : decodeURIComponent(id)
  } catch {
    return id
  }
}

const authorization = (token: string | null): Record<string, string> =>
  token ? { Authorization: token.includes(' ') ? token : `Bearer ${token}` } : {}

const meant = (personId: string | null): Record<string, string> =>
  personId === null ? {} : { [HEADERS.personId]: encodeURIComponent(personId) }

function parse(text: string): unknown {
  try {
    return text === '' ? null : answerOf(JSON.parse(text))
  } catch {
    return null
  }
}
