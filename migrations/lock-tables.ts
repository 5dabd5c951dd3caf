// Takes the locks on an app's tables that a migration needs, all of them before it does anything else.
// Invariant: while it waits for one table it holds none, so it meets no writer in a deadlock, in whatever order writers lock their
// tables; and no lock is made stronger afterwards. PostgreSQL's own order can't be relied on: DROP TRIGGER locks a partitioned table
// weakly, then each partition, then the table.
// A caller's transaction that has locked other tables before keeps those: then PostgreSQL may end it.
import type { Knex } from 'knex'
import { seeAbout } from '../server/base/setup-error.ts'
import { asIs, quoteTable, quoteText } from './quote.ts'
import { treeOf } from './supported.ts'

/** How long it waits at most beside a lock that it holds; and no longer than a tenth of what PostgreSQL waits before it looks for a deadlock. */
const BESIDE_MS = 100
/** Deadlocks before it gives up: each may have been another's fault. */
const MOST_DEADLOCKS = 3

type Mode = 'access exclusive' | 'share row exclusive'

/**
 * The first is waited for as long as the session waits; what isn't free soon after is the first of the next attempt, which holds nothing.
 * The caller's search path may hold anything, so each name is qualified.
 */
const lockAll = (tables: string[], mode: Mode) => `
do $lock$
declare
  roots pg_catalog.oid[] := pg_catalog.array_remove(array[${tables.map((name) => `pg_catalog.to_regclass(${quoteText(quoteTable(name))})::pg_catalog.oid`).join(', ')}], null);
  had pg_catalog.text := pg_catalog.current_setting('lock_timeout');
  had_ms pg_catalog.int8 := (select s.setting from pg_catalog.pg_settings s where s.name operator(pg_catalog.=) 'lock_timeout');
  beside pg_catalog.int8 := (select least(${BESIDE_MS}, s.setting::pg_catalog.int8 operator(pg_catalog./) 10)
    from pg_catalog.pg_settings s where s.name operator(pg_catalog.=) 'deadlock_timeout');
  begun pg_catalog.timestamptz := pg_catalog.clock_timestamp();
  held pg_catalog.timestamptz;
  first pg_catalog.oid := roots[1];
  next pg_catalog.oid;
  deadlocks pg_catalog.int4 := 0;
begin
  while first is not null loop
    begin
      held := null;
      next := first;
      execute pg_catalog.format('lock table only %s in ${mode} mode', next::pg_catalog.regclass);
      held := pg_catalog.clock_timestamp();
      for next in (select r.relid from pg_catalog.unnest(roots) r(relid)) union all
          (select t.relid from pg_catalog.unnest(roots) r(relid), lateral ${treeOf('r.relid')} t
           join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) t.relid and c.relkind operator(pg_catalog.=) any ('{r,p}')) loop
        perform pg_catalog.set_config('lock_timeout', greatest(1, beside operator(pg_catalog.-)
          (1000 operator(pg_catalog.*) extract(epoch from (pg_catalog.clock_timestamp() operator(pg_catalog.-) held))))::pg_catalog.int8::pg_catalog.text, true);
        execute pg_catalog.format('lock table only %s in ${mode} mode', next::pg_catalog.regclass);
      end loop;
      exit;
    exception
      when lock_not_available then
        if held is null or had_ms operator(pg_catalog.>) 0 and pg_catalog.clock_timestamp() operator(pg_catalog.>)
            (begun operator(pg_catalog.+) pg_catalog.make_interval(secs => had_ms operator(pg_catalog./) 1000.0)) then
          raise;
        end if;
        first := next;
      when deadlock_detected then
        deadlocks := deadlocks operator(pg_catalog.+) 1;
        if deadlocks operator(pg_catalog.=) ${MOST_DEADLOCKS} then
          raise;
        end if;
        first := next;
    end;
  end loop;
  perform pg_catalog.set_config('lock_timeout', had, true);
end $lock$`

const WHY: Record<string, string> = {
  '40P01':
    'another transaction had it and waited for a table that this one had locked before. Nothing was done to it. Run the migration again, or track each table in a transaction of its own.',
  '55P03':
    'another transaction had it for longer than lock_timeout. Nothing was done to it. Run the migration again.',
}

/**
 * Locks tables and their partitions until the transaction ends. What it waits for it waits as long as the session does (`lock_timeout`).
 *
 * @throws Error with a sentence and PostgreSQL's `code` where the transaction had locked other tables before and would have waited for
 * ever (`40P01`), or after `lock_timeout` (`55P03`).
 */
export const lockTables = async (
  transaction: Knex,
  tables: string[],
  mode: Mode = 'access exclusive',
): Promise<void> => {
  if (tables.length === 0) return
  await transaction.raw(asIs(lockAll(tables, mode))).catch((error: { code?: string }) => {
    const { code = '' } = error
    if (!(code in WHY)) throw error
    const message = `Table ${tables.map((name) => name.replaceAll('"', '')).join(', ')} can't be locked: ${WHY[code]} ${seeAbout('a-migration-that-ends-with-deadlock-detected')}`
    throw Object.assign(new Error(message, { cause: error }), { code })
  })
}
