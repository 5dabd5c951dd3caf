// One event stream (Server-Sent Events): a watcher that gets events as text over one open HTTP response.
// Invariant: an id is written only with or after everything that lies before it, so a client that resumes from the
// last id it saw has missed nothing. A client that doesn't read is cut off before it costs more than its buffer.
import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Cursor, Cursors } from '../log/cursor.ts'
import type { WatchingEvent } from '../protocol/index.ts'
import type { Connection, Watcher } from './watchers.ts'

/** Events kept for a stream that is still being caught up; with more than this it is sent `Resync`. */
const MOST_HELD = 1_000

/** Third-party clients come back after a time in between, so that not all come at once. */
const RETRY_MS = { least: 1_000, spread: 4_000 }

const retryLine = (spreadMs = 0): string =>
  `retry: ${RETRY_MS.least + Math.round(Math.random() * Math.max(RETRY_MS.spread, spreadMs))}\n`

/** One open stream. */
export interface Stream extends Watcher {
  /** Writes the first event: what is watched, and where the stream begins (`null`: where the client says it is). */
  begin(watching: WatchingEvent, id: Cursor | null): void
  /** Writes a page of what was missed; resolves when the reader has taken it. */
  catchUp(texts: string[], after: Cursor): Promise<void>
  /** Caught up: what was sent meanwhile is written, and from now on events as they come. */
  goLive(): void
  /** Keeps an event, already as text, for the next flush. */
  send(text: string): void
  /** Asks its reader to come back later than it was asked at first, should all be lost at once. */
  spread(spreadMs: number): void
  /** Writes what is kept. `after` becomes the id of the last of it; `built` shares the bytes among streams. */
  flush(after: Cursor | null, built: Map<string, Buffer>): void
  /** Writes as it is; nothing before the stream is live. */
  beat(text: string): void
  /** Forgets the stream without a word to its reader. */
  drop(): void
}

export interface StreamOptions {
  response: ServerResponse
  data: Connection
  cursors: Cursors
  /** More unread bytes than this end the stream. */
  bufferBytes: number
  onJoin(room: string, id: string): void
  onLeave(room: string, id: string): void
  /** Something is kept for the next flush. */
  onSent(stream: Stream): void
  onEnd(stream: Stream): void
}

/** An event as a stream has it, without its id. JSON has no line breaks, so it is one line of data. */
export const eventText = (name: string, event: unknown = {}): string =>
  `event: ${name}\ndata: ${JSON.stringify(event)}\n\n`

const RESYNC = eventText('Resync')

/** An id as a stream has it. */
export const idLine = (cursors: Cursors, cursor: Cursor): string => `id: ${cursors.encode(cursor)}\n`

/** Resolves when the reader has taken what was written, or has gone. */
const drained = (response: ServerResponse) =>
  new Promise<void>((resolve) => {
    if (!response.writableNeedDrain || response.destroyed) return resolve()
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })

/** Opens a stream over an answer whose head is written by the caller. */
export const createStream = (options: StreamOptions): Stream => {
  const { response, data, cursors, bufferBytes } = options
  const id = randomUUID()
  const rooms = new Set<string>()
  let kept: string[] = []
  /** Sent from the log, and perhaps about to come from the feed too: dropped with the first beat. */
  const caughtUp = new Set<string>()
  let open = true
  let live = false

  const write = (chunk: string | Buffer) => {
    if (!open) return
    response.write(chunk)
    // What compression() adds to an answer; a stream can't wait for its buffer to fill.
    ;(response as { flush?: () => void }).flush?.()
    if (live && response.writableLength > bufferBytes) response.destroy()
  }

  const leave = (room: string) => {
    if (rooms.delete(room)) options.onLeave(room, id)
  }

  const drop = () => {
    if (!open) return
    open = false
    for (const room of [...rooms]) leave(room)
    options.onEnd(stream)
  }

  const stream: Stream = {
    id,
    data,
    rooms,
    get connected() {
      return open
    },
    // As with a socket: one that has gone is put into no room, for nothing would take it out again.
    join: (added) => {
      if (!open) return
      for (const room of added) {
        rooms.add(room)
        options.onJoin(room, id)
      }
    },
    leave,
    emit: (name, ...event) => {
      stream.send(eventText(name, event[0]))
      stream.flush(null, new Map())
    },
    send: (text) => {
      if (caughtUp.delete(text)) return
      if (!live && kept.length >= MOST_HELD) kept = [RESYNC]
      else kept.push(text)
      options.onSent(stream)
    },
    spread: (spread_ms) => {
      stream.send(retryLine(spread_ms) + eventText('SpreadChanged', { spread_ms }))
      stream.flush(null, new Map())
    },
    begin: (watching, at) => {
      write(
        `${retryLine(watching.spread_ms)}${at ? idLine(cursors, at) : ''}${eventText('Watching', watching)}`,
      )
    },
    catchUp: (texts, after) => {
      for (const text of texts) if (caughtUp.size < MOST_HELD && text !== RESYNC) caughtUp.add(text)
      const [last = '\n'] = texts.slice(-1)
      write(`${texts.slice(0, -1).join('')}${idLine(cursors, after)}${last}`)
      return drained(response)
    },
    goLive: () => {
      live = true
      kept = kept.filter((text) => !caughtUp.delete(text))
      stream.flush(null, new Map())
    },
    flush: (after, built) => {
      if (!live || kept.length === 0) return
      const texts = kept
      kept = []
      const last = after === null ? '' : (texts.pop() ?? '')
      if (texts.length > 0) write(texts.join(''))
      if (after === null) return
      const bytes = built.get(last) ?? Buffer.from(idLine(cursors, after) + last)
      built.set(last, bytes)
      write(bytes)
    },
    beat: (text) => {
      caughtUp.clear()
      if (live) write(text)
    },
    drop,
    disconnect: () => {
      stream.flush(null, new Map())
      response.end()
      drop()
    },
  }
  response.on('close', drop)
  return stream
}
