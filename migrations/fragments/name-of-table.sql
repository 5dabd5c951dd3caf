-- For trigger-body.sql: the table's name in the log. A partition's changes are logged under its root's name.
case when pg_partition_root(tg_relid) is null then tg_table_schema || '.' || tg_table_name
        else (select concat(n.nspname, '.', r.relname) from pg_class r join pg_namespace n on n.oid = r.relnamespace
          where r.oid = pg_partition_root(tg_relid)) end
