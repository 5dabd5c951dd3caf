-- Parts of another record, like the lines of an order: trackTable(knex, 'order_lines', { partOf: … }).
-- Invariant: each statement that adds, changes, removes or moves parts raises the version of every parent concerned exactly
-- once, in the same transaction and with the same writer, so a save of a parent that was loaded before loses.
--
-- The value of the setting noclobber.part by which touch_parents marks its UPDATE: only these functions can make it, for one
-- table in one transaction. Any other value does nothing.
create function noclobber.part_mark(source text) returns text language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
begin
  return md5(noclobber.node_key() || E'\npart\n' || source || E'\n' || pg_current_xact_id()::text || noclobber.node_key());
end $$;

-- Before each UPDATE of a parent by touch_parents.
create function noclobber.stamp_parent() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  :check_types
  if new.version = old.version and current_setting('noclobber.part', true) = noclobber.part_mark(tg_table_schema || '.' || tg_table_name) then
    new.version := noclobber.next_version(old.version, tg_relid);
    new.updated_at := clock_timestamp();
    new.updated_by := noclobber.writer();
  end if;
  return new;
end $$;

-- After each statement on parts. Trigger arguments: the part's key, the column that names the parent, the part's tenant; the
-- parent's table quoted and as the log names it, its key, its tenant; the field that the parent's change names; the type of
-- the parent's key.
-- Parents are locked in the order of their keys, and weakly (NO KEY UPDATE), so that statements over several parents wait
-- for each other instead of deadlocking, and foreign keys to the parent are not held up. Locking and updating are two
-- statements: in one, the UPDATE would meet the row as it was before the wait, ask for its lock again, and queue behind the
-- transactions that wait for this one.
-- A part's columns are read as text. Writing the parent's table runs what its owner made, so that owner must be trusted; on
-- a TRUNCATE the part's owner too, because then its rows are read from the table.
create function noclobber.touch_parents() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  parent regclass := tg_argv[3];
  key_type text := tg_argv[8]::regtype;
  has_tenant boolean := tg_argv[2] <> '' and tg_argv[6] <> '';
  rows text[] := case tg_op when 'INSERT' then array['new_rows'] when 'DELETE' then array['old_rows']
    when 'UPDATE' then array['new_rows', 'old_rows'] else array['only ' || tg_relid::regclass] end;
  foreign_table regclass := (select c.oid from pg_class c where not noclobber.is_trusted_owner(c.relowner)
    and (c.oid = parent or c.oid = tg_relid and tg_op = 'TRUNCATE') limit 1);
  touched text;
  before text := current_setting('noclobber.part', true);
  ids text[];
  versions bigint[];
begin
  if foreign_table is not null then
    raise insufficient_privilege using
      message = format('%s is another role''s than the change log: parts of %s can''t be written.', foreign_table, parent),
      hint = 'Give both tables and the change log to one role, or delete rows instead of truncating.';
  end if;
  select string_agg(format('select %s as parent%s from %s a%s', noclobber.text_of(tg_relid, 'a', tg_argv[1]),
      case when has_tenant then format(', %s as tenant', noclobber.text_of(tg_relid, 'a', tg_argv[2])) end, r.name,
      case when tg_op = 'UPDATE' then format(' where not exists (select from %s b where %s = %s and concat(b.version) = concat(a.version))',
        rows[3 - r.at], noclobber.text_of(tg_relid, 'b', tg_argv[0]), noclobber.text_of(tg_relid, 'a', tg_argv[0])) end), ' union all ')
    into touched from unnest(rows) with ordinality r(name, at);
  execute format(
    'with touched as materialized (%1$s)
     select array_agg(l.id) from (select p.%3$I::text as id from only %2$s p
       where p.%3$I = any(array(select distinct t.parent from touched t where t.parent is not null)::%5$s[]) %4$s
       order by p.%3$I for no key update of p) l',
    touched, parent, tg_argv[5], case when has_tenant then
      format('and exists (select from touched t where t.parent = p.%I::text and t.tenant = %s)', tg_argv[5],
        noclobber.text_of(parent, 'p', tg_argv[6])) else '' end,
    key_type) into ids;
  if ids is null then
    return null;
  end if;
  perform set_config('noclobber.part', noclobber.part_mark(tg_argv[4]), true);
  execute format(
    'with raised as (update only %1$s p set updated_at = p.updated_at where p.%2$I = any($1::text[]::%3$s[])
       returning p.%2$I::text as id, p.version as version)
     select array_agg(r.id), array_agg(r.version) from raised r', parent, tg_argv[5], key_type)
    into ids, versions using ids;
  perform set_config('noclobber.part', coalesce(before, ''), true);
  if tg_argv[7] <> '' then
    update noclobber.record_changes c set changed_fields = array_append(c.changed_fields, tg_argv[7])
      from unnest(ids, versions) r(id, version)
      where c.xid = pg_current_xact_id() and c.table_name = tg_argv[4] and c.record_id = r.id and c.version = r.version;
  end if;
  return null;
end $$;
