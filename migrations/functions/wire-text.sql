-- A value's text as the wire shows it, whatever the session's settings are. It is what the type's output function says; no
-- cast that somebody made is called. Servers call it, with their own rights, for values whose text depends on a setting.
create function noclobber.wire_text(value anyelement) returns text language sql stable
  set search_path = pg_catalog, pg_temp :plain_settings as $$
  select case when num_nulls(value) = 0 then format('%s', value) end
$$;
