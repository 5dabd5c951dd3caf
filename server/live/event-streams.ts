// The event streams of this node, as an audience that changes are handed to.
// Invariant: what a batch sent a stream is written when the batch is done, with the batch's end as its id.
import type { ServerResponse } from 'node:http'
import type { Limits } from '../base/options.ts'
import type { Actor } from '../base/record-type.ts'
import type { Cursor } from '../log/cursor.ts'
import type { FeedBatch } from '../log/feed-batch.ts'
import type { Age } from '../protocol/index.ts'
import type { Database } from '../tables/database.ts'
import { createDelivery, type Delivery } from './delivery.ts'
import { createStream, eventText, idLine, type Stream } from './event-stream.ts'
import { type Audience, type Connection, ConnectionTally } from './watchers.ts'

export interface Streams {
  audience: Audience
  /** Whether a stream waits for a change that the feed has come to. */
  wants: Delivery['wants']
  /** Hands a batch of the feed to the streams that it concerns. After a failure they are sent `Resync`. */
  deliver(batch: FeedBatch): Promise<void>
  /** Streams of this person on this node. */
  countOf(actor: Pick<Actor, 'tenantId' | 'id'>): number
  open(response: ServerResponse, data: Connection): Stream
  /** Sends each its heartbeat, which keeps proxies from closing it too. */
  beat(age: Age): void
  /** Over how long all are to come back, should all be lost at once. */
  spread(spreadMs: number): void
  /** The database may have become another one. */
  forget(): void
  close(): void
}

export interface StreamsOptions {
  database: Database
  limits: Pick<Limits, 'streamBufferBytes'>
  /** The position up to which this node has handed everything on. */
  position(): Cursor | null
}

/** Makes room for streams. */
export const createStreams = ({ database, limits, position }: StreamsOptions): Streams => {
  const streams = new Map<string, Stream>()
  const rooms = new Map<string, Set<string>>()
  const unflushed = new Set<Stream>()
  const tally = new ConnectionTally()

  /** The id keeps the position of a quiet stream recent; a parser takes no id without data. */
  const beat = (age: Age) => {
    if (streams.size === 0) return
    const at = position()
    const text = `: still here\n${at ? idLine(database.cursors, at) : ''}${eventText('heartbeat', age)}`
    for (const stream of streams.values()) stream.beat(text)
  }

  const onJoin = (room: string, id: string) => {
    rooms.set(room, (rooms.get(room) ?? new Set<string>()).add(id))
  }

  const onLeave = (room: string, id: string) => {
    const others = rooms.get(room)
    others?.delete(id)
    if (others?.size === 0) rooms.delete(room)
  }

  const onEnd = (stream: Stream) => {
    streams.delete(stream.id)
    tally.remove(stream.data)
    unflushed.delete(stream)
  }

  const flush = (after: Cursor) => {
    const built = new Map<string, Buffer>()
    for (const stream of unflushed) stream.flush(after, built)
    unflushed.clear()
  }

  const audience: Audience = {
    rooms: () => rooms,
    watchers: () => streams,
    publishTo: (ids, name, ...event) => {
      const text = eventText(name, event[0])
      for (const id of ids) streams.get(id)?.send(text)
    },
    publish: (asked, except, name, ...event) => {
      const text = eventText(name, event[0])
      const denied = new Set(except)
      const done = new Set<string>()
      for (const room of asked) {
        for (const id of rooms.get(room) ?? []) {
          if (denied.has(id) || done.has(id)) continue
          if (asked.length > 1) done.add(id)
          streams.get(id)?.send(text)
        }
      }
    },
  }
  const { wants, deliver, forget } = createDelivery(database, audience)
  const resync = () => {
    for (const stream of streams.values()) stream.emit('Resync')
  }

  return {
    audience,
    wants,
    deliver: async (batch) => {
      try {
        await deliver(batch)
        flush(batch.after)
      } catch (error) {
        resync()
        throw error
      }
    },
    countOf: (actor) => tally.of(actor),
    open: (response, data) => {
      const stream = createStream({
        response,
        data,
        cursors: database.cursors,
        bufferBytes: limits.streamBufferBytes,
        onJoin,
        onLeave,
        onSent: (stream) => unflushed.add(stream),
        onEnd,
      })
      streams.set(stream.id, stream)
      tally.add(stream.data)
      // One whose reader left before it was opened gets no other end.
      if (response.destroyed) stream.drop()
      return stream
    },
    beat,
    spread: (spreadMs) => {
      for (const stream of streams.values()) stream.spread(spreadMs)
    },
    forget,
    close: () => {
      for (const stream of [...streams.values()]) stream.disconnect()
    },
  }
}
