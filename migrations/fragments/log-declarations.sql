-- For log_insert and log_delete: the table's name in the log, the node's note of where the change comes from, and what is
-- counted of the rows. Unless a node signed the setting, which has several lines then, it isn't read.
source text := case when tg_nargs > 6 then noclobber.partition_source(tg_relid, tg_argv[6]) else tg_table_schema || '.' || tg_table_name end;
  origin jsonb := case when strpos(current_setting('noclobber.actor', true), E'\n') > 0 then noclobber.origin() end;
  row_count bigint;
  trusted boolean;
