-- The end of a trigger that logs rows. A writer that is no node wakes the log readers by an empty NOTIFY; nodes wake themselves
-- and each other without it, because a notifying commit costs most of the commit rate.
if row_count > 0 and origin is null and :notifies then
    perform pg_notify('noclobber', '');
  end if;
