-- Before an UPDATE that sets updated_by: puts the writer back. Only the stamp sets it.
create function noclobber.keep_writer() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.updated_by := old.updated_by;
  return new;
end $$;

-- Before each UPDATE of a row: stamps version, time and writer. One function serves every table: the trigger's arguments
-- say which column is the key, which the tenant, which columns name lists; columns that are added or renamed later are
-- seen at once, because rows are compared whole. Tables with housekeeping columns get a function of their own, see
-- trigger-body.sql.
-- Invariant: only the stamp decides a version. +1 for each change of a row, from the floor of the history on (history.sql),
-- none for a write that changes nothing.
--
-- It runs for each row of every UPDATE, so it evaluates few expressions: PL/pgSQL prepares each one that it comes to anew
-- in every transaction. It sets no search path, which each row would pay for, so every name in it is qualified. The
-- session's writer stands in one expression with what it is compared with: two expressions may have been planned at two
-- times. A value that SQL set of version or time is detected here; of the writer, which is dear to compare, it was put
-- back by keep_writer, which only such statements fire. A trigger of the app that sets a writer makes a version.
--
-- Copies of the rows are compared: using NEW as a whole value reads its large values into it, and PostgreSQL would store
-- them anew at each update, although they haven't changed.
create function noclobber.stamp_update() returns trigger language plpgsql stable security definer as $$
declare
  lines pg_catalog.text[];
  touches boolean;
  before record := old;
  after record := new;
begin
  :check_types
  if coalesce(pg_catalog.strpos(:setting, E'\n'), 0) operator(pg_catalog.=) 0
    and after operator(pg_catalog.*<>) before and new.version operator(pg_catalog.=) old.version
    and new.updated_at operator(pg_catalog.=) old.updated_at then
    new.version := noclobber.next_version(old.version, tg_relid);
    new.updated_at := pg_catalog.clock_timestamp();
    new.updated_by := case when noclobber.session_writer() operator(pg_catalog.->>) 'actor'
        operator(pg_catalog.=) coalesce(:setting, '')
      and noclobber.session_writer() operator(pg_catalog.->>) 'role' operator(pg_catalog.=) session_user
      then noclobber.session_writer() operator(pg_catalog.->) 'writer' else noclobber.writer() end;
    return new;
  end if;
  lines := :setting_lines;
  if after operator(pg_catalog.*<>) before and new.version operator(pg_catalog.=) old.version
    and new.updated_at operator(pg_catalog.=) old.updated_at and noclobber.is_signed(lines) then
    new.version := noclobber.next_version(old.version, tg_relid);
    new.updated_at := pg_catalog.clock_timestamp();
    new.updated_by := lines[:line_writer]::pg_catalog.jsonb;
    return new;
  end if;
  touches := coalesce(new.version operator(pg_catalog.=) (old.version operator(pg_catalog.+) 1), false);
  new.version := old.version;
  new.updated_at := old.updated_at;
  new.updated_by := old.updated_by;
  after := new;
  if after operator(pg_catalog.*=) before and not touches then
    return new;
  end if;
  new.version := noclobber.next_version(old.version, tg_relid);
  new.updated_at := pg_catalog.clock_timestamp();
  new.updated_by := noclobber.writer();
  return new;
end $$;
