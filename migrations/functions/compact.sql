-- Moves the oldest batches into rows of the log, whole batches, until that many changes were moved; they may be a few more.
create function noclobber.move_batches(most integer, own xid8) returns integer language plpgsql
  set search_path = pg_catalog, pg_temp as $$
declare
  moved integer;
begin
  with oldest as (
    select b.xid, b.seq, cardinality(b.versions) as count from noclobber.change_batches b
    where own is null or b.xid = own order by b.xid, b.seq limit most
  ), next as (
    select s.xid, s.seq from (
      select o.xid, o.seq, sum(o.count) over (order by o.xid, o.seq) - o.count as before from oldest o) s
    where most is null or s.before < most
  ), taken as (
    delete from noclobber.change_batches b using next n where b.xid = n.xid and b.seq = n.seq
    returning b.*, b.xmin = b.xid::xid as is_own
  )
  insert into noclobber.record_changes (xid, seq, table_name, record_id, version, event, tenant_id, changed_fields, scopes,
    updated_at, updated_by, tab_id, socket_id, import_id, restored_from, moved_in)
  overriding system value
  select t.xid, t.seq + u.at - 1, t.table_name, u.record_id, u.version, t.event, t.tenant_id, t.changed_fields, t.scopes,
    u.updated_at, t.updated_by, t.tab_id, t.socket_id, t.import_id, t.restored_from[u.at::integer],
    case when t.is_own then pg_current_xact_id() end
  from taken t, unnest(coalesce(t.record_ids, t.record_numbers::text[]), t.versions, t.updated_ats)
    with ordinality u(record_id, version, updated_at, at)
  order by t.xid, t.seq, u.at;
  get diagnostics moved = row_count;
  return moved;
end $$;

-- The same for nodes, over committed batches, one node at a time: a second node moves nothing, nor does a replica. Nodes take
-- turns by a lock on a table that nobody writes, and that only the log's owner may lock so; anybody may take an advisory
-- lock.
create function noclobber.compact(most integer) returns integer language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  if pg_is_in_recovery() then
    return 0;
  end if;
  begin
    lock table noclobber.log_epoch in share update exclusive mode nowait;
  exception when lock_not_available then
    return 0;
  end;
  return noclobber.move_batches(most, null);
end $$;

-- Moves what the own transaction must find as rows before its end.
create function noclobber.compact_at_once(relation oid) returns void language plpgsql
  set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('noclobber.part', true) <> '' or exists (select from pg_trigger t
      where t.tgrelid = relation and t.tgname in ('zz_noclobber_values_insert', 'zz_noclobber_values_update')) then
    perform noclobber.move_batches(null, pg_current_xact_id());
  end if;
end $$;
