-- Parts of another record, like the lines of an order: trackTable(knex, 'order_lines', { partOf: … }).
-- Invariant: each statement that adds, changes, removes or moves parts raises the version of every parent concerned exactly
-- once, in the same transaction and with the same writer, so a save of a parent that was loaded before loses.
--
-- The setting noclobber.part_parents is a stack of the statements on parts under way: for each, in JSON, the versions of its parents by
-- key. noclobber.part has for each a mark and a digest of these; it is read for each parent, so it is short however many there are. The
-- mark is of the digest, one table and one transaction, and only these functions can make it: any other value does nothing.
create function noclobber.part_mark(source text, parents text) returns text language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
begin
  return md5(concat_ws(E'\n', noclobber.node_key(), 'part', source, pg_current_xact_id(), parents, noclobber.node_key()));
end $$;

-- Before each UPDATE of a parent while the setting is there comes stamp_parent, see trigger-body.sql.
--
-- After each statement on parts come three triggers: this one finds and locks the parents, raise_parents writes them, as the
-- writer, and check_parents sees that all were written. Their arguments: the part's key, the columns that name the parent,
-- the part's tenant; the parent's table quoted and as the log names it, its key, its tenant; the field that the parent's
-- change names; the types of the parent's key; the part's column for the version, the parent's, and the parent's that is set to
-- what it is: that for the time, where there is one. Keys, the columns that name the parent and types are as key_columns reads
-- them. Parents go by their ids; a part names none where one of its columns is null.
-- Parents are locked in the order of their keys, and weakly (NO KEY UPDATE), so that statements over several parents wait
-- for each other instead of deadlocking, and foreign keys to the parent are not held up. Locking and updating are two
-- statements: in one, the UPDATE would meet the row as it was before the wait, ask for its lock again, and queue behind the
-- transactions that wait for this one.
-- A part's columns are read as text. Reading and locking the parent's table may run what its owner made, so that owner must
-- be trusted; on a TRUNCATE the part's owner too, because then its rows are read from the table.
create function noclobber.touch_parents() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  parent regclass := tg_argv[3];
  keys text[] := noclobber.key_columns(tg_argv[5]);
  types text[] := noclobber.key_columns(tg_argv[8]);
  ids_sql text := '(select i.ids from ids i)';
  parent_id text := noclobber.id_of(parent, 'p', tg_argv[5]);
  has_tenant boolean := tg_argv[2] <> '' and tg_argv[6] <> '';
  rows text[] := case tg_op when 'INSERT' then array['new_rows'] when 'DELETE' then array['old_rows']
    when 'UPDATE' then array['new_rows', 'old_rows'] else array['only ' || tg_relid::regclass] end;
  foreign_table regclass := (select c.oid from pg_class c where not noclobber.is_trusted_owner(c.relowner)
    and (c.oid = parent or c.oid = tg_relid and tg_op = 'TRUNCATE') limit 1);
  touched text;
  parents text;
begin
  if foreign_table is not null then
    raise insufficient_privilege using
      message = format('%s is another role''s than the change log: parts of %s can''t be written.', foreign_table, parent),
      hint = 'Give both tables and the change log to one role, or delete rows instead of truncating.';
  end if;
  select string_agg(format('select %s as parent%s from %s a%s', noclobber.id_of(tg_relid, 'a', tg_argv[1]),
      case when has_tenant then format(', %s as tenant', noclobber.text_of(tg_relid, 'a', tg_argv[2])) end, r.name,
      case when tg_op = 'UPDATE' then format(' where not exists (select from %1$s b where %2$s = %3$s and concat(b.%4$I) = concat(a.%4$I))',
        rows[3 - r.at], noclobber.id_of(tg_relid, 'b', tg_argv[0]), noclobber.id_of(tg_relid, 'a', tg_argv[0]), tg_argv[9]) end), ' union all ')
    into touched from unnest(rows) with ordinality r(name, at);
  execute format(
    'with touched as materialized (%1$s), ids(ids) as materialized (
       select array(select distinct t.parent from touched t where t.parent is not null))
     select coalesce(json_object_agg(l.id, l.version), ''{}'')::text from (select %3$s as id, p.%6$I as version from %2$s p
       where %5$s %4$s order by %7$s for no key update of p) l',
    touched, parent, parent_id, case when has_tenant then
      format('and exists (select from touched t where t.parent = %s and t.tenant = %s)', parent_id,
        noclobber.text_of(parent, 'p', tg_argv[6])) else '' end,
    :parents_by_ids, tg_argv[10],
    (select string_agg(format('p.%I', k.name), ', ' order by k.at) from unnest(keys) with ordinality k(name, at))) into parents;
  perform set_config('noclobber.part', concat_ws(E'\n', noclobber.part_mark(tg_argv[4], md5(parents)), md5(parents),
      current_setting('noclobber.part', true)), true),
    set_config('noclobber.part_parents', concat_ws(E'\n', parents, current_setting('noclobber.part_parents', true)), true);
  return null;
end $$;

-- The app's triggers on the parent, and whatever they call, run as the writer, by the writer's search path: as if the
-- writer had updated the parent. It may have a name qualified that its own search path resolves otherwise: all are.
create function noclobber.raise_parents() returns trigger language plpgsql as $$
declare
  ids pg_catalog.text[] := array(select k.id from pg_catalog.json_object_keys(
    pg_catalog.split_part(pg_catalog.current_setting('noclobber.part_parents'), E'\n', 1)::pg_catalog.json) k(id));
  is_many pg_catalog.bool := pg_catalog.left(tg_argv[5], 1) operator(pg_catalog.=) '{';
  keys pg_catalog.text[] := case when is_many then tg_argv[5]::pg_catalog.text[] else array[tg_argv[5]] end;
  types pg_catalog.text[] := case when is_many then tg_argv[8]::pg_catalog.text[] else array[tg_argv[8]] end;
  ids_sql pg_catalog.text := '$1';
begin
  if ids operator(pg_catalog.<>) '{}'
      and (select pg_catalog.bool_and(pg_catalog.has_column_privilege(tg_argv[3], k.name, 'select')) from pg_catalog.unnest(keys) k(name))
      and pg_catalog.has_column_privilege(tg_argv[3], tg_argv[11], 'select')
      and pg_catalog.has_column_privilege(tg_argv[3], tg_argv[11], 'update') then
    execute pg_catalog.format('update %1$s p set %3$I = p.%3$I where %2$s', tg_argv[3], :parents_by_ids, tg_argv[11]) using ids;
  end if;
  return null;
end $$;

-- Parents that the writer may not write, or not see, are written with the log's rights, which only our own triggers may use:
-- where the app has triggers there, the statement is refused.
create function noclobber.check_parents() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  parent regclass := tg_argv[3];
  keys text[] := noclobber.key_columns(tg_argv[5]);
  types text[] := noclobber.key_columns(tg_argv[8]);
  ids_sql text := '$1';
  by_ids text := :parents_by_ids;
  parent_id text := noclobber.id_of(parent, 'p', tg_argv[5]);
  marks text := current_setting('noclobber.part');
  lists text := current_setting('noclobber.part_parents');
  parents jsonb := split_part(lists, E'\n', 1);
  ids text[] := array(select jsonb_object_keys(parents));
  unraised text := format('select %2$s as id from %1$s p where %3$s and p.%4$I = ($2->>%2$s)::bigint',
    parent, parent_id, by_ids, tg_argv[10]);
  missed text[];
  own_triggers text;
begin
  if ids <> '{}' then
    execute format('select array_agg(u.id) from (%s) u', unraised) into missed using ids, parents;
    if missed is not null then
      select string_agg(quote_ident(g.tgname), ', ' order by g.tgname) into own_triggers from pg_trigger g
        where g.tgrelid = parent and not g.tgisinternal and g.tgtype & 16 <> 0 and not starts_with(g.tgname, 'zz_noclobber_');
      if own_triggers is null then
        execute format('update %1$s p set %3$I = p.%3$I where %2$s', parent, by_ids, tg_argv[11]) using missed;
        execute format('select array_agg(u.id) from (%s) u', unraised) into missed using missed, parents;
      end if;
    end if;
    if missed is not null then
      raise insufficient_privilege using
        message = format('A part of %s %s can''t be written: the version of that record must rise with it, and %s.', parent, missed[1],
          coalesce(format('its writer may not update %s, or %s kept the update back', parent, own_triggers), 'a policy keeps the update back')),
        hint = format('GRANT SELECT, UPDATE (%2$I) ON %1$s, and let its triggers and policies pass an update of %2$I.', parent, tg_argv[11]);
    end if;
    if tg_argv[7] <> '' then
      execute format('update noclobber.record_changes c set changed_fields = array_append(c.changed_fields, $2)
        from %1$s p where %3$s and c.xid = pg_current_xact_id() and c.table_name = $3
          and c.record_id = %2$s and c.version = p.%4$I and $2 <> all(c.changed_fields)', parent, parent_id, by_ids, tg_argv[10])
        using ids, tg_argv[7], tg_argv[4];
    end if;
  end if;
  perform set_config('noclobber.part', coalesce(substr(marks, length(split_part(marks, E'\n', 1)) + length(split_part(marks, E'\n', 2)) + 3), ''), true),
    set_config('noclobber.part_parents', coalesce(substr(lists, length(split_part(lists, E'\n', 1)) + 2), ''), true);
  return null;
end $$;
