-- After each INSERT; log-delete.sql is its counterpart.
create function noclobber.log_insert() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  :log_declarations
begin
  select count(*), :trusted_types into row_count, trusted from (select from new_rows limit 51) r;
  if not trusted then
    perform noclobber.check_own_columns(tg_relid, tg_argv[5]::text[]);
  end if;
  if row_count between 1 and 50 and trusted then
    perform noclobber.log_change(source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], tg_argv[5]::text[], origin, null, to_jsonb(t.*), tg_relid)
      from new_rows t;
  elsif row_count between 1 and 50 then
    execute format('select noclobber.log_change($1, $2, $3, $4, $5, $6, null, %s, $7) from new_rows t',
        noclobber.row_json(tg_relid, 't'))
      using source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], tg_argv[5]::text[], origin, tg_relid;
  elsif row_count > 50 then
    execute noclobber.batch_statement('INSERT', tg_relid, source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], tg_argv[5]::text[])
      using noclobber.writer(), origin->>'tab_id', origin->>'socket_id', origin->>'import_id';
    perform noclobber.compact_at_once(tg_relid);
  end if;
  if pg_trigger_depth() > 1 or strpos(current_setting('noclobber.nested', true), source) > 0 then
    execute format('select noclobber.order_changes($1, array(select %s from new_rows t))', noclobber.id_of(tg_relid, 't', tg_argv[0]))
      using source;
  end if;
  :wake_readers
  return null;
end $$;
