// What the app set on a connection of its pool and left there, by SET without LOCAL: a role, a time limit, read-only, triggers off. It is
// looked at where a statement of ours failed by something that such a setting can make fail.
// Invariant: only a connection that differs from a new one of the pool is closed; what each of them has is the app's will.
import type { Knex } from 'knex'
import { isCancelled, mayBeOfSettings } from './errors.ts'
import { acquireIdle, transactionOn } from './left-open.ts'
import { openConnection } from './raw-connection.ts'
import { type Connection, sendOn, statement } from './statement.ts'

const NAMES = [
  ...['role', 'session_authorization', 'session_replication_role', 'row_security'],
  ...['default_transaction_read_only', 'statement_timeout', 'lock_timeout', 'transaction_timeout'],
  ...['client_encoding', 'array_nulls'],
]

const SETTINGS = statement(
  'select s.name, pg_catalog.current_setting(s.name, true) as value from pg_catalog.unnest($1::text[]) s(name)',
)

/** How long what a new connection has is remembered. */
const FRESH_MS = 60_000

type Settings = Map<string, string | null>

const CLOSED = (left: string[]) =>
  `A connection of the pool is closed, because the app left settings on it by which a statement failed: ${left.join(', ')}. ` +
  'See docs/troubleshooting.md#settings-left-on-a-connection of the package noclobber.'

/** A connection of the pool. */
type Pooled = Connection & { __knex__disposed?: unknown }

/** So many connections are given up for one piece of work. */
const MOST = 20

/** Closes connections with left settings. */
export interface LeftSettings {
  /**
   * Whether the connection that a statement failed on was left otherwise than a new one is: it is closed when it is released. That of a
   * caller's transaction can't be asked, and is closed.
   */
  onFailed(error: unknown, connection: Pooled, isInTransaction: boolean): Promise<boolean> | boolean
  /**
   * Does the work on a connection of the pool, and again on another where it failed by what the app had left on it.
   *
   * @param isOnce The work can't be done twice.
   */
  on<Done>(use: (connection: Connection) => Promise<Done>, isOnce?: boolean): Promise<Done>
  /** The same in a transaction: what the work throws undoes it. */
  within<Done>(work: (transaction: Knex.Transaction) => Promise<Done>, isOnce?: boolean): Promise<Done>
}

/**
 * @param onLeft Learns of each connection that is closed.
 * @param onConnection Called before a connection is used.
 */
export const createLeftSettings = (
  knex: Knex,
  onLeft: (error: Error) => void,
  onConnection: (connection: Connection) => Promise<void> | void,
): LeftSettings => {
  const { client } = knex
  const read = async (connection: Connection): Promise<Settings> => {
    const { rows } = await sendOn(connection, client.driver, SETTINGS, [NAMES], false)
    return new Map(rows.map(({ name, value }) => [name, value]))
  }
  let fresh: { settings: Promise<Settings>; until: number } | null = null
  const readFresh = async (): Promise<Settings> => {
    const connection = await openConnection<Connection>(knex)
    try {
      return await read(connection)
    } finally {
      await client.destroyRawConnection(connection)
    }
  }
  const ofNew = (): Promise<Settings> => {
    const now = performance.now()
    if (!fresh || fresh.until < now) fresh = { settings: readFresh(), until: now + FRESH_MS }
    fresh.settings.catch(() => {
      fresh = null
    })
    return fresh.settings
  }
  const closeIfLeft = async (connection: Pooled): Promise<boolean> => {
    try {
      const others = await ofNew()
      // A time limit that is too short for this is one that was left.
      const own = await read(connection).catch((error) => {
        if (!isCancelled(error)) throw error
        return new Map([['statement_timeout', null]])
      })
      const left = NAMES.filter((name) => own.has(name) && own.get(name) !== others.get(name))
      if (left.length === 0) return false
      const error = new Error(CLOSED(left.map((name) => `${name} = ${own.get(name) ?? 'too short'}`)))
      connection.__knex__disposed = error
      onLeft(error)
      return true
    } catch {
      return false
    }
  }
  const on: LeftSettings['on'] = async (use, isOnce = false) => {
    for (let left = isOnce ? 0 : MOST; ; left -= 1) {
      const connection = await acquireIdle<Pooled>(knex, onLeft)
      try {
        await onConnection(connection)
        return await use(connection)
      } catch (error) {
        const isClosed = mayBeOfSettings(error) && (await closeIfLeft(connection))
        if (!isClosed || left === 0) throw error
      } finally {
        await client.releaseConnection(connection)
      }
    }
  }
  /** In a transaction of {@link LeftSettings.within}: compared after its end. */
  const open = new WeakSet<object>()
  return {
    onFailed: (error, connection, isInTransaction) => {
      if (!mayBeOfSettings(error)) return false
      if (isInTransaction && !open.has(connection)) connection.__knex__disposed = error
      return !isInTransaction && closeIfLeft(connection)
    },
    on,
    within: (work, isOnce) =>
      on(async (connection: Pooled) => {
        open.add(connection)
        try {
          return await transactionOn(knex, connection, work)
        } finally {
          open.delete(connection)
        }
      }, isOnce),
  }
}
