// Cancels the statement that a connection waits for, by PostgreSQL's own request for it: a connection that carries nothing else,
// which a pooler in between passes on. Relies on pg's client having `host`, `port`, `processID` and a numeric `secretKey` (tried
// with 8.16); where it hasn't, nothing is cancelled.
import { connect, type NetConnectOpts } from 'node:net'

export interface Held {
  host?: unknown
  port?: unknown
  processID?: unknown
  secretKey?: unknown
}

const CANCEL_REQUEST = 80_877_102
const LIMIT_MS = 2_000

const requestOf = (processId: number, secretKey: number): Buffer => {
  const request = Buffer.alloc(16)
  request.writeInt32BE(request.length, 0)
  request.writeInt32BE(CANCEL_REQUEST, 4)
  request.writeInt32BE(processId, 8)
  request.writeInt32BE(secretKey, 12)
  return request
}

const addressOf = (host: string, port: number): NetConnectOpts =>
  host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }

/**
 * Resolves when PostgreSQL has passed the request on, or after 2 s. Until then the connection must carry no other statement: it
 * would be the one that is cancelled. Never rejects.
 */
export const cancelStatement = ({ host, port, processID, secretKey }: Held): Promise<void> => {
  if (typeof host !== 'string' || typeof processID !== 'number' || typeof secretKey !== 'number')
    return Promise.resolve()
  return new Promise((resolve) => {
    const socket = connect({ ...addressOf(host, Number(port)), timeout: LIMIT_MS })
    // PostgreSQL closes it. A pooler that reads its end first, before it has passed the request on, drops the request.
    socket.on('connect', () => socket.write(requestOf(processID, secretKey)))
    socket.on('timeout', () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.resume()
  })
}
