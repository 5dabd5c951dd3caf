-- Before an UPDATE that sets updated_by: puts the writer back. Only the stamp sets it, see trigger-body.sql.
create function noclobber.keep_writer() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.updated_by := old.updated_by;
  return new;
end $$;
