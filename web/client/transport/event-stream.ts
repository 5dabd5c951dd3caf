// The transport over Server-Sent Events (`GET /events`). The address names what is watched, so to watch more is to open
// another stream: the one before goes on until the new one has sent its first event, and no event falls between. A lost
// stream is resumed by its last id.

import type { WatchAnswer, WatchMessage } from '../../../server/protocol/index.ts'
import { HEARTBEAT_MS } from '../../../server/protocol/index.ts'
import type { Clock, Stop } from '../base/clock.ts'
import { type EventStreamOptions as RequestOptions, readEventStream } from './event-stream-request.ts'

export { sendPresence, sendTakeOver } from './event-stream-request.ts'

import { createEventTextReader } from './sse-parser.ts'
import type { CreateTransport, TransportEvent, TransportListener, TransportStatus } from './transport.ts'
import { createFirstAnswers, createWatchedQuery, keysOf } from './watched-query.ts'

const ANSWER_TIMEOUT_MS = 10_000
/** After two missing heartbeats a stream counts as lost. */
const SILENCE_MS = 2 * HEARTBEAT_MS

export interface EventStreamOptions extends RequestOptions {
  clock: Clock
}

/** One stream: `watching` is its first event, `null` where there was none. */
interface Stream {
  watching: Promise<WatchAnswer | null>
  lastId(): string
  end(): void
}

interface StreamListener {
  onEvent(stream: Stream, event: TransportEvent): void
  onEnd(stream: Stream, status: TransportStatus): void
}

/** Opens a stream; it ends by itself, and reports how. */
function openStream(
  options: EventStreamOptions,
  query: string,
  after: string,
  { onEvent, onEnd }: StreamListener,
): Stream {
  const abort = new AbortController()
  const text = createEventTextReader()
  let stopTimer: Stop = () => {}
  let answer: (watching: WatchAnswer | null) => void = () => {}
  const within = (ms: number) => {
    stopTimer()
    stopTimer = options.clock.after(ms, () => abort.abort())
  }
  const stream: Stream = {
    watching: new Promise((resolve) => {
      answer = resolve
    }),
    lastId: text.lastId,
    end: () => abort.abort(),
  }
  const receive = (piece: string) => {
    for (const { name: sent, data } of text.read(piece)) {
      const event = JSON.parse(data)
      const name = sent === 'heartbeat' ? 'Heartbeat' : sent
      if (name === 'Watching') answer(event)
      else queueMicrotask(() => onEvent(stream, { name, event } as TransportEvent))
    }
  }
  within(ANSWER_TIMEOUT_MS)
  readEventStream(options, query, after, abort.signal, (piece) => {
    receive(piece)
    within(SILENCE_MS)
  })
    .catch((): TransportStatus => 'lost')
    .then((status) => {
      stopTimer()
      answer(null)
      onEnd(stream, status)
    })
  return stream
}

export const createEventStreamTransport =
  (options: EventStreamOptions): CreateTransport =>
  (listener) =>
    connectStreams(options, listener)

function connectStreams(options: EventStreamOptions, listener: TransportListener) {
  const watched = createWatchedQuery()
  const answers = createFirstAnswers()
  /** The reconnect jitter window that the server asks for, the database's history, and how far the server has read. */
  let spread: Omit<WatchAnswer, 'records' | 'lists'> = {}
  let current: Stream | null = null
  let isConnected = false
  let lastId = ''
  let connections = 0
  let joining: Promise<unknown> = Promise.resolve()

  const streamListener: StreamListener = {
    onEvent(stream, event) {
      if (stream === current && isConnected) listener.onEvent(event)
      if (event.name === 'Resync') answers.clear()
      if (event.name === 'SpreadChanged') spread = { ...spread, ...event.event }
    },
    onEnd(stream, status) {
      if (stream !== current) return
      lastId = stream.lastId() || lastId
      disconnect()
      listener.onStatus(status, null)
    },
  }

  function connect() {
    if (current) return
    const stream = openStream(options, watched.text(), lastId, streamListener)
    current = stream
    void stream.watching.then((watching) => {
      if (!watching || stream !== current) return
      begin(watching)
      isConnected = true
      connections += 1
      listener.onStatus('connected', 'event_stream')
    })
  }

  function begin(watching: WatchAnswer) {
    answers.replace(watching)
    const { records: _records, lists: _lists, ...rest } = watching
    spread = rest
  }

  function disconnect() {
    const last = current
    current = null
    isConnected = false
    last?.end()
  }

  /** Opens a stream for all that is watched, beside the current one, and replaces that once it has begun. */
  async function reopen(lists: WatchMessage['lists']): Promise<boolean> {
    const stream = openStream(options, watched.text(lists), '', streamListener)
    const watching = await stream.watching
    if (!watching || !isConnected) {
      stream.end()
      return false
    }
    const before = current
    current = stream
    before?.end()
    begin(watching)
    return true
  }

  async function watch(message: WatchMessage): Promise<WatchAnswer | null> {
    const connection = connections
    if (keysOf(message).some((key) => !answers.has(key))) {
      watched.add(message)
      if (!(await reopen(message.lists))) return null
    }
    if (!isConnected || connection !== connections) return null
    return { ...spread, ...answers.take(message) }
  }

  return {
    connect,
    reconnect() {
      disconnect()
      connect()
    },
    id: () => (isConnected ? `stream-${connections}` : null),
    watch(message: WatchMessage) {
      if (!isConnected) return Promise.resolve(null)
      const answer = joining.then(() => watch(message))
      joining = answer
      return answer
    },
    async unwatch(message: WatchMessage) {
      for (const key of keysOf(message)) {
        watched.delete(key)
        answers.delete(key)
      }
    },
    close() {
      disconnect()
      listener.onStatus('closed', null)
    },
  }
}
