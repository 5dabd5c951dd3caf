// Is this node fit to serve? For the load balancer's question and the operator's.
// Invariant: it answers within its deadline whatever is down; what is advisory (Redis) never takes a node out.

import type { Limits } from '../base/options.ts'
import { causeOf } from '../db/errors.ts'
import { isUnusable } from '../db/lineage.ts'
import { statement } from '../db/statement.ts'
import { tableFindings, trackedTables } from '../doctor/tables.ts'
import type { Feed } from '../log/feed.ts'
import { withinMs } from '../pacing/timeouts.ts'
import type { Database } from '../tables/database.ts'

/** One part that was looked at. */
export interface HealthCheck {
  /** Nothing is wrong with it. */
  ok: boolean
  /** What is wrong, for people. */
  detail?: string
}

/** What {@link RecordServer.health} gives. `degraded`: serves, and something is slower than it should be. */
export interface Health {
  /** `unavailable`: answer 503 to the balancer. */
  status: 'ok' | 'degraded' | 'unavailable'
  /** This node is leaving: send it nothing new. */
  draining: boolean
  /** Each part that was looked at; of Redis `ok` too where there is none. */
  checks: Record<'database' | 'tables' | 'feed' | 'redis', HealthCheck>
}

export interface HealthOptions {
  database: Database
  feed: Feed
  limits: Pick<Limits, 'pollMs' | 'feedTimeoutMs'>
  isRedisUp(): boolean | null
  isDraining(): boolean
}

const DEADLINE_MS = 2_000
/** Triggers don't go missing by the second, and looking for them takes several queries. */
const TABLES_EVERY_MS = 30_000

const PING = statement(`select pg_catalog.current_setting('transaction_read_only')::boolean as is_read_only`)

const READ_ONLY =
  'The database takes no writes: default_transaction_read_only is on, for it or for this role.'

const unread = (failure: unknown): string =>
  `The change log has not been read for too long, or never.${failure instanceof Error ? ` ${causeOf(failure)}` : ''}`

/** In time, or why not: what PostgreSQL or a sentence of ours says. */
const within = (work: Promise<unknown>, detail: string): Promise<HealthCheck> =>
  withinMs(DEADLINE_MS, work, detail).then(
    () => ({ ok: true }),
    (error: Error) => ({
      ok: false,
      detail: isUnusable(error) || error.message === detail ? error.message : `${detail} ${causeOf(error)}`,
    }),
  )

export const createHealth = ({ database, feed, limits, isRedisUp, isDraining }: HealthOptions) => {
  let tables: HealthCheck = { ok: true }
  let tablesAt = Number.NEGATIVE_INFINITY

  let looking: Promise<void> | null = null

  const lookAtTables = async () => {
    await database.ready()
    const wanted = database.types().map(({ source }) => source)
    const values = database.types().filter(({ type }) => type.history === 'values')
    const { tables: tracked, missing } = await trackedTables(
      database.knex,
      wanted,
      values.map(({ source }) => source),
    )
    const findings = [...missing]
    for (const table of tracked) findings.push(...(await tableFindings(database.knex, table, false)))
    const problems = findings.filter(({ level }) => level === 'problem')
    const detail = problems.map(({ table, message }) => (table ? `${table}: ${message}` : message)).join(' ')
    tables = problems.length === 0 ? { ok: true } : { ok: false, detail }
    // What is wrong is looked at again each time, so that its end is seen at once.
    if (tables.ok) tablesAt = performance.now()
  }

  /** One look at a time, however often and impatiently it is asked for. */
  const lookOnce = () => {
    if (performance.now() - tablesAt < TABLES_EVERY_MS) return Promise.resolve()
    looking ??= lookAtTables().finally(() => {
      looking = null
    })
    return looking
  }

  return async (): Promise<Health> => {
    let isReadOnly = false
    const ping = async () => {
      isReadOnly = Boolean((await database.send(PING, []))[0]?.is_read_only)
    }
    const pinged = await within(ping(), 'The database does not answer.')
    const looked = pinged.ok ? await within(lookOnce(), 'The tables could not be looked at.') : pinged
    const unserved = database.problems().join(' ')
    const redisUp = isRedisUp()
    const mostIdleMs = limits.pollMs * 3 + limits.feedTimeoutMs
    const checks = {
      database: isReadOnly ? { ok: false, detail: READ_ONLY } : pinged,
      tables: !looked.ok ? looked : unserved === '' ? tables : { ok: false, detail: unserved },
      feed: feed.idleMs() < mostIdleMs ? { ok: true } : { ok: false, detail: unread(feed.failure()) },
      redis:
        redisUp === false
          ? { ok: false, detail: 'Other nodes learn of changes by their timers alone.' }
          : { ok: true },
    }
    // Who may only read is served: without this node they would have none.
    const isServing = pinged.ok && checks.tables.ok && checks.feed.ok
    const isWhole = checks.database.ok && checks.redis.ok
    return {
      status: isServing ? (isWhole ? 'ok' : 'degraded') : 'unavailable',
      draining: isDraining(),
      checks,
    }
  }
}
