-- The end of a trigger that logs rows. A writer that is no node wakes the log readers by an empty NOTIFY; nodes wake themselves
-- and each other without it, because a notifying commit costs most of the commit rate. (An expression costs less than PERFORM.)
if row_count > 0 and origin is null and :notifies then
    row_count := case when pg_notify('noclobber', '') is null then row_count end;
  end if;
