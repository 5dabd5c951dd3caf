// A plain reader of an event stream, as curl would be: it parses what came and remembers the last id.
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { Received } from './app-socket.ts'
import { atEnd } from './at-end.ts'
import { readStreamText } from './stream-text.ts'
import { waitFor } from './wait-for.ts'

export interface StreamOptions {
  as?: string | null
  headers?: Record<string, string>
  /** Goes on after this id. */
  after?: string
}

export interface TestStream {
  status: number
  headers: IncomingMessage['headers']
  /** Without heartbeats, which come when they come. */
  received: Received[]
  heartbeats: Received[]
  /** The text as it came, comments included. */
  text(): string
  /** The id that a browser would send next. */
  lastId(): string
  /** Waits for an event, and gives it. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  receives(name: string, match?: Record<string, unknown>, deadlineMs?: number): Promise<any>
  isClosed(): boolean
  /** Stops taking bytes, without a word. */
  pause(): void
  cut(): void
}

const fits = (event: Record<string, unknown>, match: Record<string, unknown>) =>
  Object.entries(match).every(([key, value]) => event[key] === value)

/** Opens `GET /api/v1/events` and resolves when its head is there. */
export async function openStream(
  origin: string,
  query: string,
  { as = 'alice', headers = {}, after }: StreamOptions = {},
): Promise<TestStream> {
  const asked: ClientRequest = request(`${origin}/api/v1/events?${query}`, {
    agent: false,
    headers: {
      accept: 'text/event-stream',
      ...(as !== null && { authorization: `Bearer ${as}` }),
      ...(after !== undefined && { 'last-event-id': after }),
      ...headers,
    },
  })
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.on('response', resolve).on('error', reject).end()
  })
  const said = readStreamText(after)
  let text = ''
  let closed = false

  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
    said.take(chunk)
  })
  response.on('close', () => {
    closed = true
  })
  response.on('error', () => {})
  asked.on('error', () => {})
  atEnd(() => asked.destroy())
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    received: said.received,
    heartbeats: said.heartbeats,
    text: () => text,
    lastId: said.lastId,
    receives: async (name, match = {}, deadlineMs = 20_000) =>
      (
        await waitFor(
          () => said.received.find((entry) => entry.name === name && fits(entry.event ?? {}, match)),
          {
            what: `${name} ${JSON.stringify(match)}`,
            deadlineMs,
          },
        )
      ).event,
    isClosed: () => closed,
    pause: () => response.pause(),
    cut: () => asked.destroy(),
  }
}
