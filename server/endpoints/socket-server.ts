// A Socket.IO server of ours on the app's HTTP server: made, and closed.
// Invariant: a handshake is looked at before it costs anything, and a client that waits for its turn can't end the process.
import type { Server as HttpServer } from 'node:http'
import { Server } from 'socket.io'
import { expressAppOf, keepApp } from '../http/as-express.ts'
import { closerOf } from '../http/graceful-close.ts'
import { sentMark } from '../http/http2.ts'
import { noteListeners, takePath } from '../http/shared-server.ts'
import type { WatcherServer } from '../live/watchers.ts'
import { createAdmissionQueue, LEAVING, leaveInTurn } from '../pacing/admission-queue.ts'
import type { SocketOptions } from './sockets.ts'

/** A handshake at another server's path may wait for its turn there: an upgrade that nobody takes is cut after this. */
const NOBODYS_UPGRADE_MS = 5_000

/** A connection that hasn't said within this which namespace it wants is closed. */
const CONNECT_MS = 10_000

const ignore = () => {}

/** A Socket.IO server with our defaults on the app's HTTP server. `cors` is for long polling, and wouldn't cover WebSocket; `allowRequest` does. */
const createSocketServer = (
  httpServer: HttpServer,
  path: string,
  { limits, handshakes, origins }: SocketOptions,
  isClosed: () => boolean,
): WatcherServer => {
  const leave = createAdmissionQueue(LEAVING)
  const app = expressAppOf(httpServer)
  return new Server(httpServer, {
    path,
    destroyUpgradeTimeout: NOBODYS_UPGRADE_MS,
    maxHttpBufferSize: limits.frameBytes,
    serveClient: false,
    ...(origins.length > 0 && { cors: { origin: origins, credentials: true } }),
    connectTimeout: CONNECT_MS,
    allowRequest: (request, decide) => {
      if (isClosed()) return decide('unavailable', false)
      keepApp(request, app)
      // Between the upgrade and the answer nobody else listens, and a client that goes would end the process.
      request.socket.on('error', ignore)
      const isAnswered = sentMark(request)
      handshakes.admit(request).then(
        (code) => {
          // Gone, or another Socket.IO server at this path has answered.
          if (code === undefined || isAnswered()) return
          request.socket.off('error', ignore)
          decide(code, code === null)
          if (code === null && request.headers.upgrade) leaveInTurn(request.socket, leave)
        },
        () => request.socket.destroy(),
      )
    },
  })
}

/**
 * Makes a Socket.IO server with our defaults at a path of the app's HTTP server.
 *
 * @throws where a record server of this process stands at that path already.
 */
export const makeSocketServer = (
  httpServer: HttpServer,
  path: string,
  options: SocketOptions,
  isDraining: () => boolean,
) => {
  const release = takePath(httpServer, path)
  const added = noteListeners(httpServer)
  let isClosed = false
  const io = createSocketServer(httpServer, path, options, () => isClosed)
  const close = closerOf(httpServer, isDraining)
  const takeAway = added()
  return {
    io,
    /** The last of several closes the HTTP server too; what still goes on there after so long is cut. */
    close: async (cutMs: number): Promise<void> => {
      isClosed = true
      if (release()) return close(io, cutMs)
      // Socket.IO's own `close` would close the HTTP server.
      Object.assign(io, { httpServer: null })
      await io.close()
      takeAway()
    },
  }
}
