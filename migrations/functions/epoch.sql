-- The history of transaction ids that a cursor belongs to. A cursor means something within one history only: another
-- cluster, another database, a restore, a promoted replica, a restart and a crash each begin a new one, and so a new epoch.
-- The first caller begins it. A replica answers nothing that is sure to be still so, so it has none.
create function noclobber.epoch() returns text language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  current_history uuid;
  is_settled boolean;
begin
  if pg_is_in_recovery() then
    raise read_only_sql_transaction using message = 'This PostgreSQL is a read-only standby.';
  end if;
  for attempt in 1..2 loop
    select min(f.history::text)::uuid, bool_and(f.announced) and count(*) filter (where f.relation = 0) = 1
      into current_history, is_settled from noclobber.version_floors f where :valid_floor;
    exit when is_settled and current_history is not null;
    perform noclobber.settle_history();
  end loop;
  return (select left(md5(concat_ws('-', c.system_identifier, d.oid, e.epoch, current_history,
    left(pg_walfile_name(pg_current_wal_lsn()), 8))), 16)
  from pg_control_system() c, noclobber.log_epoch e, pg_database d where d.datname = current_database());
end $$;
