// Checks the log as a whole: does it belong to this database, is it pruned, does any write bypass it?
import type { Knex } from 'knex'
import { utcText } from '../db/iso-time.ts'
import type { Finding } from './finding.ts'

/** Far more than a server needs to put changes of statements of many rows into the log. */
const BATCHED = '10 minutes'

/** An older log has no times by table. */
const HAS_TIMES = `select to_regclass('noclobber.retentions') is not null as has_times`

/** Changes that are kept as long as the log. */
const PLAIN = `c.table_name not in (select r.table_name from noclobber.retentions r where r.kept_names is not null)`

const logQuery = (plain: string) => `
select (select c.updated_at < clock_timestamp() - make_interval(secs => ?::float8 / 1000) from noclobber.record_changes c
    where c.xid < pg_snapshot_xmin(pg_current_snapshot()) and ${plain} order by c.xid, c.seq limit 1) as overdue,
  (select ${utcText('c.updated_at')} || 'Z' from noclobber.record_changes c where ${plain} order by c.xid, c.seq limit 1) as oldest,
  (select greatest(k.reltuples, 0)::bigint::text from pg_class k where k.oid = 'noclobber.record_changes'::regclass) as rows,
  pg_size_pretty(pg_total_relation_size('noclobber.record_changes')) as size,
  exists (select from noclobber.record_changes c where c.xid >= pg_snapshot_xmax(pg_current_snapshot())) as restored,
  (select c.updated_at < clock_timestamp() - make_interval(secs => ?::float8 / 1000) from noclobber.record_changes c
    where ${plain} order by c.xid, c.seq limit 1) as held,
  (select ${utcText('b.updated_ats[1]')} || 'Z' from noclobber.change_batches b
    where b.updated_ats[1] < clock_timestamp() - interval '${BATCHED}' order by b.xid, b.seq limit 1) as batched`

/** Tables with values, or changes, that should be gone; a day and a tenth are given to the pruning. */
const KEPT_TOO_LONG = `
select r.table_name as source from noclobber.retentions r where exists (select from noclobber.record_changes c
  where c.table_name = r.table_name and (
    c.updated_at < clock_timestamp() - r.kept_names * 1.1 - interval '1 day'
    or (c.changed_values is not null or c.old_row is not null) and c.updated_at < clock_timestamp() - r.kept_values * 1.1 - interval '1 day'))
order by 1`

const BLOCKER = `
select a.pid, a.usename, ${utcText('a.xact_start')} || 'Z' as since from pg_stat_activity a
where a.backend_xid is not null order by age(a.backend_xid) desc limit 1`

const BYPASS = `
select coalesce('role ' || r.rolname, 'all roles') || coalesce(' in ' || d.datname, '') as setting
from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase
where 'session_replication_role=replica' = any(s.setconfig) and (s.setdatabase = 0 or d.datname = current_database())`

const TWO_PHASE = `
select nullif(current_setting('max_prepared_transactions')::integer, 0) as prepared`

/** Logical replication writes with triggers off. */
const SUBSCRIBED = `
select distinct n.nspname || '.' || c.relname as source, s.subname as name
from pg_subscription_rel r join pg_subscription s on s.oid = r.srsubid
join pg_class c on c.oid = r.srrelid join pg_namespace n on n.oid = c.relnamespace
join pg_trigger g on g.tgrelid = c.oid and g.tgname = 'zz_noclobber_stamp' order by 1, 2`

/** What is wrong with the log. A day and a tenth beyond the retention are given to the pruning. */
export const logFindings = async (knex: Knex, retentionMs: number): Promise<Finding[]> => {
  const findings: Finding[] = []
  const latest = retentionMs * 1.1 + Math.min(retentionMs, 24 * 3_600_000)
  const hasTimes = (await knex.raw(HAS_TIMES)).rows[0].has_times
  const [log] = (await knex.raw(logQuery(hasTimes ? PLAIN : 'true'), [latest, latest])).rows
  const problem = (code: Finding['code'], message: string, advice: string) =>
    findings.push({ code, level: 'problem', table: null, message, advice })
  if (log.restored)
    problem(
      'restored_log',
      'The log was restored from another database, and no server has taken it over yet.',
      'Start a server of yours on it: it puts the old changes behind every cursor.',
    )
  if (log.overdue || log.held) {
    const [blocker] = log.overdue ? [] : (await knex.raw(BLOCKER)).rows
    problem(
      'log_too_long',
      `The log reaches back to ${log.oldest}, longer than it should: about ${log.rows} rows, ${log.size}.`,
      blocker
        ? `A transaction open since ${blocker.since} (process ${blocker.pid}, role ${blocker.usename}) keeps it from being pruned: end it.`
        : 'Run: npx noclobber prune. Then see that a server runs with limits.pruneEveryMs above 0, and that its role may delete from the log.',
    )
  }
  for (const { source } of hasTimes ? (await knex.raw(KEPT_TOO_LONG)).rows : [])
    findings.push({
      code: 'values_too_long',
      level: 'problem',
      table: source,
      message: 'The log keeps its values, or its changes, longer than setRetention says.',
      advice: 'Run: npx noclobber prune. Then see that a server runs with limits.pruneEveryMs above 0.',
    })
  if (log.batched)
    findings.push({
      code: 'changes_batched',
      level: 'note',
      table: null,
      message: `Changes since ${log.batched} still wait in batches: conflicts and histories are answered more slowly.`,
      advice: 'Start a server of yours on it, which puts them into the log, or run: npx noclobber prune.',
    })
  for (const { setting } of (await knex.raw(BYPASS)).rows)
    problem(
      'triggers_bypassed',
      `session_replication_role = replica is set for ${setting}: what it writes goes past the triggers.`,
      'Reset it: alter role … reset session_replication_role (or alter database …).',
    )
  const [{ prepared }] = (await knex.raw(TWO_PHASE)).rows
  if (prepared)
    findings.push({
      code: 'two_phase',
      level: 'note',
      table: null,
      message: `PostgreSQL allows ${prepared} prepared transactions: one that wrote a tracked table can't be prepared, because its triggers notify.`,
      advice: `In such transactions set noclobber.notify to 'off' (set local, or alter role … set): nodes then find their changes with the next poll, a second late.`,
    })
  for (const { source, name } of (await knex.raw(SUBSCRIBED)).rows)
    findings.push({
      code: 'triggers_bypassed',
      level: 'problem',
      table: source,
      message: `The subscription ${name} writes into it: what comes by logical replication goes past the triggers.`,
      advice: `Track it where its rows are first written, and not here; or end it: alter subscription … drop publication ….`,
    })
  return findings
}
