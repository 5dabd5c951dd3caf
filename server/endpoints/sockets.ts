// The Socket.IO side: who may connect, what a connection may say.
// Invariant: no frame ends the process or goes unanswered where an answer was asked for; every message is checked for
// its shape first, and counted.
import type { IncomingMessage } from 'node:http'
import { openOf } from '../base/open-requests.ts'
import type { Limits, Logger } from '../base/options.ts'
import { problem, Refusal } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { unexpectedProblem } from '../db/errors.ts'
import type { OriginCheck } from '../http/origin.ts'
import { readWatchMessage, type WatchRequest } from '../live/client-messages.ts'
import { limitFrames, slowDown } from '../live/flooding-sockets.ts'
import { userRoom } from '../live/rooms.ts'
import { createReceiver, refused } from '../live/socket-messages.ts'
import {
  join,
  keepRefusal,
  letIn,
  part,
  type SocketWatcher,
  unserveServer,
  watcherOf,
} from '../live/socket-watchers.ts'
import { unwatch, watch } from '../live/watch-records.ts'
import {
  ConnectionTally,
  roomsLeft,
  WatchedRooms,
  type WatcherServer,
  type WatcherSocket,
} from '../live/watchers.ts'
import { createAllowance } from '../pacing/rate-limiters.ts'
import type { ReconnectSpread } from '../pacing/reconnect-spread.ts'
import type { Turns } from '../pacing/turns.ts'
import type { Problem, ProblemCode, RefusedMessage, WatchAnswer } from '../protocol/index.ts'
import type { Database } from '../tables/database.ts'
import type { Handshakes } from './handshakes.ts'

export interface SocketOptions {
  database: Database
  origins: string[]
  originRefusal: OriginCheck
  limits: Limits
  log: Logger
  /** A socket has been let into these rooms. */
  onWatched?(watcher: SocketWatcher, fresh: string[]): void
  /** This node is leaving: a client that connects is asked to try again. */
  isDraining?(): boolean
  /** A socket was refused because its person has too many. */
  onLimited?(): void
  isLive(actor: Actor): boolean
  handshakes: Handshakes
  turns: Turns
  spread: ReconnectSpread
  /** The server is the app's own. */
  hasGuests: boolean
}

/** The handshake's request as `authenticate` wants it: `auth.token` stands in where no header could be set. */
const handshakeRequest = ({ request, handshake }: WatcherSocket): IncomingMessage => {
  const token: unknown = handshake.auth?.token
  if (typeof token !== 'string' || request.headers.authorization) return request
  const authorization = token.startsWith('Bearer ') ? token : `Bearer ${token}`
  return Object.create(request, { headers: { value: { ...request.headers, authorization } } })
}

type Work = (watcher: SocketWatcher, request: WatchRequest, fresh: string[]) => Promise<WatchAnswer>

/** Frames of a connection, for each message that it may send. */
const FRAMES_PER_MESSAGE = 4

/** Rooms of one message from which it takes its turn among its person's. */
const MANY_ROOMS = 50

/** Receives `watch` and `unwatch`. */
const createReceivers = ({ database, limits, log, spread, turns, onWatched }: SocketOptions) => {
  const allowedJoins = createAllowance(limits.joinsPerSecond)
  const receiver = (name: string, work: Work) =>
    createReceiver<WatchAnswer | RefusedMessage>({
      name,
      log,
      limits,
      work: async (watcher, message, answer) => {
        const request = readWatchMessage(message, limits.roomsPerSocket)
        if (!request)
          return answer(refused('malformed', 'The message is not of the form that the protocol gives.'))
        if (!allowedJoins(watcher, request.records.length + request.lists.length))
          return slowDown(watcher.socket).then(() => answer(refused('rate_limited')))
        const fresh: string[] = []
        const rooms = request.records.length + request.lists.length
        const answered = () => work(watcher, request, fresh)
        const { actor } = watcher.data
        const isFew = rooms < MANY_ROOMS && turns.joins.isRested(actor)
        if (isFew) turns.joins.count(actor, rooms)
        answer(isFew ? await answered() : await turns.joins.run(actor, answered, rooms))
        if (fresh.length > 0) onWatched?.(watcher, fresh)
      },
    })
  return [
    receiver('watch', async (watcher, request, fresh) => ({
      ...(await watch(database, watcher, request, {
        most: roomsLeft(limits, watcher.data),
        fresh,
      })),
      ...spread.asked(),
    })),
    receiver('unwatch', (watcher, request) => unwatch(database, watcher, request)),
  ]
}

type Middleware = Parameters<WatcherServer['use']>[0]

/** Socket.IO has no way to take a middleware back, so its list is looked into; where there is none, nothing happens. */
const removeMiddleware = (io: WatcherServer, middleware: Middleware) => {
  const middlewares: Middleware[] | undefined = Reflect.get(io.of('/'), '_fns')
  const at = middlewares?.indexOf(middleware) ?? -1
  if (at >= 0) middlewares?.splice(at, 1)
}

/**
 * Takes connections of a Socket.IO server's default namespace. On a server of the app's own, anyone who isn't signed in with
 * us stays the app's guest, unless it is a client of ours (it names its tab): that is refused, so that it asks for a
 * sign-in. Returns its dispose function.
 */
export const serveSockets = (io: WatcherServer, options: SocketOptions): (() => void) => {
  const { limits, log, hasGuests } = options
  const tally = new ConnectionTally()

  const signIn = async (
    socket: WatcherSocket,
    tabId: string | null,
  ): Promise<ProblemCode | Problem | null> => {
    const foreign = options.originRefusal(socket.request)
    if (foreign) return foreign
    if (options.isDraining?.()) return 'unavailable'
    const request = handshakeRequest(socket)
    const open = await options.handshakes.signIn(request)
    if (typeof open === 'string') return open
    const meant: unknown = socket.handshake.auth?.person_id
    if (meant !== undefined && meant !== open.actor.id) return 'unauthenticated'
    if (!options.isLive(open.actor)) return 'live_off'
    if (tally.of(open.actor) >= limits.socketsPerPerson) {
      options.onLimited?.()
      return 'rate_limited'
    }
    await options.handshakes.enterOnce(socket.request)
    if (open.isDue()) await open.renew()
    letIn(socket, { actor: open.actor, request, tabId, watching: new WatchedRooms() }, log)
    return null
  }

  const middleware: Middleware = async (socket, next) => {
    const sent: unknown = socket.handshake.auth?.tab_id
    const tabId = typeof sent === 'string' ? sent.slice(0, 200) : null
    const why = await signIn(socket, tabId).catch((error) => {
      const isExpected = error instanceof Refusal && !error.cause
      if (!isExpected) log.error({ err: error.cause ?? error }, 'A socket could not be signed in.')
      return error instanceof Refusal ? error.problem : unexpectedProblem(error)
    })
    if (why === null) return next()
    const data = typeof why === 'string' ? problem(why) : why
    if (!hasGuests || tabId !== null) return next(Object.assign(new Error(data.code), { data }))
    keepRefusal(socket, data.code)
    next()
  }

  /** A client may send an event of this name: what it says isn't worth a line. */
  function onError(this: WatcherSocket, error: unknown) {
    if (error instanceof Error) log.warn({ err: error }, 'A socket failed.')
  }
  function onDisconnect(this: WatcherSocket) {
    const watcher = watcherOf(this)
    if (watcher) tally.remove(watcher.data)
    part(io, this.id)
  }
  const take = (socket: WatcherSocket) => {
    const watcher = watcherOf(socket)
    if (!watcher) return
    const open = openOf(watcher.data.request)
    if (open) socket.request.socket.off('close', open.end)
    open?.end()
    openOf(socket.request)?.end()
    if (open?.isRevoked()) return void watcher.disconnect(true)
    // Several signed in at one moment.
    if (tally.of(watcher.data.actor) >= limits.socketsPerPerson) {
      options.onLimited?.()
      return void watcher.disconnect(true)
    }
    if (!socket.connected) return
    socket.on('error', onError)
    socket.on('disconnect', onDisconnect)
    join(io, watcher)
    tally.add(watcher.data)
    watcher.join([userRoom(watcher.data.actor.tenantId, watcher.data.actor.id)])
  }

  io.use(middleware)
  io.on('connection', take)
  const stops = createReceivers(options).map((receive) => receive(io))
  if (!hasGuests) stops.push(limitFrames(io, FRAMES_PER_MESSAGE * limits.messagesPerSecond))
  return () => {
    removeMiddleware(io, middleware)
    io.off('connection', take)
    for (const stop of stops) stop()
    for (const watcher of unserveServer(io)) {
      const { socket, data } = watcher
      socket.off('error', onError)
      socket.off('disconnect', onDisconnect)
      for (const room of [...data.watching.keys(), userRoom(data.actor.tenantId, data.actor.id)])
        watcher.leave(room)
    }
  }
}
