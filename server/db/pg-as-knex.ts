// A pool or a client of `pg` as the part of Knex that is used here, for apps without Knex.
// Invariant: a connection that is taken comes back once; a transaction that is handed over is neither committed nor rolled back
// here, only savepoints within it are; and a lost connection ends no process.
//
// Relies on pg's documented `Pool` and `Client`, on `pool.Client` and `pool.options` (tried with pg 8.11 and 8.23), and of Knex's own on
// `client.acquireConnection` and its siblings, `raw`, `transaction`, `isTransaction` and `isCompleted`.
import { promisify } from 'node:util'
import type { Knex } from 'knex'
import type { PgClient, PgPool } from '../base/pg.ts'
import { withinMs } from '../pacing/timeouts.ts'
import { unmapped } from './unmapped-knex.ts'

/** Where statements are sent: the app's Knex or a transaction of it, a pool of `pg`, or a connected client. */
export type Sql = Knex | PgPool | PgClient

interface PoolClient extends PgClient {
  release(error?: Error | boolean): void
  on(event: 'error', listener: () => void): unknown
  /** Set where it can't be used again, as in Knex. */
  __knex__disposed?: Error
}

interface RawClient extends PgClient {
  connect(): Promise<void>
  end(): Promise<void>
}

/** What pg's pool has besides; not in its types. */
interface PoolInside {
  Client: new (options: object) => RawClient & { getTypeParser(oid: number, format?: string): unknown }
  options: {
    max?: number
    connectionTimeoutMillis?: number
    onConnect?(client: object): unknown
    verify?(client: object, done: (error?: Error | null) => void): void
  }
  emit(event: 'connect', client: object): unknown
}

/** A pool without a timeout of its own would wait for ever. */
const ACQUIRE_MS = 10_000

const ignore = () => {}

const isKnex = (sql: Sql): sql is Knex => 'raw' in sql && 'client' in sql
const isPool = (sql: Sql): sql is PgPool => 'connect' in sql && 'totalCount' in sql

const NAMED = /(?<![:\w]):([a-zA-Z]\w*)/g
const PLACE = /\\\?|\?/g

/** Knex's `?` and `:name` as pg's `$1`; `\?` is a question mark. */
const numbered = (text: string, bindings: unknown): { text: string; values: unknown[] } => {
  const values: unknown[] = []
  const place = (value: unknown) => `$${values.push(value)}`
  if (Array.isArray(bindings)) {
    const left = [...bindings]
    return { text: text.replace(PLACE, (found) => (found === '?' ? place(left.shift()) : '?')), values }
  }
  const named = (bindings ?? {}) as Record<string, unknown>
  const filled = text.replace(NAMED, (found, name: string) =>
    Object.hasOwn(named, name) ? place(named[name]) : found,
  )
  return { text: filled.replaceAll('\\?', '?'), values }
}

const rawOn = (client: PgClient) => (text: string, bindings?: unknown) => {
  const query = numbered(text, bindings)
  // Without values it may be several statements.
  return query.values.length > 0 ? client.query(query.text, query.values) : client.query(query.text)
}

let savepoints = 0

/** A client in a migration may have no transaction. */
const isOutsideTransaction = (error: { code?: string }): false => {
  if (error.code === '25P01') return false
  throw error
}

/** A connection within a transaction, which somebody else ends. */
const transactionOn = (client: PgClient, driver: object, isCompleted: () => boolean): Knex.Transaction => {
  const transaction = {
    client: { driver, acquireConnection: async () => client, releaseConnection: async () => {} },
    isTransaction: true,
    isCompleted,
    raw: rawOn(client),
    transaction: async <T>(work: (savepoint: Knex.Transaction) => Promise<T>): Promise<T> => {
      savepoints += 1
      const name = `noclobber_${savepoints}`
      const isWithin = await client.query(`savepoint ${name}`).then(() => true, isOutsideTransaction)
      if (!isWithin) await client.query('begin')
      try {
        const result = await work(transaction)
        await client.query(isWithin ? `release savepoint ${name}` : 'commit')
        return result
      } catch (error) {
        await client.query(isWithin ? `rollback to savepoint ${name}` : 'rollback').catch(ignore)
        throw error
      }
    },
    // The part of Knex that is used, as a test of each operation shows.
  } as unknown as Knex.Transaction
  return transaction
}

/** Pools that are known already: each is looked after once. */
const pools = new WeakMap<PgPool, Knex>()

const poolAsKnex = (pool: PgPool): Knex => {
  const inside = pool as PgPool & PoolInside
  const { Client, options } = inside
  // It is never connected: it knows the type parsers that the app has set.
  const idle = new Client(options)
  const driver = {
    types: { getTypeParser: (oid: number, format?: string) => idle.getTypeParser(oid, format) },
  }
  /** The pool listens to those that are idle alone. */
  const listening = new WeakSet<PoolClient>()
  const listen = (client: PoolClient) => {
    if (!listening.has(client)) client.on('error', ignore)
    listening.add(client)
    return client
  }
  pool.on('connect', listen)
  pool.on('error', ignore)

  const acquire = async (): Promise<PoolClient> => {
    const taken: Promise<PoolClient> = pool.connect().then(listen)
    if (options.connectionTimeoutMillis) return taken
    let isLate = false
    taken.then((client) => isLate && client.release(), ignore)
    const late = `Timeout acquiring a connection: the pool gave none within ${ACQUIRE_MS} ms.`
    return withinMs(ACQUIRE_MS, taken, late).catch((error) => {
      isLate = true
      throw error
    })
  }
  const release = async (client: PoolClient) => client.release(client.__knex__disposed)

  /** On the connection that is given, which its giver releases, or on one of the pool. */
  const transaction = async <T>(
    work: (transaction: Knex.Transaction) => Promise<T>,
    { connection }: { connection?: PoolClient } = {},
  ): Promise<T> => {
    const client = connection ?? (await acquire())
    let isCompleted = false
    try {
      await client.query('begin')
      const result = await work(transactionOn(client, driver, () => isCompleted))
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback').catch((failure: Error) => {
        client.__knex__disposed = failure
      })
      throw error
    } finally {
      isCompleted = true
      if (!connection) await release(client)
    }
  }

  return {
    client: {
      driver,
      acquireConnection: acquire,
      releaseConnection: release,
      acquireRawConnection: async () => {
        const client = new Client(options)
        await client.connect()
        try {
          await options.onConnect?.(client)
          // What the app does to each connection of its pool, by what the pool says of a new one.
          inside.emit('connect', client)
          if (options.verify) await promisify(options.verify)(client)
        } catch (error) {
          await client.end()
          throw error
        }
        return client
      },
      destroyRawConnection: (client: RawClient) => client.end(),
      pool: {
        max: options.max ?? 10,
        numUsed: () => pool.totalCount - pool.idleCount,
        numPendingAcquires: () => pool.waitingCount,
      },
    },
    raw: rawOn(pool),
    transaction,
    // The part of Knex that is used, as a test of each operation shows.
  } as unknown as Knex
}

const clientsTransaction = (client: PgClient): Knex.Transaction => {
  const { getTransactionStatus, getTypeParser } = client as PgClient & {
    getTransactionStatus?(): string | null
    getTypeParser?(oid: number, format?: string): unknown
  }
  if (!getTypeParser)
    throw new TypeError(
      'A transaction must be one of Knex, or a connected client of pg. Of an ORM over your pool: await records.transactionOf(…).',
    )
  const driver = { types: { getTypeParser: getTypeParser.bind(client) } }
  return transactionOn(client, driver, () => getTransactionStatus?.call(client) === 'I')
}

/** Anything that statements can be sent on as the part of Knex that is used here. A client is taken as within a transaction. */
export const asKnex = (sql: Sql): Knex => {
  if (isKnex(sql)) return unmapped(sql, rawOn)
  if (!isPool(sql)) return clientsTransaction(sql)
  const known = pools.get(sql) ?? poolAsKnex(sql)
  pools.set(sql, known)
  return known
}

/** The part of Knex that migrations use, as one function that is given their statements. */
export const asRecording = (
  raw: (text: string, bindings?: unknown) => Promise<{ rows: unknown[] }>,
): Knex => {
  const recording = {
    client: {},
    raw,
    transaction: <T>(work: (knex: unknown) => Promise<T>) => work(recording),
  }
  // Migrations use no other part of Knex, as their test shows.
  return recording as unknown as Knex
}

/** A caller's transaction as Knex has it. */
export const asTransaction = (transaction: Knex.Transaction | PgClient): Knex.Transaction =>
  isKnex(transaction) ? (unmapped(transaction, rawOn) as Knex.Transaction) : clientsTransaction(transaction)

const OWN_PROCESS = 'select pg_backend_pid() as pid'

/** The number in an answer to {@link OWN_PROCESS}: rows, or what has rows; a bigint from some. */
const processIn = (answer: unknown): number | undefined => {
  const rows = Array.isArray(answer) ? answer.flat() : ((answer as { rows?: unknown[] } | null)?.rows ?? [])
  const pid = Number((rows[0] as { pid?: unknown } | undefined)?.pid)
  return Number.isInteger(pid) ? pid : undefined
}

/**
 * The client of a pool that an ORM's transaction runs on: the ORM is asked, within the transaction, for its connection's process.
 *
 * @throws Error where that is no connection of this pool.
 */
export const clientOf = async (
  pool: PgPool,
  ask: (sql: string) => Promise<unknown> | unknown,
): Promise<PgClient> => {
  const pid = processIn(await ask(OWN_PROCESS))
  const { _clients: clients = [] } = pool as PgPool & { _clients?: (PgClient & { processID?: number })[] }
  const found = clients.find(({ processID }) => processID === pid)
  if (found) return found
  throw new Error(
    `The transaction runs on no connection of the pool that createRecordServer({ pool }) has (process ${pid ?? 'unknown'}). ` +
      'Give the ORM the same pg.Pool, and no pooler between.',
  )
}
