// A connection that came back to the pool within a transaction: somebody sent BEGIN as raw SQL, and its end went to another connection, or
// never came.
// Invariant: nothing of ours is sent in it. A save would be answered as saved and be undone with it, and a read show what it once saw.
import type { Knex } from 'knex'

/** As pg knows it from the server's last answer; before 8.18 it doesn't say. */
interface Stated {
  getTransactionStatus?(): string | null
  /** `false` while the server's last answer is not whole: an error comes before the state that it leaves. */
  readyForQuery?: boolean
  once(event: 'drain' | 'end', listener: () => void): void
  off(event: 'drain' | 'end', listener: () => void): void
  __knex__disposed?: unknown
}

const LEFT_OPEN =
  'A connection of the pool was within a transaction that was begun by raw SQL (BEGIN) and never ended. It is closed, and what was ' +
  'done in it is undone. See docs/troubleshooting.md#saved-and-then-gone of the package noclobber.'

const MOST = 10

/** Until the server's last answer is whole, or there will be no more of it. */
const settled = (connection: Stated): Promise<void> =>
  new Promise((resolve) => {
    const settle = () => {
      connection.off('drain', settle)
      connection.off('end', settle)
      resolve()
    }
    connection.once('drain', settle)
    connection.once('end', settle)
  })

/**
 * A connection to send on: the transaction's own where `knex` is one, else one that is in none. Others are closed.
 *
 * @param onLeftOpen Learns of each that was closed.
 * @throws Error with a sentence where the pool has no other.
 */
export const acquireIdle = async <Connection>(
  knex: Knex,
  onLeftOpen?: (error: Error) => void,
): Promise<Connection & Stated> => {
  const { client } = knex
  for (let closed = 0; ; closed += 1) {
    const connection: Connection & Stated = await client.acquireConnection()
    if (!knex.isTransaction && connection.readyForQuery === false) await settled(connection)
    const status = knex.isTransaction ? null : connection.getTransactionStatus?.()
    if (status !== 'T' && status !== 'E') return connection
    const error = new Error(LEFT_OPEN)
    connection.__knex__disposed = error
    await client.releaseConnection(connection)
    if (closed > (client.pool?.max ?? MOST)) throw error
    onLeftOpen?.(error)
  }
}
