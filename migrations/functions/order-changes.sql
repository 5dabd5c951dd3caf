-- A trigger that writes to its own table has its changes logged before those of the statement that fired it, though their
-- versions are later. A statement within another notes its table in the setting noclobber.nested, and whatever is logged for
-- this table later in the transaction puts the later versions of its records behind itself. The setting says only where to
-- look: these rows are the transaction's own, and only their numbers change.
-- Invariant: the versions of one record go up in the log.
create function noclobber.order_changes(source text, ids text[]) returns void language plpgsql
  set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  noted text := coalesce(current_setting('noclobber.nested', true), '');
  own xid8 := pg_current_xact_id();
  late record;
begin
  if pg_trigger_depth() > 1 and strpos(noted, source) = 0 then
    perform set_config('noclobber.nested', noted || E'\n' || source, true);
  end if;
  if strpos(noted, source) = 0 then
    return;
  end if;
  if exists (select from noclobber.change_batches b where b.xid = own and b.table_name = order_changes.source) then
    perform noclobber.move_batches(null, own);
  end if;
  for late in select c.seq from noclobber.record_changes c
    where c.xid = own and c.table_name = order_changes.source and c.record_id = any(ids) and exists (
      select from noclobber.record_changes e where e.xid = own and e.table_name = c.table_name and e.record_id = c.record_id
        and e.version < c.version and e.seq > c.seq)
    order by c.version, c.seq
  loop
    update noclobber.record_changes c set seq = default where c.xid = own and c.seq = late.seq;
  end loop;
end $$;
