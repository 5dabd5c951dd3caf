-- The history of transaction ids that a cursor belongs to. A cursor means something within one history only: another
-- cluster, another database, a restore and a promoted replica each begin a new one, and so a new epoch.
create function noclobber.epoch() returns text language sql stable set search_path = pg_catalog, pg_temp as $$
  select left(md5(concat_ws('-', c.system_identifier, d.oid, e.epoch,
    case when pg_is_in_recovery() then lpad(to_hex(k.timeline_id), 8, '0')
         else lower(left(pg_walfile_name(pg_current_wal_lsn()), 8)) end)), 16)
  from pg_control_system() c, pg_control_checkpoint() k, noclobber.log_epoch e, pg_database d
  where d.datname = current_database()
$$;
