// GET /events: the events of a socket as Server-Sent Events, for clients that can't have one: browsers behind proxies that
// know no WebSocket, EventSource, `curl -N`.
// Invariant: join first, then read what was missed, then go live; so between the last id that a reader saw and the
// present nothing is lost. Signing in is by cookie or header as everywhere: an address is logged, so no token is in it.

import type { IncomingMessage } from 'node:http'
import type { Router } from 'router'
import { type OpenRequest, openOf } from '../base/open-requests.ts'
import { problem, refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { queryOf, type Response } from '../base/request.ts'
import type { OriginCheck } from '../http/origin.ts'
import { sendProblem } from '../http/responses.ts'
import { handle, type RouteOptions } from '../http/route-handler.ts'
import { readWatchMessage, type WatchRequest } from '../live/client-messages.ts'
import type { Stream } from '../live/event-stream.ts'
import type { Streams } from '../live/event-streams.ts'
import { catchUp } from '../live/stream-catch-up.ts'
import { watch } from '../live/watch-records.ts'
import { roomsLeft, WatchedRooms } from '../live/watchers.ts'
import type { Cursor } from '../log/cursor.ts'
import { presentCursor } from '../log/read-log.ts'
import type { RecordNode } from '../node/node.ts'
import type { AdmissionQueue } from '../pacing/admission-queue.ts'
import type { ReconnectSpread } from '../pacing/reconnect-spread.ts'
import type { Turns } from '../pacing/turns.ts'
import { HEADERS } from '../protocol/index.ts'
import type { Database } from '../tables/database.ts'

export interface EventStreamOptions extends RouteOptions {
  originRefusal: OriginCheck
  streams: Streams
  turns: Turns
  /** The node's admission queue, which sockets pass too. */
  enter: AdmissionQueue
  spread: ReconnectSpread
  node: Pick<RecordNode, 'watched'>
  isLive(actor: Actor): boolean
  /** Makes sure that the node's feed runs. */
  follow(): void
}

const MALFORMED =
  'Ask for records and lists: ?record=project:1&list=task:project_id=1. cursor is what an id of the stream was.'

const beforeAfter = (text: string, separator: string): [string, string | undefined] => {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** `project:1`. */
const recordOf = (text: string) => {
  const [type, id] = beforeAfter(text, ':')
  return { type, id }
}

/** `task`, or `task:project_id=1`. */
const listOf = (text: string, cursor: string | undefined) => {
  const [type, below] = beforeAfter(text, ':')
  const [column = '', value] = below === undefined ? [] : beforeAfter(below, '=')
  return { type, ...(below === undefined ? {} : { scope: { [column]: value } }), ...(cursor && { cursor }) }
}

/** What the address asks for. The n-th `list_cursor` belongs to the n-th `list`. */
const askedOf = (query: URLSearchParams, most: number): WatchRequest => {
  const cursors = query.getAll('list_cursor')
  const message = {
    records: query.getAll('record').map(recordOf),
    lists: query.getAll('list').map((text, index) => listOf(text, cursors[index])),
  }
  return readWatchMessage(message, most) ?? refuse('malformed', MALFORMED)
}

/**
 * Where the reader stands. A browser's `Last-Event-ID` goes before the address, which it repeats unchanged; and since a
 * browser can't forget an id, one that can't be read is answered by a stream that says `Resync`.
 */
const positionOf = (
  { cursors }: Database,
  request: IncomingMessage,
  query: URLSearchParams,
): Cursor | null | 'lost' => {
  const last = request.headers['last-event-id']
  if (last) return cursors.decode(last) ?? 'lost'
  const cursor = query.get('cursor')
  return cursor === null ? null : (cursors.decode(cursor) ?? refuse('malformed', MALFORMED))
}

const HEAD = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
}

export const addEventRoute = (router: Router, options: EventStreamOptions): void => {
  const { database, limits, originRefusal, streams, turns, enter, spread, node, isLive, follow, log } =
    options

  const refusalOf = (request: IncomingMessage, actor: Actor) => {
    const foreign = originRefusal(request)
    if (foreign) return foreign
    return streams.countOf(actor) >= limits.streamsPerPerson ? problem('rate_limited') : null
  }

  const serve = async (
    stream: Stream,
    response: Response,
    asked: WatchRequest,
    position: Cursor | null | 'lost',
  ) => {
    const { actor } = stream.data
    const fresh: string[] = []
    const [here, watching] = await turns.joins.run(
      actor,
      async () => {
        const most = roomsLeft(limits, stream.data)
        return [await presentCursor(database), await watch(database, stream, asked, { most, fresh })] as const
      },
      asked.records.length + asked.lists.length,
    )
    if (!stream.connected) return
    const isResumed = position !== null && position !== 'lost'
    response.writeHead(200, HEAD)
    stream.begin({ ...watching, ...spread.asked() }, isResumed ? null : here)
    if (isResumed) await turns.long.run(actor, () => catchUp(database, stream, position))
    stream.goLive()
    if (position === 'lost') stream.emit('Resync')
    node.watched(stream, fresh)
  }

  router.get(
    '/events',
    handle(async (request, response) => {
      const open = openOf(request) as OpenRequest
      await database.ready()
      if (request.method !== 'HEAD') await new Promise<void>((pass) => enter(pass, () => response.destroyed))
      if (open.isDue()) await open.renew()
      const { actor } = open
      const refused = isLive(actor) ? refusalOf(request, actor) : problem('live_off')
      if (refused) return sendProblem(response, refused)
      const query = queryOf(request.url)
      const asked = askedOf(query, limits.roomsPerSocket)
      const position = positionOf(database, request, query)
      if (request.method === 'HEAD') {
        response.writeHead(200, HEAD)
        response.end()
        return
      }
      follow()
      const tabId = String(request.headers[HEADERS.tabId.toLowerCase()] ?? '').slice(0, 200) || null
      const stream = streams.open(response, { actor, request, tabId, watching: new WatchedRooms() })
      try {
        await serve(stream, response, asked, position)
      } catch (error) {
        stream.drop()
        if (!response.headersSent) throw error
        log.warn({ err: error }, 'A stream could not be caught up; its reader comes back.')
        response.destroy()
      }
    }),
  )
}
