// The HTTP side of an event stream: one `GET /events`, read by fetch until it ends. Unlike an EventSource it sends headers
// and sees statuses.

import { HEADERS } from '../../../server/protocol/index.ts'
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

/** Reads the stream after the event id `after`; resolves with how it ended. */
export async function readEventStream(
  options: EventStreamOptions,
  query: string,
  after: string,
  signal: AbortSignal,
  onPiece: (piece: string) => void,
): Promise<TransportStatus> {
  const token = options.token()
  const id = options.personId?.() ?? null
  const response = await options.fetch(`${options.url}/events?${query}`, {
    cache: 'no-store',
    signal,
    headers: {
      Accept: 'text/event-stream',
      [HEADERS.tabId]: options.tabId,
      ...(after ? { 'Last-Event-ID': after } : {}),
      ...(id === null ? {} : { [HEADERS.personId]: encodeURIComponent(id) }),
      ...(token ? { Authorization: token.includes(' ') ? token : `Bearer ${token}` } : {}),
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
