// The HTTP side of an event stream: one `GET /events`, read by fetch until it ends. Unlike an EventSource it sends headers
// and sees statuses. What a socket says of its presence is a request of its own here.

import {
  HEADERS,
  type PresenceAnswer,
  type PresenceMessage,
  type TakeOverAnswer,
  type TakeOverMessage,
} from '../../../server/protocol/index.ts'
import { segmentOf } from '../http/answers.ts'
import type { TransportStatus } from './transport.ts'

export interface EventStreamOptions {
  /** Base path or URL of the mounted router. */
  url: string
  fetch: typeof fetch
  tabId: string
  token: () => string | null
  /** The person it is for: the server refuses it in another person's session. */
  personId?: () => string | null
}

const ANSWER_TIMEOUT_MS = 10_000

/** Who asks, from which tab, and whom the page believes to be signed in. */
function headersOf({ token: tokenNow, tabId, personId }: EventStreamOptions): Record<string, string> {
  const token = tokenNow()
  const id = personId?.() ?? null
  return {
    [HEADERS.tabId]: tabId,
    ...(id === null ? {} : { [HEADERS.personId]: encodeURIComponent(id) }),
    ...(token ? { Authorization: token.includes(' ') ? token : `Bearer ${token}` } : {}),
  }
}

async function sendTo<T>(
  options: EventStreamOptions,
  path: 'presence' | 'take-over',
  { type, id, ...body }: PresenceMessage | TakeOverMessage,
  read: (response: Response) => T | Promise<T>,
): Promise<T | null> {
  try {
    const response = await options.fetch(`${options.url}/records/${type}/${segmentOf(id)}/${path}`, {
      method: 'POST',
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      headers: { ...headersOf(options), 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
    return response.ok ? await read(response) : null
  } catch {
    return null
  }
}

/** Says what this tab does at a record; `null` where no answer came, or a refusal. */
export const sendPresence = (
  options: EventStreamOptions,
  message: PresenceMessage,
): Promise<PresenceAnswer | null> =>
  sendTo(options, 'presence', message, async (response) => ({
    ok: true,
    people: (await response.json()).data.people,
  }))

/** Says something to another person at a record; `null` where no answer came, or a refusal. */
export const sendTakeOver = (
  options: EventStreamOptions,
  message: TakeOverMessage,
): Promise<TakeOverAnswer | null> => sendTo(options, 'take-over', message, () => ({ ok: true }))

/** Reads the stream after the event id `after`; resolves with how it ended. */
export async function readEventStream(
  options: EventStreamOptions,
  query: string,
  after: string,
  signal: AbortSignal,
  onPiece: (piece: string) => void,
): Promise<TransportStatus> {
  const response = await options.fetch(`${options.url}/events?${query}`, {
    cache: 'no-store',
    signal,
    headers: {
      ...headersOf(options),
      Accept: 'text/event-stream',
      ...(after ? { 'Last-Event-ID': after } : {}),
    },
  })
  const isStream = /^text\/event-stream/.test(response.headers.get('content-type') ?? '')
  if (response.status === 401 || response.status === 403) {
    const problem = await response.json().catch(() => null)
    return problem?.code === 'live_off' ? 'off' : 'refused'
  }
  if (!response.ok || !isStream || !response.body) return 'lost'
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return 'lost'
    onPiece(decoder.decode(value, { stream: true }))
  }
}
