-- After each statement on a table tracked with history: values, behind the trigger that writes the log: adds the values
-- before and after, of the fields that it names, to the change's log row. Trigger arguments: the key, the housekeeping columns, what the triggers own. With an untrusted type,
-- see types.sql, the same statements are written for the table.
-- Invariant: values are kept in the change's own log row, in the same transaction, and pruned with it. A deletion needs
-- none: the log keeps its row.
create function noclobber.log_values() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp :plain_settings as $$
#variable_conflict use_variable
declare
  source text := case when tg_nargs > 3 then noclobber.partition_source(tg_relid, tg_argv[3])
    else tg_table_schema || '.' || tg_table_name end;
  owned text[] := tg_argv[2];
  version_column text := owned[1];
  unkept text[] := owned[:3] || tg_argv[1]::text[];
begin
  if :trusted_types then
    if tg_op = 'INSERT' then
    update noclobber.record_changes c set changed_values = coalesce((
      select jsonb_object_agg(e.key, jsonb_build_array(null, e.value)) from jsonb_each(n.r - unkept) e
      where e.value <> 'null'), '{}')
    from (select to_jsonb(t.*) as r from new_rows t) n
    where c.xid = pg_current_xact_id() and c.table_name = source
      and c.record_id = noclobber.id_in(n.r, tg_argv[0]) and c.version = (n.r->>version_column)::bigint;
    else
    update noclobber.record_changes c set changed_values = coalesce((
      select jsonb_object_agg(e.key, jsonb_build_array(b.o->e.key, e.value)) from jsonb_each(b.n - unkept) e
      where case when c.event = 'updated' then e.key = any(c.changed_fields) else e.value <> 'null' end), '{}')
    from (select o.r as o, n.r as n from (select to_jsonb(t.*) as r from new_rows t) n
      left join (select to_jsonb(t.*) as r from old_rows t) o on noclobber.id_in(o.r, tg_argv[0]) = noclobber.id_in(n.r, tg_argv[0])
      where coalesce((n.r->>version_column)::bigint = (o.r->>version_column)::bigint + 1
        or (n.r->>version_column)::bigint > (o.r->>version_column)::bigint and not exists (select from old_rows t
          where noclobber.id_in(to_jsonb(t.*), tg_argv[0]) = noclobber.id_in(n.r, tg_argv[0]) and (to_jsonb(t.*)->>version_column)::bigint = (n.r->>version_column)::bigint - 1), true)) b
    where c.xid = pg_current_xact_id() and c.table_name = source
      and c.event <> 'deleted' and c.record_id = noclobber.id_in(b.n, tg_argv[0]) and c.version = (b.n->>version_column)::bigint;
    end if;
  else
    execute replace(case tg_op when 'INSERT' then $rows$
    update noclobber.record_changes c set changed_values = coalesce((
      select jsonb_object_agg(e.key, jsonb_build_array(null, e.value)) from jsonb_each(n.r - $3) e
      where e.value <> 'null'), '{}')
    from (select ROW as r from new_rows t) n
    where c.xid = pg_current_xact_id() and c.table_name = $1
      and c.record_id = noclobber.id_in(n.r, $2) and c.version = (n.r->>$4)::bigint$rows$
      else $rows$
    update noclobber.record_changes c set changed_values = coalesce((
      select jsonb_object_agg(e.key, jsonb_build_array(b.o->e.key, e.value)) from jsonb_each(b.n - $3) e
      where case when c.event = 'updated' then e.key = any(c.changed_fields) else e.value <> 'null' end), '{}')
    from (select o.r as o, n.r as n from (select ROW as r from new_rows t) n
      left join (select ROW as r from old_rows t) o on noclobber.id_in(o.r, $2) = noclobber.id_in(n.r, $2)
      where coalesce((n.r->>$4)::bigint = (o.r->>$4)::bigint + 1
        or (n.r->>$4)::bigint > (o.r->>$4)::bigint and not exists (select from (select ROW as r from old_rows t) x
          where noclobber.id_in(x.r, $2) = noclobber.id_in(n.r, $2) and (x.r->>$4)::bigint = (n.r->>$4)::bigint - 1), true)) b
    where c.xid = pg_current_xact_id() and c.table_name = $1
      and c.event <> 'deleted' and c.record_id = noclobber.id_in(b.n, $2) and c.version = (b.n->>$4)::bigint$rows$ end, 'ROW', noclobber.row_json(tg_relid, 't'))
      using source, tg_argv[0], unkept, version_column;
  end if;
  return null;
end $$;
