// What a caller can make run with the rights of the log's owner: nothing. Trigger functions of before are replaced, those
// that are made for names are made anew, and nobody may call what they weren't granted.
// Invariant: whoever could run a server with the GRANTs of before still can.
import type { Knex } from 'knex'
import { LOG_TRIGGER_FUNCTIONS } from './001-change-log.ts'
import { PART_FUNCTIONS } from './003-parts.ts'
import { VALUES_FUNCTION } from './005-history-values.ts'
import { COMPACT } from './006-bundles.ts'
import { KEEP_TRIGGER, KEY_TRIGGER, STAMP_TRIGGER } from './track-table.ts'
import { forEachTracked, LOCK_TRACKED } from './tracked-tables.ts'

const TABLES = `
create table noclobber.import_locks (
  table_name text not null,
  tenant_id  text not null,
  primary key (table_name, tenant_id)
);

comment on table noclobber.import_locks is
  'Imports into the same records take turns: each adds its row and takes it away before its transaction ends.';
`

/** Of other parameters now. */
const DROP_FIRST = `
drop function if exists noclobber.log_statement(text, oid, text, text, text, text[]);
drop function if exists noclobber.log_statement(text, text, text, text, text[]);
drop function if exists noclobber.same_place(text, text);
`

const REPLACE = [LOG_TRIGGER_FUNCTIONS, PART_FUNCTIONS, VALUES_FUNCTION, COMPACT]
  .join('\n')
  .replaceAll('create function', 'create or replace function')

const TRACK_AGAIN = forEachTracked(`
    if t.ignored <> '{}' then
      execute format('create or replace trigger ${STAMP_TRIGGER} before update on %s for each row execute function noclobber.%I(%s)',
        t.name, noclobber.trigger_function('stamp_update', t.ignored), t.args);
    end if;
    execute format('create or replace trigger ${KEEP_TRIGGER} before update of updated_by on %s
      for each row execute function noclobber.keep_writer(%s)', t.name, t.args);
    execute format('create or replace trigger ${KEY_TRIGGER} before update of %2$s on %1$s for each row when (%3$s)
        execute function noclobber.%4$I(%5$s)', t.name,
      (select string_agg(format('%I', c.name), ', ') from unnest(array[t.key, t.tenant]) c(name) where c.name <> ''),
      (select string_agg(format('old.%1$I is distinct from new.%1$I', c.name), ' or ')
        from unnest(array[t.key, t.tenant]) c(name) where c.name <> ''),
      noclobber.trigger_function('stamp_key', array[t.key, t.tenant]), t.args);
    execute format('create or replace trigger ${STAMP_TRIGGER}_insert before insert on %s for each row execute function noclobber.%I(%s)',
      t.name, noclobber.trigger_function('stamp_insert', array[t.key, t.tenant]), t.args);
    execute format('create or replace trigger zz_noclobber_update after update on %s referencing old table as old_rows
        new table as new_rows for each statement execute function noclobber.%I(%s)',
      t.name, noclobber.trigger_function('log_update', array[t.key, t.tenant]), t.args);`)

/** What no trigger calls any more. */
const DROP = `
drop function if exists noclobber.is_ours(text);
drop function if exists noclobber.stamp_insert();
drop function if exists noclobber.stamp_key();
drop function if exists noclobber.stamp_update_ignoring();
drop function if exists noclobber.log_update_of(text, text);
drop function if exists noclobber.log_update_body(text, text);
do $$
declare
  f regprocedure;
begin
  for f in select p.oid from pg_proc p where p.pronamespace = 'noclobber'::regnamespace
    and p.proname ~ '^log_update_[0-9a-f]{12}$' and not exists (select from pg_trigger g where g.tgfoid = p.oid)
  loop
    execute format('drop function %s', f);
  end loop;
end $$;
`

/** A server's role could call these because everybody could. It is known by what the manual has always granted it. */
const GRANT = `
do $$
declare
  r record;
begin
  for r in select distinct a.grantee::regrole as name from pg_class c, aclexplode(c.relacl) a
    where c.oid = 'noclobber.mutations'::regclass and a.privilege_type = 'INSERT' and a.grantee not in (0, c.relowner)
  loop
    execute format('grant execute on function noclobber.epoch(), noclobber.unbundle(integer), noclobber.trigger_body(text, text[]) to %s', r.name);
    execute format('grant insert, delete on noclobber.import_locks to %s', r.name);
  end loop;
end $$;
`

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(LOCK_TRACKED)
  await knex.raw(TABLES)
  await knex.raw(DROP_FIRST)
  await knex.raw(REPLACE.replaceAll('?', '\\?'))
  await knex.raw(TRACK_AGAIN)
  await knex.raw(DROP)
  await knex.raw(GRANT)
}

/** Functions and rights stay as they are: those of before let callers act with the rights of the log's owner. */
export const down = async (knex: Knex): Promise<void> => {
  await knex.raw('drop table noclobber.import_locks')
}
