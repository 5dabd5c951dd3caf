-- Whether a row f of version_floors was made in this history: a restart, another database, another log, an epoch set by hand
-- and a row that was loaded from a dump don't match.
f.made_in = f.xmin and f.started = pg_postmaster_start_time() and f.log = 'noclobber.record_changes'::regclass
    and f.epoch = (select e.epoch from noclobber.log_epoch e)
    and f.database = (select d.oid from pg_database d where d.datname = current_database())
