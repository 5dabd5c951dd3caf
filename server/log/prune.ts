// Retention: changes and stored responses older than their time go, in small batches, with pauses.
// Invariant: nothing is deleted that a transaction still open could belong in front of, and the horizon passes every
// deleted change in the same statement; so a cursor that would have needed it is recognized. One node prunes at a time.
import type { Knex } from 'knex'
import { type Logger, RETENTION_MS, SILENT } from '../base/options.ts'
import { STAY } from '../db/own-settings.ts'
import { asKnex, type Sql } from '../db/pg-as-knex.ts'
import { openConnection } from '../db/raw-connection.ts'
import { type Connection, type Statement, sendOn, statement } from '../db/statement.ts'
import { atMost, pauseUntil } from '../pacing/timeouts.ts'
import { COMPACT } from './compaction.ts'

/** What {@link pruneLog} takes. */
export interface PruneOptions {
  /**
   * Changes, stored responses and proposals older than this go, in milliseconds; changes of a table that is tracked with a `retention` when
   * that says so. Default 30 days.
   */
  retentionMs?: number
  /** Rows of one transaction. Default 5,000. */
  batch?: number
  /** Between two batches, in milliseconds. Default 50. */
  pauseMs?: number
  /** Where it logs what went. Default: nowhere. */
  log?: Logger
  /** Ends it after the batch that is under way. */
  signal?: AbortSignal
  /** Use named statements. Default `true`. */
  namedStatements?: boolean
}

/** What was deleted. `busy`: another node is at it, nothing was done. */
export interface Pruned {
  /** Rows of the log. */
  changes: number
  /** Changes that stay, without their values: of tables tracked with a `retention`. */
  values: number
  /** First answers of writes that carried a mutation id. */
  mutations: number
  /** Another node prunes at this moment. */
  busy: boolean
}

/** For the batch that is under way at the end. */
const STOP_MS = 2_000

/**
 * A deletion without its values can't be authorized for everybody who knew the record: cursors from before it are refused, as those from
 * before a change that is gone. With a deletion go the proposals that it hides, which may be younger than the log: the id may come back.
 */
const CHANGES = statement(`
with times as materialized (
  select r.table_name, coalesce(r.kept_names, d.kept) as names, least(r.kept_values, coalesce(r.kept_names, d.kept)) as values
  from noclobber.retentions r, (select make_interval(secs => $1::float8 / 1000)) d(kept)
), page as materialized (
  select c.xid, c.seq, c.updated_at < clock_timestamp() - coalesce(t.names, make_interval(secs => $1::float8 / 1000)) as old,
    c.updated_at < clock_timestamp() - t.values and (c.changed_values is not null or c.old_row is not null) as bare,
    c.updated_at < clock_timestamp() - least(make_interval(secs => $1::float8 / 1000), (select pg_catalog.min(o.values) from times o)) as aged
  from noclobber.record_changes c left join times t on t.table_name = c.table_name
  where (c.xid, c.seq) > ($2::xid8, $3::bigint) and c.xid < pg_snapshot_xmin(pg_current_snapshot())
  order by c.xid, c.seq limit $4
), gone as (
  delete from noclobber.record_changes c using page p where p.old and c.xid = p.xid and c.seq = p.seq
  returning c.xid, c.seq, c.event, c.table_name, c.record_id, c.tenant_id, c.version
), unclosed as (
  delete from noclobber.proposals p using gone g where g.event = 'deleted' and p.table_name = g.table_name
    and p.record_id = g.record_id and p.tenant_id is not distinct from g.tenant_id and p.client_version < g.version
), bared as (
  update noclobber.record_changes c set changed_values = null, old_row = null from page p
  where p.bare and not p.old and c.xid = p.xid and c.seq = p.seq returning c.xid, c.seq, c.event
), passed as (
  select g.xid, g.seq from gone g union all select b.xid, b.seq from bared b where b.event = 'deleted'
), highest as (select g.xid from passed g order by g.xid desc limit 1),
moved as (
  update noclobber.log_horizon h set xid = greatest(h.xid, m.xid), seq = greatest(h.seq, (select pg_catalog.max(g.seq) from passed g))
  from highest m)
select (select pg_catalog.count(*)::int from gone) as deleted, (select pg_catalog.count(*)::int from bared) as bared,
  (select pg_catalog.count(*)::int from page) as looked, exists (select from page p where p.aged) as aged,
  l.xid::text as xid, l.seq::text as seq
from (select) one left join lateral (select p.xid, p.seq from page p order by p.xid desc, p.seq desc limit 1) l on true`)

const MUTATIONS = statement(`
with page as materialized (
  select m.tenant_id, m.actor_id, m.mutation_id from noclobber.mutations m
  where m.created_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000) order by m.created_at limit $2)
delete from noclobber.mutations m using page p
where m.tenant_id = p.tenant_id and m.actor_id = p.actor_id and m.mutation_id = p.mutation_id`)

const IMPORTS = statement(`
with page as materialized (
  select i.import_id from noclobber.imports i
  where i.made_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000) order by i.made_at limit $2)
delete from noclobber.imports i using page where i.import_id = page.import_id`)

const PROPOSALS = statement(`
with page as materialized (
  select p.id from noclobber.proposals p
  where p.proposed_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000) order by p.proposed_at limit $2)
delete from noclobber.proposals p using page where p.id = page.id`)

/**
 * Nodes that prune at once take turns by it. Held by a transaction and not by a session: a pooler in transaction mode would keep
 * the session, and the lock with it. Taking it needs the right to update that table; everybody may take an advisory lock.
 */
const TAKE_TURN = 'lock table noclobber.log_horizon in share update exclusive mode nowait'
const LOCKED = '55P03'

interface PruneConnection extends Connection {
  query(query: object | string): ReturnType<Connection['query']>
  on(event: 'error', listener: () => void): void
}

const takesTurn = (connection: Connection) =>
  connection.query({ text: TAKE_TURN }).then(
    () => true,
    (error: { code?: unknown }) => {
      if (error.code === LOCKED) return false
      throw error
    },
  )

const DONE = statement(`update noclobber.log_horizon set pruned_at = clock_timestamp()`)

/**
 * Batches are compacted first; then rows are deleted or lose their values, some at a time, from the oldest on, until none is as old as
 * the shortest retention. A row with a wrong clock is passed over, as is one that is kept longer than others.
 */
const pruneChanges = async (connection: Connection, driver: unknown, options: Required<Settings>) => {
  const { retentionMs, batch, pauseMs, namedStatements } = options
  const gone = { changes: 0, values: 0 }
  let after = { xid: '0', seq: '0' }
  for (let moved = 1; moved > 0 && !options.signal?.aborted; ) {
    moved = (await sendOn(connection, driver, COMPACT, [batch], namedStatements)).rows[0]?.moved ?? 0
    if (moved > 0) await pauseUntil(pauseMs, options.signal)
  }
  while (!options.signal?.aborted) {
    const values = [retentionMs, after.xid, after.seq, batch]
    const [row] = (await sendOn(connection, driver, CHANGES, values, namedStatements)).rows
    gone.changes += row?.deleted ?? 0
    gone.values += row?.bared ?? 0
    if (!row || row.looked < batch || !row.aged) break
    after = { xid: row.xid, seq: row.seq }
    await pauseUntil(pauseMs, options.signal)
  }
  return gone
}

const pruneOld = async (
  connection: Connection,
  driver: unknown,
  query: Statement,
  options: Required<Settings>,
) => {
  const { retentionMs, batch, pauseMs, namedStatements } = options
  let deleted = 0
  while (!options.signal?.aborted) {
    const { rowCount } = await sendOn(connection, driver, query, [retentionMs, batch], namedStatements)
    deleted += rowCount ?? 0
    if ((rowCount ?? 0) < batch) break
    await pauseUntil(pauseMs, options.signal)
  }
  return deleted
}

type Settings = Omit<PruneOptions, 'log' | 'signal'> & { signal: AbortSignal | undefined }

/**
 * Deletes what is older than the retention. Holds two connections of its own, besides the pool; safe to call on every
 * node: one works, the others answer `busy`.
 *
 * @throws what pg throws where the database can't be reached or the role may not delete from the log.
 */
export const pruneLog = async (sql: Sql, options: PruneOptions = {}): Promise<Pruned> => {
  const knex = asKnex(sql)
  const { retentionMs = RETENTION_MS, batch = 5_000, pauseMs = 50, namedStatements = true } = options
  const settings = { retentionMs, batch, pauseMs, namedStatements, signal: options.signal }
  const { client } = knex
  const opened: Connection[] = []
  const open = async () => {
    const connection = await openConnection<PruneConnection>(knex)
    // What is asked next finds out that it was lost.
    connection.on('error', () => {})
    opened.push(connection)
    return connection
  }
  try {
    const lock = await open()
    await lock.query('begin')
    if (!(await takesTurn(lock))) return { changes: 0, values: 0, mutations: 0, busy: true }
    await lock.query(STAY)
    const connection = await open()
    // Before the deletions that hide them.
    await pruneOld(connection, client.driver, PROPOSALS, settings as Required<Settings>)
    await pruneOld(connection, client.driver, IMPORTS, settings as Required<Settings>)
    const { changes, values } = await pruneChanges(connection, client.driver, settings as Required<Settings>)
    const mutations = await pruneOld(connection, client.driver, MUTATIONS, settings as Required<Settings>)
    await sendOn(connection, client.driver, DONE, [], namedStatements)
    await lock.query('commit')
    if (changes + values + mutations > 0)
      (options.log ?? SILENT).info({ changes, values, mutations }, 'The log was pruned.')
    return { changes, values, mutations, busy: false }
  } finally {
    for (const connection of opened) await client.destroyRawConnection(connection)
  }
}

/** What {@link keepPruned} takes. */
export interface KeepPrunedOptions {
  knex: Knex
  log: Logger
  retentionMs: number
  /** 0: never. */
  pruneEveryMs: number
  namedStatements: boolean
  random?: () => number
}

/** Prunes now and then until stopped: first within a tenth of the interval, so that nodes started together part ways. */
export const keepPruned = ({ knex, log, random = Math.random, ...options }: KeepPrunedOptions) => {
  const { pruneEveryMs: everyMs, retentionMs, namedStatements } = options
  const ending = new AbortController()
  const rounds = async () => {
    await pauseUntil(everyMs * 0.1 * random(), ending.signal)
    while (!ending.signal.aborted) {
      try {
        await pruneLog(knex, { retentionMs, namedStatements, log, signal: ending.signal })
      } catch (error) {
        log.warn({ err: error }, 'The log could not be pruned; the next round tries again.')
      }
      await pauseUntil(everyMs * (0.8 + 0.4 * random()), ending.signal)
    }
  }
  const running = everyMs > 0 ? rounds() : Promise.resolve()
  return async () => {
    ending.abort()
    await atMost(STOP_MS, running)
  }
}
