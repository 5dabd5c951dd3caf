// Which primary a connection leads to: a standby, or the old primary after a failover, must not answer for the new one.
// Invariant: of one cluster the highest timeline that this node has learned of counts, from its own connections or from
// other nodes; a connection to a lower one, or to a standby, is used for nothing.
import { type Connection, sendOn, statement } from './statement.ts'

export const STANDBY = 'This PostgreSQL is a read-only standby: connect this node to the primary.'
const OLD_PRIMARY = 'This PostgreSQL was replaced by another primary: connect this node to that one.'

/** Of one cluster; each promotion of a standby begins a new timeline. */
export interface Lineage {
  system: string
  /** Eight hexadecimal digits. */
  timeline: string
}

const LINEAGE =
  statement(`select pg_catalog.pg_is_in_recovery() as standby, c.system_identifier::text as system,
  case when not pg_catalog.pg_is_in_recovery() then
    pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) end as timeline
from pg_catalog.pg_control_system() c`)

const unusable = (message: string) => Object.assign(new Error(message), { code: '25006' })

/** Whether an error says that the database is no primary, or no longer. */
export const isNoPrimary = (error: unknown): boolean =>
  error instanceof Error && (error.message === STANDBY || error.message === OLD_PRIMARY)

export interface Lineages {
  /** It was checked since the last change of primaries. */
  isChecked(connection: object): boolean
  newest(): Lineage | null
  /** Another node's, or a connection's. `older`: it is of a primary that was replaced. */
  learn(found: Lineage): 'newer' | 'same' | 'older' | 'other'
  /** @throws an error that is answered 503, where the connection leads to no primary. */
  check(connection: Connection, driver: unknown): Promise<void>
}

/** @param onAnother Called where another primary has taken the place of the one before. */
export const createLineages = (onAnother: () => void): Lineages => {
  let newest: Lineage | null = null
  let generation = 0
  const checked = new WeakMap<object, number>()
  const follow = (found: Lineage) => {
    const isFirst = newest === null
    newest = found
    if (isFirst) return
    generation += 1
    onAnother()
  }
  const learn: Lineages['learn'] = (found) => {
    if (newest && newest.system !== found.system) return 'other'
    if (newest && found.timeline <= newest.timeline)
      return found.timeline < newest.timeline ? 'older' : 'same'
    follow(found)
    return 'newer'
  }
  return {
    isChecked: (connection) => checked.get(connection) === generation,
    newest: () => newest,
    learn,
    check: async (connection, driver) => {
      const refuse = (message: string) => {
        const error = unusable(message)
        // Knex opens another one in its place.
        Object.assign(connection, { __knex__disposed: error })
        throw error
      }
      const begun = generation
      const [row] = (await sendOn(connection, driver, LINEAGE, [], false)).rows
      if (!row || row.standby) return refuse(STANDBY)
      const { system, timeline } = row
      // Another cluster in this one's place is a restore elsewhere.
      const known = learn({ system, timeline })
      if (known === 'other') follow({ system, timeline })
      if (known === 'older') refuse(OLD_PRIMARY)
      checked.set(connection, known === 'same' ? begun : generation)
    },
  }
}
