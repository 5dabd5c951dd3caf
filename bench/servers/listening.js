// An HTTP server on a free port, and the way to end it.
import * as http from 'node:http'

/** Longer than one side ever waits for the other's turn. */
const KEPT_ALIVE_MS = 120_000

export const listening = async (app, createServer = http.createServer) => {
  const server = createServer(app)
  server.keepAliveTimeout = KEPT_ALIVE_MS
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    server,
    port: server.address().port,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
