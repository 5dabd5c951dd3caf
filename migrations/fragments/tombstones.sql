-- For trigger-body.sql: the tombstones of the new row's id, see there. A partition's are logged under its root's name.
from noclobber.record_changes c
    where c.table_name = case when pg_partition_root(tg_relid) is null then tg_table_schema || '.' || tg_table_name
        else (select concat(n.nspname, '.', r.relname) from pg_class r join pg_namespace n on n.oid = r.relnamespace
          where r.oid = pg_partition_root(tg_relid)) end
      and c.record_id = concat(%20$s) and c.event = 'deleted' %5$s
