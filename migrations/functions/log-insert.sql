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
    perform noclobber.log_change(source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], tg_argv[5]::text[], origin, null, to_jsonb(t.*), tg_relid, '{}')
      from new_rows t;
  elsif row_count between 1 and 50 then
    execute format('select noclobber.log_change($1, $2, $3, $4, $5, $6, null, %s, $7, ''{}'') from new_rows t',
        noclobber.row_json(tg_relid, 't'))
      using source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], tg_argv[5]::text[], origin, tg_relid;
  elsif row_count > 50 then
    execute noclobber.batch_statement('INSERT', tg_relid, source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], tg_argv[5]::text[])
      using noclobber.writer(), origin->>'tab_id', origin->>'socket_id', origin->>'import_id';
    if exists (select from noclobber.record_changes c where c.xid = pg_current_xact_id() and c.table_name = source and c.event = 'deleted') then
      execute format('select noclobber.refuse_replaced($1, n.id) from (select %s as id, %s as tenant, n.%I as version from new_rows n) n
          join noclobber.record_changes c on c.xid = pg_current_xact_id() and c.table_name = $1 and c.event = ''deleted''
            and c.record_id = n.id and c.version >= n.version and ($2 = '''' or c.tenant_id is not distinct from n.tenant) limit 1',
          noclobber.id_of(tg_relid, 'n', tg_argv[0]), case when tg_argv[1] = '' then 'null::text' else noclobber.shown_text(tg_relid, 'n', tg_argv[1]) end,
          (tg_argv[5]::text[])[1])
        using source, tg_argv[1];
    end if;
    perform noclobber.compact_at_once(tg_relid);
  end if;
  if pg_trigger_depth() > 1 or strpos(current_setting('noclobber.nested', true), source) > 0 then
    execute format('select noclobber.order_changes($1, array(select %s from new_rows t))', noclobber.id_of(tg_relid, 't', tg_argv[0]))
      using source;
  end if;
  :wake_readers
  return null;
end $$;
