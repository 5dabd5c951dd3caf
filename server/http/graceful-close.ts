// The end of an HTTP server with a Socket.IO server on it.
// Invariant: it ends within its time, whatever connected clients do. Requests that have begun are answered;
// a connection that is kept open is not used again; a client that doesn't answer a close is cut. A proxy that sends a
// request on a connection at the moment at which this end closes it has lost that request: so a node that leaves lets go
// of its connections answer by answer, from its first notice on, and closes those alone that nobody has used since.
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import { Server as NetServer } from 'node:net'
import type { Duplex } from 'node:stream'
import type { WatcherServer } from '../live/watchers.ts'
import { atMost } from '../pacing/timeouts.ts'
import { untilNobodyComes } from './drain-accept-queue.ts'
import { sessionsOf } from './http2.ts'

/** How long a WebSocket's client may take to answer a goodbye. */
const GOODBYE_MS = 1_000
const SWEEP_MS = 100
/** For connections in the accept backlog, and for requests that a proxy sends on connections that it still has after nothing new is taken. */
const LINGER_MS = 1_000
const LEAST_LINGER_MS = 250

/** Made before connections are (Node knows of an upgraded connection only that there is one), and after Socket.IO's server. */
export const closerOf = (server: HttpServer, isDraining: () => boolean) => {
  const upgraded = new Set<Duplex>()
  const sessions = sessionsOf(server)
  let isClosing = false
  server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
    if (isClosing || isDraining()) response.shouldKeepAlive = false
  })
  server.on('upgrade', (_request: IncomingMessage, connection: Duplex) => {
    upgraded.add(connection)
    connection.once('close', () => upgraded.delete(connection))
  })

  /** Closes both. What still goes on after `timeoutMs` is cut. */
  return async (io: Pick<WatcherServer, 'close'>, timeoutMs: number): Promise<void> => {
    const hangUp = () => {
      for (const connection of upgraded) connection.destroy()
    }
    isClosing = true
    const lingers = performance.now() + LINGER_MS
    const left = new Promise<void>((resolve) => server.once('close', resolve))
    await untilNobodyComes(server, LINGER_MS)
    // Node's own `close` of an HTTP server ends idle connections, too. Bun's HTTP server is no server of `node:net`.
    const isOfNode: boolean = server instanceof NetServer
    if (isOfNode) NetServer.prototype.close.call(server)
    else server.close()
    if (isDraining()) await atMost(Math.max(LEAST_LINGER_MS, lingers - performance.now()), left)
    const closed = io.close()
    // Each is answered what it has asked for, and asks for nothing more.
    for (const session of sessions) session.close()
    const sweep = setInterval(() => server.closeIdleConnections?.(), SWEEP_MS)
    try {
      if (await atMost(Math.min(GOODBYE_MS, timeoutMs), closed)) return
      hangUp()
      if (await atMost(timeoutMs - GOODBYE_MS, closed)) return
      hangUp()
      for (const session of sessions) session.destroy()
      server.closeAllConnections?.()
      await atMost(GOODBYE_MS, closed)
    } finally {
      clearInterval(sweep)
    }
  }
}
