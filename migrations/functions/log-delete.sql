-- After each DELETE, see log-insert.sql. Where another table has come to inherit from this one, nothing says of which of them a row was.
create function noclobber.log_delete() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp :plain_settings as $$
#variable_conflict use_variable
declare
  :log_declarations
begin
  if noclobber.heir_of(tg_relid) is not null then
    perform noclobber.refuse_unstamped(tg_relid);
  end if;
  select count(*), :trusted_types into row_count, trusted from (select from old_rows limit 51) r;
  if not trusted then
    perform noclobber.check_own_columns(tg_relid, tg_argv[5]::text[]);
  end if;
  if row_count between 1 and 50 and trusted then
    perform noclobber.log_change(source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], tg_argv[5]::text[], origin, to_jsonb(t.*), null, tg_relid, '{}')
      from old_rows t;
  elsif row_count between 1 and 50 then
    execute format('select noclobber.log_change($1, $2, $3, $4, $5, $6, %s, null, $7, ''{}'') from old_rows t',
        noclobber.row_json(tg_relid, 't'))
      using source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], tg_argv[5]::text[], origin, tg_relid;
  elsif row_count > 50 then
    execute noclobber.log_statement('DELETE', tg_relid, source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], tg_argv[5]::text[])
      using noclobber.writer(), origin->>'tab_id', origin->>'socket_id', origin->>'import_id';
  end if;
  if pg_trigger_depth() > 1 or strpos(current_setting('noclobber.nested', true), source) > 0 then
    execute format('select noclobber.order_changes($1, array(select %s from old_rows t))', noclobber.id_of(tg_relid, 't', tg_argv[0]))
      using source;
  end if;
  :wake_readers
  return null;
end $$;
