// One HTTP server, several Socket.IO servers of ours on it, each at a path of its own.
// Invariant: no two stand at one path, where one upgrade would be answered twice and end the process; and one that leaves
// before the last takes away what it put on the server, and leaves the server open.
import type { Server as HttpServer } from 'node:http'

const EVENTS = ['request', 'upgrade', 'session', 'listening', 'close'] as const

type Listener = (...values: unknown[]) => void

const paths = new WeakMap<HttpServer, Set<string>>()

const plain = (path: string) => path.replace(/\/+$/, '')

/**
 * Takes a path of an HTTP server. Gives what releases it, which says whether that was the last.
 *
 * @throws where a record server of this process stands there already.
 */
export const takePath = (server: HttpServer, path: string): (() => boolean) => {
  const taken = paths.get(server) ?? new Set()
  if (taken.has(plain(path)))
    throw new Error(
      `A record server answers sockets at ${path} of this HTTP server already. ` +
        'Give each a path of its own: records.attach(httpServer, { path: "/other/socket.io" }), ' +
        'and the client the same as socketPath.',
    )
  paths.set(server, taken.add(plain(path)))
  return () => {
    taken.delete(plain(path))
    return taken.size === 0
  }
}

const listenersOf = (server: HttpServer) =>
  EVENTS.map((event) => [event, server.listeners(event) as Listener[]] as const)

/** Notes who listens to a server now. Gives what takes away those who were added since, and puts back who was replaced. */
export const noteListeners = (server: HttpServer): (() => () => void) => {
  const before = listenersOf(server)
  return () => {
    const added = listenersOf(server).map(([event, listeners], at) => {
      const known = before[at]?.[1] ?? []
      return [event, listeners.filter((listener) => !known.includes(listener))] as const
    })
    return () => {
      for (const [at, [event, listeners]] of added.entries()) {
        const isOutermost = listeners.some((listener) => server.listeners(event).includes(listener))
        for (const listener of listeners) server.off(event, listener)
        if (!isOutermost) continue
        for (const listener of before[at]?.[1] ?? [])
          if (!server.listeners(event).includes(listener)) server.on(event, listener)
      }
    }
  }
}
