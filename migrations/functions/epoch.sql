-- The history of transaction ids that a cursor belongs to. A cursor means something within one history only: another
-- cluster, another database, a restore, a promoted replica, a restart and a crash each begin a new one, and so a new epoch.
-- The first caller begins it. A replica, which can write nothing, has the epoch of what it replays.
create function noclobber.epoch() returns text language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  current_history uuid;
  is_announced boolean;
begin
  if not pg_is_in_recovery() then
    for attempt in 1..2 loop
      select min(f.history::text)::uuid, bool_and(f.announced) and count(*) filter (where f.relation = 0) = 1 into current_history, is_announced
        from noclobber.version_floors f where :valid_floor;
      exit when current_history is not null and is_announced;
      perform noclobber.settle_history();
    end loop;
  end if;
  return (select left(md5(concat_ws('-', c.system_identifier, d.oid, e.epoch, current_history,
    case when pg_is_in_recovery() then lpad(to_hex(k.timeline_id), 8, '0')
         else lower(left(pg_walfile_name(pg_current_wal_lsn()), 8)) end)), 16)
  from pg_control_system() c, pg_control_checkpoint() k, noclobber.log_epoch e, pg_database d
  where d.datname = current_database());
end $$;
