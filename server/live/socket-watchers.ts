// The sockets that this process let in to watch records, on Socket.IO servers that may serve others too: the app's own
// sockets, guests. Invariant: what isn't here is none of ours: it is not sent to, counted, closed or read from. What is kept
// of a socket is kept here, never in its `data`; and what an app's listener throws ends nothing for anybody else.
import type { Socket } from 'socket.io'
import type { Logger } from '../base/options.ts'
import type { ProblemCode } from '../protocol/index.ts'
import type { Connection, Watcher, WatcherServer, WatcherSocket } from './watchers.ts'

/** A socket that was let in. */
export interface SocketWatcher extends Watcher {
  readonly socket: WatcherSocket
}

/** The sockets of one Socket.IO server that were let in, by id. */
export type SocketWatchers = ReadonlyMap<string, SocketWatcher>

const admitted = new WeakMap<object, SocketWatcher>()
const refusals = new WeakMap<object, ProblemCode>()
const servers = new WeakMap<object, Map<string, SocketWatcher>>()

const NOBODY: SocketWatchers = new Map()

/** Without the event map: for a name and arguments that the caller has typed. */
export const untyped = (socket: WatcherSocket) => socket as unknown as Socket

type Made = SocketWatcher & { log: Logger }

const attempt = (watcher: SocketWatcher, work: () => unknown) => {
  try {
    return work()
  } catch (error) {
    ;(watcher as Made).log.warn({ err: error }, 'What listens to a socket failed.')
  }
}

/** One prototype for all: there are thousands of them. */
const OF_SOCKET = {
  join(this: Made, rooms: string[]) {
    return attempt(this, () => this.socket.join(rooms))
  },
  leave(this: Made, room: string) {
    return attempt(this, () => this.socket.leave(room))
  },
  emit(this: Made, name: string, ...event: unknown[]) {
    return attempt(this, () => untyped(this.socket).emit(name, ...event))
  },
  disconnect(this: Made, close?: boolean) {
    return attempt(this, () => this.socket.disconnect(close))
  },
}
// Here an accessor can declare its `this`.
Object.defineProperties(OF_SOCKET, {
  connected: {
    get(this: Made) {
      return this.socket.connected
    },
  },
  rooms: {
    get(this: Made) {
      return this.socket.rooms
    },
  },
})

/** The sockets of this server that were let in; none where it isn't served. */
export const watchersOf = (io: WatcherServer): SocketWatchers => servers.get(io) ?? NOBODY

/** What is known of a socket that was let in. */
export const watcherOf = (socket: WatcherSocket): SocketWatcher | undefined => admitted.get(socket)

/** Why a socket of the app's was not let in: its messages to us are answered with it. */
export const refusalOf = (socket: WatcherSocket): ProblemCode => refusals.get(socket) ?? 'unauthenticated'

/** Keeps why a socket, which stays the app's, was not let in. */
export const keepRefusal = (socket: WatcherSocket, code: ProblemCode): void => {
  refusals.set(socket, code)
}

/**
 * Begins to serve a Socket.IO server: nobody is let in yet.
 *
 * @throws where it is served already: each message would be answered twice.
 */
export const serveServer = (io: WatcherServer): void => {
  if (servers.has(io))
    throw new Error(
      'This Socket.IO server serves the records of another record server already. ' +
        'Give each a server of its own: records.attach(httpServer, { path: "/other/socket.io" }).',
    )
  servers.set(io, new Map())
}

/** Serves it no more. Gives those who were let in. */
export const unserveServer = (io: WatcherServer): SocketWatcher[] => {
  const left = [...watchersOf(io).values()]
  for (const { socket } of left) admitted.delete(socket)
  servers.delete(io)
  return left
}

/** Lets a socket in. It is a watcher once it is connected. */
export const letIn = (socket: WatcherSocket, data: Connection, log: Logger): SocketWatcher => {
  const watcher = Object.assign(Object.create(OF_SOCKET), { id: socket.id, socket, data, log }) as Made
  admitted.set(socket, watcher)
  return watcher
}

/** It is connected. */
export const join = (io: WatcherServer, watcher: SocketWatcher): void => {
  servers.get(io)?.set(watcher.id, watcher)
}

/** It has gone. */
export const part = (io: WatcherServer, id: string): void => {
  servers.get(io)?.delete(id)
}
