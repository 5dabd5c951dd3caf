-- For trigger-body.sql: the tombstones of the new row's id, see there.
from noclobber.record_changes c
    where c.table_name = tg_table_schema || '.' || tg_table_name
      and c.record_id = concat(new.%1$I) and c.event = 'deleted' %5$s
