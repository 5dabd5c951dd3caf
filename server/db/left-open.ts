// A connection that came back to the pool as nobody can use it: within a transaction, because BEGIN was sent as raw SQL and its end went
// to another connection, or never came; or in another encoding than UTF-8.
// Invariant: nothing of ours is sent on it. A save would be answered as saved and be undone with the transaction, a read show what it once
// saw; and texts would be read and written as others than they are.
import type { Knex } from 'knex'

/** PostgreSQL reports each change of some settings: {@link isOtherwiseEncoded}. */
interface Encoded {
  connection?: {
    on?(
      event: 'parameterStatus',
      listener: (message: { parameterName: string; parameterValue: string }) => void,
    ): unknown
  }
}

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

const OTHERWISE_ENCODED =
  'A connection of the pool was left with another client_encoding than UTF8, in which texts would be read and written as others than they ' +
  'are. It is closed. See docs/troubleshooting.md#settings-left-on-a-connection of the package noclobber.'

const MOST = 10

/** Whether what a connection reported last is another encoding, by connection. */
const encodings = new WeakMap<object, boolean>()

/** Whether the connection has left UTF-8 since this was asked first. */
const isOtherwiseEncoded = (connection: object): boolean => {
  const known = encodings.get(connection)
  if (known !== undefined) return known
  encodings.set(connection, false)
  const { connection: wire }: Encoded = connection
  wire?.on?.('parameterStatus', ({ parameterName, parameterValue }) => {
    if (parameterName === 'client_encoding') encodings.set(connection, parameterValue !== 'UTF8')
  })
  return false
}

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
 * A connection to send on: the transaction's own where `knex` is one, else one that is in none, and in UTF-8. Others are closed.
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
    const isOther = isOtherwiseEncoded(connection)
    if (knex.isTransaction && isOther) throw new Error(OTHERWISE_ENCODED)
    if (knex.isTransaction) return connection
    const status = connection.getTransactionStatus?.()
    const isOpen = status === 'T' || status === 'E'
    if (!isOpen && !isOther) return connection
    const error = new Error(isOpen ? LEFT_OPEN : OTHERWISE_ENCODED)
    connection.__knex__disposed = error
    await client.releaseConnection(connection)
    if (closed > (client.pool?.max ?? MOST)) throw error
    onLeftOpen?.(error)
  }
}

/** Does the work in a transaction on a connection that is held: what the work throws undoes it. */
export const transactionOn = async <Done>(
  knex: Knex,
  connection: object,
  work: (transaction: Knex.Transaction) => Promise<Done>,
): Promise<Done> => {
  try {
    return await knex.transaction(work, { connection })
  } finally {
    // Knex leaves its mark on connections that it was given.
    Reflect.deleteProperty(connection, '__knexTxId')
  }
}
