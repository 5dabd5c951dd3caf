// One SQL statement on the app's own pool, named (prepared) where that is allowed: on the save path nothing else
// matters as much. Knex has no named statements, so this takes its connection and asks pg directly.
// Invariant: dates, timestamps and big numbers come back exactly as the wire shows them, whatever the driver does.
import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import type { Shortcut } from '../base/shortcuts.ts'
import { cancelStatement, type Held } from './cancel-statement.ts'
import { acquireIdle } from './left-open.ts'
import {
  discardedBy,
  forget,
  forgetDiscarded,
  hasPrepared,
  heedDiscards,
  isOutdated,
  keepShape,
  sendBound,
} from './prepared-query.ts'
import { parserOf } from './value-codec.ts'

/** A statement as it is written once, and sent many times. */
export interface Statement {
  name: string
  text: string
}

/** Settings of a transaction, each with its value, in one order. */
export interface Settings {
  names: string[]
  values: string[]
}

/** A row as the wire's parsers made it. */
// biome-ignore lint/suspicious/noExplicitAny: columns are known by the statement that selects them
export type Row = Record<string, any>

/** The part of pg's client that is used. */
export interface Connection {
  query(query: object): Promise<{
    rows: Row[]
    rowCount: number | null
    fields?: { name: string; dataTypeID: number }[]
  }>
}

/** Names a statement after its text, so that one name never means two texts. */
export const statement = (text: string): Statement => ({
  name: `nc_${createHash('md5').update(text).digest('hex').slice(0, 24)}`,
  text,
})

/** Sends a statement on a connection that is already held. */
export const sendOn = (
  connection: Connection,
  driver: unknown,
  { name, text }: Statement,
  values: unknown[],
  named = true,
) => connection.query({ ...(named ? { name } : {}), text, values, types: parserOf(driver) })

/** Sends a named statement on a connection of the pool; from the second time on without asking for its columns. */
const sendNamed = (
  connection: Connection,
  driver: unknown,
  query: Statement,
  values: unknown[],
  shortcut: Shortcut | undefined,
): Promise<Row[]> => {
  const bound = shortcut?.isOn() ? sendBound(connection, query.name, query.text, values) : null
  return bound ?? sendByDriver(connection, driver, query, values, shortcut)
}

/** As the driver sends it, which prepares it the first time. */
const sendByDriver = async (
  connection: Connection,
  driver: unknown,
  query: Statement,
  values: unknown[],
  shortcut: Shortcut | undefined,
): Promise<Row[]> => {
  const { name, text } = query
  heedDiscards(connection)
  const { rows, fields } = await sendOn(connection, driver, query, values)
  if (!shortcut?.isOn()) return rows
  if (!hasPrepared(connection, name, text)) shortcut.turnOff()
  else if (fields) keepShape(connection, name, fields, parserOf(driver))
  return rows
}

/**
 * A transaction that has ended still knows its connection, which may be somebody else's by now.
 *
 * @throws where `knex` is a transaction that was committed or rolled back.
 */
export const refuseEnded = (knex: Knex): void => {
  if (knex.isTransaction && (knex as Knex.Transaction).isCompleted())
    throw new Error(
      'The `transaction` that was handed over has ended: it is committed or rolled back already. ' +
        'Call this before its end and await it there, or leave `transaction` out.',
    )
}

const isLate = (error: unknown): error is Error =>
  error instanceof Error && error.message === 'Query read timeout'

const SET_SETTINGS = statement(
  'select pg_catalog.set_config(s.name, s.value, true) from unnest($1::text[], $2::text[]) s(name, value)',
)

/**
 * Does the work where the settings hold: in the transaction that the connection is in, else in one of its own. They end with it, so
 * neither the connection's next use nor a pooler's next client sees them.
 */
const withSettings = async (
  connection: Connection,
  { driver, isWithin, named }: { driver: unknown; isWithin: boolean; named: boolean },
  { names, values }: Settings,
  work: () => Promise<Row[]>,
): Promise<Row[]> => {
  const end = (text: string) => (isWithin ? null : connection.query({ text }))
  await end('begin')
  try {
    await sendOn(connection, driver, SET_SETTINGS, [names, values], named)
    const rows = await work()
    await end('commit')
    return rows
  } catch (error) {
    // What went wrong first is thrown; a connection that can't be rolled back is lost.
    if (!isLate(error)) await end('rollback')?.catch(() => {})
    throw error
  }
}

/** Who a statement is sent for, where their access may end while it waits, for a lock say. */
export interface Revocable {
  /** Calls this when it ends. Of several only the last is called. */
  onRevoked(cancel: () => void): void
}

const nothing = () => {}

/** How a statement is sent. */
export interface SendOptions {
  /** By its name. Default `true`. */
  named?: boolean
  /** Learns of the connection before, and may use it first; what it throws ends the sending. */
  onConnection?: (connection: Connection) => void | Promise<void>
  /** Learns of a connection that was closed because it was within somebody's transaction. */
  onLeftOpen?: (error: Error) => void
  /** A named statement may be sent past the driver. */
  shortcut?: Shortcut | undefined
  /** Hold for this statement. Default: none, and a statement that is in no transaction is sent by itself. */
  settings?: Settings | undefined
  /** Learns of what the statement fails with. What it gives is `true` where the connection was closed and another may do. */
  onFailed?: (error: unknown, connection: Connection, isWithin: boolean) => Promise<boolean> | boolean
  /** When their access is revoked, the statement is cancelled, unless it has its answer by then. */
  sender?: Revocable | undefined
}

/** A statement that the session doesn't have any more, or not as it was, and those of its settings. */
const MOST_AGAIN = 2

/** On a connection that is held: by itself, or where its settings hold. */
const sendHeld = (
  knex: Knex,
  connection: Connection,
  query: Statement,
  values: unknown[],
  { named = true, shortcut, settings }: SendOptions,
): Promise<Row[]> => {
  const { driver } = knex.client
  const sendIt = (): Promise<Row[]> =>
    named
      ? sendNamed(connection, driver, query, values, shortcut)
      : sendOn(connection, driver, query, values, false).then(({ rows }) => rows)
  if (!settings) return sendIt()
  return withSettings(connection, { driver, isWithin: knex.isTransaction === true, named }, settings, sendIt)
}

/** So many connections are given up for one statement. */
const MOST_CONNECTIONS = 20

/**
 * Sends a statement: on a pooled connection, or on the transaction's own where `knex` is a transaction.
 *
 * @throws what pg throws, Knex's timeout error where the pool is exhausted, and see {@link refuseEnded}.
 */
export const send = async (
  knex: Knex,
  query: Statement,
  values: unknown[],
  options: SendOptions = {},
): Promise<Row[]> => {
  for (let left = MOST_CONNECTIONS; ; left -= 1) {
    const rows = await sendOnce(knex, query, values, options, left > 0)
    if (rows) return rows
  }
}

/** `null`: the connection that it was sent on was closed, and another may do. */
const sendOnce = async (
  knex: Knex,
  query: Statement,
  values: unknown[],
  options: SendOptions,
  mayFail: boolean,
): Promise<Row[] | null> => {
  const { named = true, onConnection, onLeftOpen, onFailed, sender } = options
  refuseEnded(knex)
  const client = knex.client
  const connection = await acquireIdle<Connection & Held>(knex, onLeftOpen)
  let cancelled: Promise<void> | null = null
  try {
    const isPrepared = onConnection?.(connection)
    if (isPrepared) await isPrepared
    sender?.onRevoked(() => {
      cancelled ??= cancelStatement(connection)
    })
    for (let again = 0; ; again += 1) {
      try {
        return await sendHeld(knex, connection, query, values, options)
      } catch (error) {
        const gone = discardedBy(error)
        if (gone) forgetDiscarded(connection, gone)
        const isNone = !named || knex.isTransaction || again === MOST_AGAIN
        if (isNone || !(gone || isOutdated(error))) throw error
        if (!gone) await forget(connection, query.name)
      }
    }
  } catch (error) {
    // What was sent may still be answered, or never: no other statement may wait behind it. Knex opens a new one.
    if (isLate(error)) connection.__knex__disposed = error
    const isClosed = await onFailed?.(error, connection, knex.isTransaction === true)
    if (isClosed && mayFail && !cancelled) return null
    throw error
  } finally {
    sender?.onRevoked(nothing)
    if (cancelled) await cancelled
    await client.releaseConnection(connection)
  }
}
