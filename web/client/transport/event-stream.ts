// The transport over Server-Sent Events (`GET /events`), read by fetch: unlike an EventSource it sends headers and sees
// statuses. What is watched stands in the address, so to watch more is to open another stream; the one before goes on
// until the new one has said what it watches, and nothing falls between. A lost stream is resumed by its last id.

import type { ListAddress, RecordAddress, WatchAnswer, WatchMessage } from '../../../server/protocol/index.ts'
import { HEADERS, STREAM_BEAT_MS } from '../../../server/protocol/index.ts'
import type { Clock, Stop } from '../base/clock.ts'
import { createEventTextReader } from './sse-parser.ts'
import { listKey, recordKey } from './subscriptions.ts'
import type { CreateTransport, TransportEvent, TransportStatus } from './transport.ts'

const ANSWER_TIMEOUT_MS = 10_000
/** Two comments that didn't come: the stream only looks alive. */
const SILENCE_MS = 2 * STREAM_BEAT_MS
/** What servers and proxies take without asking. Whatever has no place any more is polled. */
const LONGEST_QUERY = 6000

export interface EventStreamOptions {
  /** Base path or URL of the mounted router. */
  url: string
  fetch: typeof fetch
  clock: Clock
  tabId: string
  token: () => string | null
  /** Whom it is for: in anybody else's session the server refuses it. */
  personId?: () => string | null
}

/** One stream: `watching` is what its first event said, `null` where there was none. */
interface Stream {
  watching: Promise<WatchAnswer | null>
  lastId(): string
  end(): void
}

type Answers = Map<string, WatchAnswer['records'][number] | WatchAnswer['lists'][number]>

export function createEventStreamTransport(options: EventStreamOptions): CreateTransport {
  const { clock } = options
  return (listener) => {
    /** What is watched, as it stands in the address. */
    const wanted = new Map<string, string>()
    /** What the stream in use said when it began, until somebody has asked for it. */
    let answers: Answers = new Map()
    /** What the server asks for, should all be lost at once. */
    let spread: Pick<WatchAnswer, 'spread_ms'> = {}
    let current: Stream | null = null
    let isConnected = false
    let lastId = ''
    let connections = 0
    let joining: Promise<unknown> = Promise.resolve()

    function connect() {
      if (current) return
      const stream = open([...wanted.values()].join('&'), lastId)
      current = stream
      void stream.watching.then((watching) => {
        if (!watching || stream !== current) return
        take(watching)
        isConnected = true
        connections += 1
        listener.onStatus('connected', 'event_stream')
      })
    }

    function take(watching: WatchAnswer) {
      answers = answersOf(watching)
      const { spread_ms } = watching
      spread = spread_ms ? { spread_ms } : {}
    }

    function disconnect() {
      const last = current
      current = null
      isConnected = false
      last?.end()
    }

    function ended(stream: Stream, status: TransportStatus) {
      if (stream !== current) return
      lastId = stream.lastId() || lastId
      disconnect()
      listener.onStatus(status, null)
    }

    function deliver(stream: Stream, event: TransportEvent) {
      if (stream === current && isConnected) listener.onEvent(event)
      if (event.name === 'Resync') answers.clear()
      if (event.name === 'SpreadChanged') spread = event.event
    }

    /** Opens a stream; it ends by itself, and says how. */
    function open(query: string, after: string): Stream {
      const abort = new AbortController()
      const text = createEventTextReader()
      let stopTimer: Stop = () => {}
      let answer: (watching: WatchAnswer | null) => void = () => {}
      const within = (ms: number) => {
        stopTimer()
        stopTimer = clock.after(ms, () => abort.abort())
      }
      const stream: Stream = {
        watching: new Promise((resolve) => {
          answer = resolve
        }),
        lastId: text.lastId,
        end: () => abort.abort(),
      }
      const hear = (piece: string) => {
        for (const { name, data } of text.read(piece)) {
          const event = JSON.parse(data)
          if (name === 'Watching') answer(event)
          else queueMicrotask(() => deliver(stream, { name, event } as TransportEvent))
        }
      }
      within(ANSWER_TIMEOUT_MS)
      read(query, after, abort.signal, (piece) => {
        hear(piece)
        within(SILENCE_MS)
      })
        .catch((): TransportStatus => 'lost')
        .then((status) => {
          stopTimer()
          answer(null)
          ended(stream, status)
        })
      return stream
    }

    async function read(
      query: string,
      after: string,
      signal: AbortSignal,
      onPiece: (piece: string) => void,
    ): Promise<TransportStatus> {
      const token = options.token()
      const id = options.personId?.() ?? null
      const response = await options.fetch(`${options.url}/events?${query}`, {
        credentials: 'include',
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

    /** Opens a stream for all that is wanted, beside the one in use, and takes it when it has begun. */
    async function reopen(cursors: string[]): Promise<boolean> {
      const stream = open([...wanted.values(), ...cursors].join('&'), '')
      const watching = await stream.watching
      if (!watching || !isConnected) {
        stream.end()
        return false
      }
      const before = current
      current = stream
      before?.end()
      take(watching)
      return true
    }

    async function watch(message: WatchMessage): Promise<WatchAnswer | null> {
      const connection = connections
      const { records = [], lists = [] } = message
      const keys = [...records.map(recordKey), ...lists.map((list) => listKey(list.type, list.scope))]
      if (keys.some((key) => !answers.has(key))) {
        for (const record of records) want(recordKey(record), recordQuery(record))
        for (const list of lists) want(listKey(list.type, list.scope), listQuery(list))
        if (!(await reopen(cursorsOf(wanted, lists)))) return null
      }
      if (!isConnected || connection !== connections) return null
      const taken: Answers = new Map(
        keys.flatMap((key) => {
          const answer = answers.get(key)
          return answer ? [[key, answer] as const] : []
        }),
      )
      for (const key of keys) answers.delete(key)
      return {
        ...spread,
        records: records.map(
          (record) =>
            (taken.get(recordKey(record)) as WatchAnswer['records'][number]) ?? {
              type: record.type,
              id: record.id,
              ok: false,
              code: 'rate_limited',
            },
        ),
        lists: lists.map(
          ({ type, scope = {} }) =>
            (taken.get(listKey(type, scope)) as WatchAnswer['lists'][number]) ?? {
              type,
              scope,
              ok: false,
              code: 'rate_limited',
            },
        ),
      }
    }

    function want(key: string, query: string) {
      const length = [...wanted.values()].reduce((sum, each) => sum + each.length + 1, 0)
      if (length + query.length < LONGEST_QUERY) wanted.set(key, query)
    }

    return {
      connect,
      reconnect() {
        disconnect()
        connect()
      },
      id: () => (isConnected ? `stream-${connections}` : null),
      watch(message) {
        if (!isConnected) return Promise.resolve(null)
        const answer = joining.then(() => watch(message))
        joining = answer
        return answer
      },
      async unwatch({ records = [], lists = [] }) {
        for (const key of [
          ...records.map(recordKey),
          ...lists.map((list) => listKey(list.type, list.scope)),
        ]) {
          wanted.delete(key)
          answers.delete(key)
        }
      },
      close() {
        disconnect()
        listener.onStatus('closed', null)
      },
    }
  }
}

const recordQuery = ({ type, id }: RecordAddress) => `record=${encodeURIComponent(`${type}:${id}`)}`

function listQuery({ type, scope = {} }: ListAddress) {
  const [[column, value] = []] = Object.entries(scope)
  return `list=${encodeURIComponent(column === undefined ? type : `${type}:${column}=${value}`)}`
}

/** The lists' own cursors, in the order of the lists in the address; those that go on have none. */
function cursorsOf(wanted: Map<string, string>, asked: (ListAddress & { cursor?: string })[]) {
  const cursors = new Map(asked.map(({ type, scope, cursor }) => [listKey(type, scope), cursor ?? '']))
  if (![...cursors.values()].some(Boolean)) return []
  const lists = [...wanted].filter(([, query]) => query.startsWith('list='))
  return lists.map(([key]) => `list_cursor=${encodeURIComponent(cursors.get(key) ?? '')}`)
}

function answersOf({ records, lists }: WatchAnswer): Answers {
  const answers: Answers = new Map()
  for (const record of records) answers.set(recordKey(record), record)
  for (const list of lists) answers.set(listKey(list.type, list.scope), list)
  return answers
}
