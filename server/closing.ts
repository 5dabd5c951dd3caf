// The end of an HTTP server with a Socket.IO server on it.
// Invariant: it ends within its time, whoever is connected and whatever they do. Requests that have begun are answered;
// a connection that is kept open is not used again; whoever doesn't answer a goodbye is hung up on.
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { atMost } from './patience.ts'
import type { WatcherServer } from './watchers.ts'

/** How long a WebSocket's client may take to answer a goodbye. */
const GOODBYE_MS = 1_000
const SWEEP_MS = 100

const keepNot = (_request: IncomingMessage, response: ServerResponse) => {
  response.shouldKeepAlive = false
}

/** Made before connections are: Node knows of an upgraded connection only that there is one. */
export const closerOf = (server: HttpServer) => {
  const upgraded = new Set<Duplex>()
  server.on('upgrade', (_request: IncomingMessage, connection: Duplex) => {
    upgraded.add(connection)
    connection.once('close', () => upgraded.delete(connection))
  })

  /** Closes both. What still goes on after `patienceMs` is cut. */
  return async (io: Pick<WatcherServer, 'close'>, patienceMs: number): Promise<void> => {
    const hangUp = () => {
      for (const connection of upgraded) connection.destroy()
    }
    server.prependListener('request', keepNot)
    const closed = io.close()
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
    const goodbye = setTimeout(hangUp, GOODBYE_MS)
    const cut = setTimeout(() => {
      hangUp()
      server.closeAllConnections()
    }, patienceMs)
    await atMost(patienceMs + GOODBYE_MS, closed)
    clearInterval(sweep)
    clearTimeout(goodbye)
    clearTimeout(cut)
    server.off('request', keepNot)
  }
}
