// Aggregates: rows that are part of another record, like the lines of an order. The functions behind
// `trackTable(knex, 'order_lines', { partOf: … })`.
// Invariant: each statement that adds, changes, removes or moves parts raises the version of every parent concerned
// exactly once, in the same transaction and with the same writer, so a save of a parent that was loaded before loses.
//
// Parents are locked in the order of their keys, and weakly (NO KEY UPDATE), so that statements over several parents
// wait for each other instead of deadlocking, and foreign keys to the parent are not held up. Locking and updating are two
// statements: in one, the UPDATE would meet the row as it was before the wait, ask for its lock again, and stand in
// line behind whoever waits for us.
import type { Knex } from 'knex'

// `noclobber.part` names the parent table for the time of the UPDATE below; set by hand it would only make a version.
const STAMP_PARENT = `
create function noclobber.stamp_parent() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  if new.version = old.version and current_setting('noclobber.part', true) = tg_table_schema || '.' || tg_table_name then
    new.version := old.version + 1;
    new.updated_at := clock_timestamp();
    new.updated_by := noclobber.writer();
  end if;
  return new;
end $$;
`

// Trigger arguments: the part's key, the column that names the parent, the part's tenant; the parent's table quoted and
// as the log names it, its key, its tenant; the field under which the parent's change is told; the type of the parent's key.
const TOUCH_PARENTS = `
create function noclobber.touch_parents() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  part_key text := tg_argv[0];
  row_of text := case when tg_argv[2] <> '' and tg_argv[6] <> ''
    then format('%%1$s.%I as parent, %%1$s.%I as tenant', tg_argv[1], tg_argv[2]) else format('%%1$s.%I as parent', tg_argv[1]) end;
  other text := 'select %1$s from %2$s a where not exists (select from %3$s b where b.%4$I = a.%4$I and b.version = a.version)';
  touched text := case tg_op
    when 'INSERT' then format('select ' || row_of || ' from new_rows n', 'n')
    when 'DELETE' then format('select ' || row_of || ' from old_rows o', 'o')
    when 'TRUNCATE' then format('select ' || row_of || ' from only %2$s t', 't', tg_relid::regclass)
    else format(other, format(row_of, 'a'), 'new_rows', 'old_rows', part_key) || ' union all '
      || format(other, format(row_of, 'a'), 'old_rows', 'new_rows', part_key) end;
  before text := current_setting('noclobber.part', true);
  ids text[];
  versions bigint[];
begin
  execute format(
    'with touched as materialized (%1$s)
     select array_agg(l.id) from (select p.%3$I::text as id from only %2$s p
       where p.%3$I = any(array(select distinct t.parent from touched t)) %4$s order by p.%3$I for no key update of p) l',
    touched, tg_argv[3]::regclass, tg_argv[5],
    case when tg_argv[2] <> '' and tg_argv[6] <> ''
      then format('and exists (select from touched t where t.parent = p.%I and t.tenant = p.%I)', tg_argv[5], tg_argv[6]) else '' end)
    into ids;
  if ids is null then
    return null;
  end if;
  perform set_config('noclobber.part', tg_argv[4], true);
  execute format(
    'with raised as (update only %1$s p set updated_at = p.updated_at where p.%2$I = any($1::text[]::%3$s[])
       returning p.%2$I::text as id, p.version as version)
     select array_agg(r.id), array_agg(r.version) from raised r', tg_argv[3]::regclass, tg_argv[5], tg_argv[8]::regtype)
    into ids, versions using ids;
  perform set_config('noclobber.part', coalesce(before, ''), true);
  if tg_argv[7] <> '' then
    update noclobber.record_changes c set changed_fields = array_append(c.changed_fields, tg_argv[7])
      from unnest(ids, versions) r(id, version)
      where c.xid = pg_current_xact_id() and c.table_name = tg_argv[4] and c.record_id = r.id and c.version = r.version;
  end if;
  return null;
end $$;
`

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(STAMP_PARENT)
  await knex.raw(TOUCH_PARENTS)
}

/** Parts go on as tables of their own; their parents' versions no longer rise with them. */
export const down = async (knex: Knex): Promise<void> => {
  await knex.raw('drop function noclobber.touch_parents() cascade')
  await knex.raw('drop function noclobber.stamp_parent() cascade')
}
