// Which primary a connection leads to: a standby, or the old primary after a failover, must not answer for the new one. And whether
// its session is one in which nothing can be promised, by the settings of its role, its database or the app's pool.
// Invariant: of one cluster the highest timeline that this node has learned of counts, from its own connections or from
// other nodes; a connection to a lower one, or to a standby, or of such a session, is used for nothing.
import { type Connection, sendOn, statement } from './statement.ts'

/** pg's client, as far as it is ended here. */
interface Endable {
  on?(event: 'end', listener: () => void): void
  connection?: { stream?: { destroy(): void } }
}

export const STANDBY = 'This PostgreSQL is a read-only standby: connect this node to the primary.'
const OLD_PRIMARY = 'This PostgreSQL was replaced by another primary: connect this node to that one.'

const BYPASSING =
  'session_replication_role is replica for this connection: what it writes would pass the triggers, and have no version. Reset it: alter role … reset session_replication_role.'
const NO_NULLS =
  'array_nulls is off for this connection: a null in an array would be saved as the text NULL. Reset it: alter role … reset array_nulls.'
const OTHER_ENCODING =
  'client_encoding is not UTF8 for this connection, so other texts would be read and written than are there. Leave it as the driver sets it.'

/** Of one cluster; each promotion of a standby begins a new timeline. */
export interface Lineage {
  system: string
  /** Eight hexadecimal digits. */
  timeline: string
}

const LINEAGE = statement(`select pg_catalog.pg_is_in_recovery() as standby,
  pg_catalog.current_setting('session_replication_role') = 'replica' as bypasses,
  not pg_catalog.current_setting('array_nulls')::boolean as lacks_nulls, pg_catalog.current_setting('client_encoding') <> 'UTF8' as encodes, c.system_identifier::text as system,
  case when not pg_catalog.pg_is_in_recovery() then
    pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) end as timeline
from pg_catalog.pg_control_system() c`)

const unusable = (message: string) => Object.assign(new Error(message), { code: '25006' })

const SENTENCES = new Set([STANDBY, OLD_PRIMARY, BYPASSING, NO_NULLS, OTHER_ENCODING])

/** Whether an error says why a connection is used for nothing: its message is a sentence. */
export const isUnusable = (error: unknown): boolean => error instanceof Error && SENTENCES.has(error.message)

export interface Lineages {
  /** It was checked since the last change of primaries. */
  isChecked(connection: object): boolean
  newest(): Lineage | null
  /** Another node's, or a connection's. `older`: it is of a primary that was replaced. */
  learn(found: Lineage): 'newer' | 'same' | 'older' | 'other'
  /** Ends every connection that was checked, or waits to be: what they lead to may be there no more, and never answer. */
  endAll(): void
  /** @throws an error that is answered 503, where the connection leads to no primary, or its session's settings are such. */
  check(connection: Connection, driver: unknown): Promise<void>
}

/** Connections of a pool that several record servers share have one listener for all: Node warns of an eleventh. */
const standingBy = new WeakMap<Endable, Set<Set<Endable>>>()

/** @param onAnother Called where another primary has taken the place of the one before. */
export const createLineages = (onAnother: () => void): Lineages => {
  let newest: Lineage | null = null
  let generation = 0
  const checked = new WeakMap<object, number>()
  const standing = new Set<Endable>()
  const endAllBut = (kept: object | null) => {
    for (const each of standing)
      if (each !== kept) {
        each.connection?.stream?.destroy()
        standing.delete(each)
      }
  }
  const stands = (connection: Endable) => {
    if (!connection.on || standing.has(connection)) return
    standing.add(connection)
    const others = standingBy.get(connection)
    if (others) return void others.add(standing)
    const all = new Set([standing])
    standingBy.set(connection, all)
    connection.on('end', () => {
      for (const each of all) each.delete(connection)
    })
  }
  const follow = (found: Lineage, learnedFrom: object | null) => {
    const isFirst = newest === null
    newest = found
    if (isFirst) return
    generation += 1
    endAllBut(learnedFrom)
    onAnother()
  }
  const learn = (found: Lineage, learnedFrom: object | null) => {
    if (newest && newest.system !== found.system) return 'other'
    if (newest && found.timeline <= newest.timeline)
      return found.timeline < newest.timeline ? 'older' : 'same'
    follow(found, learnedFrom)
    return 'newer'
  }
  return {
    isChecked: (connection) => checked.get(connection) === generation,
    newest: () => newest,
    learn: (found) => learn(found, null),
    endAll: () => endAllBut(null),
    check: async (connection, driver) => {
      const refuse = (message: string) => {
        const error = unusable(message)
        // Knex opens another one in its place.
        Object.assign(connection, { __knex__disposed: error })
        throw error
      }
      const begun = generation
      stands(connection as Endable)
      const [row] = (await sendOn(connection, driver, LINEAGE, [], false)).rows
      if (!row || row.standby) return refuse(STANDBY)
      if (row.bypasses) refuse(BYPASSING)
      if (row.lacks_nulls) refuse(NO_NULLS)
      if (row.encodes) refuse(OTHER_ENCODING)
      const { system, timeline } = row
      // Another cluster in this one's place is a restore elsewhere.
      const known = learn({ system, timeline }, connection)
      if (known === 'other') follow({ system, timeline }, connection)
      if (known === 'older') refuse(OLD_PRIMARY)
      checked.set(connection, known === 'same' ? begun : generation)
    },
  }
}
