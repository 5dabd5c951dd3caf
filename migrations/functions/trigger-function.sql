-- Makes the trigger function of a kind for these column names, and answers its name. One that is there as it should be is left
-- alone. Only stamp_update has no search path, see trigger-body.sql, and only keep_writer has the writer's rights. A name of a function that takes a row would become a call of it if the column were dropped, so it is refused.
create function noclobber.trigger_function(kind text, names text[]) returns text language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  body text := noclobber.trigger_body(kind, names);
  made text := kind || '_' || left(md5(array_to_json(names)::text), 12);
  taken text := (select min(p.proname) from pg_proc p where kind = 'log_update' and p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any(names[2:5] || noclobber.key_columns(names[1]))
    and p.proargtypes[0] in ('record'::regtype, 'anyelement'::regtype, 'anycompatible'::regtype, 'anynonarray'::regtype,
      'anycompatiblenonarray'::regtype, '"any"'::regtype));
begin
  if body is null then
    raise invalid_parameter_value using message = format('There is no trigger function of kind %L.', kind);
  elsif taken is not null then
    raise reserved_name using message = format('PostgreSQL has a function %s that takes rows: a column can''t be tracked by that name.', taken);
  end if;
  perform from noclobber.log_epoch for update;
  if not exists (select from pg_proc p where p.pronamespace = 'noclobber'::regnamespace and p.proname = made
      and p.prosrc = body and p.prosecdef = (kind <> 'keep_writer') and p.proconfig is not distinct from case when kind <> 'stamp_update' then array['search_path=pg_catalog, pg_temp'] end) then
    execute format('create or replace function noclobber.%I() returns trigger language plpgsql
      %s %s as %L', made, case when kind <> 'keep_writer' then 'security definer' end, case when kind <> 'stamp_update' then 'set search_path = pg_catalog, pg_temp' end, body);
    execute format('revoke all on function noclobber.%I() from public', made);
  end if;
  return made;
end $$;
