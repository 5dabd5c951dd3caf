-- Before each TRUNCATE. It has no transition tables, and reading a table itself may run what its owner made: row security,
-- the expressions of its indexes. So only tables of the log's owner and of superusers can be truncated.
create function noclobber.log_truncate() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not noclobber.is_trusted_owner((select c.relowner from pg_class c where c.oid = tg_relid)) then
    raise insufficient_privilege using
      message = format('Table %s can''t be truncated: it is tracked, and another role''s than the change log.', tg_relid::regclass),
      hint = 'DELETE its rows instead.';
  end if;
  execute format('select noclobber.log_change($1, $2, $3, $4, $5, $6, %s, null, $7, ''{}'') from only %s t',
      noclobber.row_json(tg_relid, 't'), tg_relid::regclass)
    using case when tg_nargs > 6 then noclobber.partition_source(tg_relid, tg_argv[6])
      else tg_table_schema || '.' || tg_table_name end, tg_argv[0], tg_argv[1], tg_argv[2]::text[],
      tg_argv[5]::text[], noclobber.origin(), tg_relid;
  if :notifies then
    perform pg_notify('noclobber', '');
  end if;
  return null;
end $$;
