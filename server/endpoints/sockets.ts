// The Socket.IO side: who may connect, what a connection may say.
// Invariant: no frame ends the process or goes unanswered where an answer was asked for; every message is checked for
// its shape first, and counted.
import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { Server } from 'socket.io'
import type { Authenticate, Limits, Log } from '../base/options.ts'
import { problem } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { isUnavailable, unexpectedProblem } from '../db/errors.ts'
import { isOwnOrigin } from '../http/origin.ts'
import { readWatchMessage, type WatchRequest } from '../live/client-messages.ts'
import { userRoom } from '../live/rooms.ts'
import { unwatch, watch } from '../live/watch-records.ts'
import type { WatcherServer, WatcherSocket } from '../live/watchers.ts'
import { type AdmissionQueue, createAdmissionQueue, LEAVING, leaveInTurn } from '../pacing/admission-queue.ts'
import { createAllowance } from '../pacing/rate-limiters.ts'
import type { ReconnectSpread } from '../pacing/reconnect-spread.ts'
import type { ProblemCode, RefusedMessage, WatchAnswer } from '../protocol/index.ts'
import type { Database } from '../tables/database.ts'

export interface SocketOptions {
  database: Database
  authenticate: Authenticate
  origins: string[]
  limits: Limits
  log: Log
  /** A socket has been let into these rooms. */
  onWatched?(socket: WatcherSocket, fresh: string[]): void
  /** This node is leaving: whoever connects is sent to try again. */
  isDraining?(): boolean
  /** A socket was refused because its person has too many. */
  onLimited?(): void
  isLive(actor: Actor): boolean
  /** The node's door. */
  enter: AdmissionQueue
  spread: ReconnectSpread
}

const ignore = () => {}

/** A Socket.IO server with our defaults on the app's HTTP server. `cors` wouldn't cover WebSocket; `allowRequest` does. */
export const createSocketServer = (
  httpServer: HttpServer,
  { origins, limits, enter }: SocketOptions,
): WatcherServer => {
  const leave = createAdmissionQueue(LEAVING)
  return new Server(httpServer, {
    maxHttpBufferSize: limits.frameBytes,
    serveClient: false,
    allowRequest: (request, decide) => {
      const own = isOwnOrigin(request, origins)
      // Between the upgrade and the answer nobody else listens, and a client that goes would end the process.
      request.socket.on('error', ignore)
      enter(
        () => {
          request.socket.off('error', ignore)
          decide(own ? null : 'cross_origin', own)
          if (own && request.headers.upgrade) leaveInTurn(request.socket, leave)
        },
        () => request.socket.destroyed,
      )
    },
  })
}

const refused = (code: ProblemCode, detail?: string): RefusedMessage => ({
  ok: false,
  code,
  detail: problem(code, detail).detail,
})

/** The handshake's request as `authenticate` wants it: `auth.token` stands in where no header could be set. */
const handshakeRequest = ({ request, handshake }: WatcherSocket): IncomingMessage => {
  const token: unknown = handshake.auth?.token
  if (typeof token !== 'string' || request.headers.authorization) return request
  const authorization = token.startsWith('Bearer ') ? token : `Bearer ${token}`
  return Object.create(request, { headers: { value: { ...request.headers, authorization } } })
}

type Answer = (answer: WatchAnswer | RefusedMessage) => void

/** Does what a message asks for, and adds the rooms that the socket was let into. */
type Work = (socket: WatcherSocket, request: WatchRequest, fresh: string[]) => Promise<WatchAnswer>

/** What all sockets' messages are heard by; a closure for each socket would be held as long as it is there. */
const createListeners = ({ database, limits, log, spread, onWatched }: SocketOptions) => {
  const allowed = createAllowance(limits.messagesPerSecond)
  const allowedJoins = createAllowance(limits.joinsPerSecond)
  const handle = (work: Work) =>
    async function (this: WatcherSocket, message: unknown, ...rest: unknown[]) {
      const last = rest.at(-1) ?? message
      const answer: Answer = typeof last === 'function' ? (last as Answer) : () => {}
      try {
        if (!allowed(this)) return answer(refused('rate_limited'))
        const request = readWatchMessage(message, limits.roomsPerSocket)
        if (!request)
          return answer(refused('malformed', 'The message is not of the form that the protocol gives.'))
        if (!allowedJoins(this, request.records.length + request.lists.length))
          return answer(refused('rate_limited'))
        const fresh: string[] = []
        answer(await work(this, request, fresh))
        if (fresh.length > 0) onWatched?.(this, fresh)
      } catch (error) {
        if (!isUnavailable(error)) log.error({ error }, 'A socket message could not be answered.')
        answer(refused(unexpectedProblem(error).code))
      }
    }
  return {
    watch: handle(async (socket, request, fresh) => ({
      ...(await watch(database, socket, request, { most: limits.roomsPerSocket, fresh })),
      ...spread.asked(),
    })),
    unwatch: handle((socket, request) => unwatch(database, socket, request)),
    error: (error: Error) => log.warn({ error }, 'A socket failed.'),
  }
}

/** Takes connections of a Socket.IO server's default namespace. Returns its own undoing. */
export const serveSockets = (io: WatcherServer, options: SocketOptions): (() => void) => {
  io.use(async (socket, next) => {
    const refuse = (code: ProblemCode) => next(Object.assign(new Error(code), { data: problem(code) }))
    try {
      if (!isOwnOrigin(socket.request, options.origins)) return refuse('cross_origin')
      if (options.isDraining?.()) return refuse('unavailable')
      const request = handshakeRequest(socket)
      const actor = (await options.authenticate(request)) as Actor | null
      const meant: unknown = socket.handshake.auth?.person_id
      if (!actor || (meant !== undefined && meant !== actor.id)) return refuse('unauthenticated')
      if (!options.isLive(actor)) return refuse('live_off')
      const own = io.of('/').adapter.rooms.get(userRoom(actor.tenantId, actor.id))
      if ((own?.size ?? 0) >= options.limits.socketsPerPerson) {
        options.onLimited?.()
        return refuse('rate_limited')
      }
      const tabId: unknown = socket.handshake.auth?.tab_id
      const connection = {
        actor,
        request,
        tabId: typeof tabId === 'string' ? tabId.slice(0, 200) : null,
        watching: new Map(),
      }
      // An app's own adapter sends `socket.data` to the nodes that ask for it; this stays here.
      socket.data = Object.defineProperty(connection, 'toJSON', { value: () => ({}) })
      next()
    } catch (error) {
      options.log.error({ error }, 'A socket could not be signed in.')
      refuse('unavailable')
    }
  })
  const listeners = createListeners(options)
  const take = (socket: WatcherSocket) => {
    const { actor } = socket.data
    socket.join(userRoom(actor.tenantId, actor.id))
    socket.on('error', listeners.error)
    socket.on('watch', listeners.watch)
    socket.on('unwatch', listeners.unwatch)
  }
  io.on('connection', take)
  return () => {
    io.off('connection', take)
  }
}
