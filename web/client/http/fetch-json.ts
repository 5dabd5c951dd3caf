// One HTTP request to the server: it always ends, within its time, and it never throws. Knows headers and time-outs,
// not what the answers mean (requests.ts does).

import { HEADERS } from '../../../server/protocol/index.ts'
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
  /** For whom it is sent; once somebody else is here it is not. Default: who is here now. */
  epoch?: number
}

export interface Http {
  (request: HttpRequest): Promise<HttpAnswer>
  parts: HttpParts
}

/** What a request is made of, for one that is carried in another way: an import's file. */
export interface HttpParts {
  url: string
  fetch: typeof fetch
  /** Who writes, without the tab. */
  writer(): Record<string, string>
  person: Person
  onAnswer(status: number, date: string | null): void
}

export interface HttpOptions {
  /** Base path or URL of the mounted router. */
  url: string
  fetch: typeof fetch
  clock: Clock
  tabId: string
  /** The socket that must not hear its own writes; `null` while there is none. */
  socketId: () => string | null
  token: () => string | null
  /** Whom this client speaks for: what it writes is written as nobody else, and what comes for others is not used. */
  person: Person
  /** Given up after this long. */
  timeoutMs: number
  /** Told of each answer, with the server's own time where it says so. */
  onAnswer: (status: number, date: string | null) => void
}

export function createHttp(options: HttpOptions): Http {
  const { url, clock, tabId, timeoutMs, person } = options
  const parts: HttpParts = {
    url,
    fetch: options.fetch,
    writer: () => ({ ...authorization(options.token()), ...meant(person.id()) }),
    person,
    onAnswer: options.onAnswer,
  }
  const send = async ({ method, path, body, epoch }: HttpRequest): Promise<HttpAnswer> => {
    person.look()
    const asked = epoch ?? person.epoch()
    if (asked !== person.epoch()) return signedOut()
    if (person.isNobody()) {
      options.onAnswer(401, null)
      return signedOut()
    }
    const abort = new AbortController()
    const stopTimer = clock.after(timeoutMs, () => abort.abort())
    try {
      const answer = await options.fetch(url + path, {
        method,
        credentials: 'include',
        signal: abort.signal,
        headers: {
          ...headersOf(body, tabId, options.socketId(), options.token()),
          ...(method !== 'GET' || person.isTold() ? meant(person.id()) : {}),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      const { status } = answer
      const isFor = person.answered(asked, status, personOf(answer.headers))
      if (isFor === 'late') return signedOut()
      options.onAnswer(isFor === 'foreign' ? 401 : status, answer.headers.get('date'))
      if (isFor === 'foreign') return signedOut()
      return { isAnswered: true, status, headers: answer.headers, body: parse(text) }
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error)
      return { isAnswered: false, detail: abort.signal.aborted ? `no answer within ${timeoutMs} ms` : cause }
    } finally {
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

/** What is somebody else's is answered as if nobody were signed in. */
const signedOut = (): HttpAnswer => ({ isAnswered: true, status: 401, headers: new Headers(), body: null })

/** For whom the server acted. */
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
