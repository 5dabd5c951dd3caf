// A second look at a server whose answer is overdue: after a failover an old connection may lead to nobody, and say so only after
// minutes. Invariant: a connection is called dead only where the server that is reached now says that it has no such session; what is
// merely slow is waited for.
import type { Knex } from 'knex'
import { withinMs } from '../pacing/timeouts.ts'
import { openConnection } from './raw-connection.ts'
import { type Connection, sendOn, statement } from './statement.ts'

/** An answer is overdue after this long, and looked after as often. */
const OVERDUE_MS = 1_500
/** So long a look may take. */
const LOOK_MS = 3_000

const SESSION = statement(
  'select pg_catalog.pg_backend_pid() as pid, pg_catalog.pg_postmaster_start_time()::text as started',
)
/** pid, start of its server */
const IS_THERE = statement(`select pg_catalog.pg_postmaster_start_time()::text = $2
  and exists (select from pg_catalog.pg_stat_activity a where a.pid = $1::integer) as is_there`)

/** pg's client, as far as it is used. */
export interface RawConnection extends Connection {
  processID?: number
  on?(event: 'error', listener: () => void): void
  connection?: { stream?: { destroy(): void; pause?(): void; resume?(): void } }
}

/** What is known of a connection's session: {@link createLifeline}. */
export interface Lifeline {
  /** What the work gives; while it is overdue, `onDead` is called where the server has no such session. */
  over<T>(work: Promise<T>, onDead: () => void): Promise<T>
}

const isGone = async (knex: Knex, pid: number, started: string): Promise<boolean> => {
  const opening = openConnection<RawConnection>(knex)
  opening.then((connection) => connection.on?.('error', () => {})).catch(() => {}) // Below.
  const end = (connection: RawConnection) => connection.connection?.stream?.destroy()
  try {
    const look = opening.then((connection) =>
      sendOn(connection, knex.client.driver, IS_THERE, [pid, started], false),
    )
    const { rows } = await withinMs(LOOK_MS, look, 'The database did not answer in time.')
    return rows[0]?.is_there === false
  } catch {
    return false
  } finally {
    opening.then(end).catch(() => {}) // Then there is nothing to end.
  }
}

/** Behind a pooler that gives each transaction another session there is none: then nothing is ever called dead. */
export const createLifeline = async (knex: Knex, connection: RawConnection): Promise<Lifeline> => {
  const { rows } = await sendOn(connection, knex.client.driver, SESSION, [], false)
  const { pid, started } = rows[0] ?? {}
  if (Number(pid) !== connection.processID) return { over: (work) => work }
  return {
    over: async (work, onDead) => {
      let isOver = false
      let timer: NodeJS.Timeout | undefined
      const look = () => {
        timer = setTimeout(async () => {
          const isDead = await isGone(knex, Number(pid), String(started))
          if (isOver) return
          if (isDead) onDead()
          else look()
        }, OVERDUE_MS)
      }
      look()
      try {
        return await work
      } finally {
        isOver = true
        clearTimeout(timer)
      }
    },
  }
}
