-- For trigger-body.sql: the logged changes of the new row's id, see there.
from noclobber.record_changes c
    where c.table_name = :name_of_table
      and c.record_id = concat(%20$s) %5$s
