// The functions that stamp a tracked row: who writes, and the version. One set serves every table: the trigger's
// arguments say which column is the key, which the tenant, which name lists, which are housekeeping; columns added or
// renamed later are seen at once, because rows are compared whole.
// Invariant: nobody but the trigger decides a version. +1 for each change of a row, none for a write that changes
// nothing or housekeeping alone.
//
// Who writes: `noclobber.actor`, set for the transaction by our nodes or by any program that names itself, as JSON
// {"id","name","kind"} or as a plain name (set noclobber.actor = 'nightly billing'). Unset: the database role.
// Our nodes go on after that JSON, in lines: what the log tells of the page, the import and the node, as JSON. A save of
// one record by our node has more lines, which both triggers go by: the table's tag, as its triggers have it; the
// page's tab and socket; the values of its lists; the fields that it changes. That is much cheaper than comparing the
// rows, and a save is what happens most often.

// The search path is set by whoever calls the first two: "is it ours" then costs no call of its own.
const WRITER = `
create function noclobber.is_ours(actor text) returns boolean language sql immutable as $$
  select coalesce(left(split_part(actor, E'\\n', 2), 1) = '{' and right(split_part(actor, E'\\n', 1), 1) = '}', false)
$$;

create function noclobber.writer_of(actor text) returns jsonb language plpgsql stable as $$
declare
  claim jsonb;
begin
  if coalesce(actor, '') = '' then
    return jsonb_build_object('id', session_user, 'name', session_user, 'kind', 'database');
  end if;
  if left(actor, 1) <> '{' then
    return jsonb_build_object('id', actor, 'name', actor, 'kind', 'service');
  end if;
  claim := case when noclobber.is_ours(actor) then split_part(actor, E'\\n', 1) else actor end;
  return jsonb_build_object(
    'id', coalesce(claim->>'id', claim->>'name', session_user),
    'name', coalesce(claim->>'name', claim->>'id', session_user),
    'kind', case when claim->>'kind' in ('user', 'import', 'service', 'database') then claim->>'kind' else 'service' end);
end $$;

create function noclobber.writer() returns jsonb language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
begin
  return noclobber.writer_of(current_setting('noclobber.actor', true));
end $$;

create function noclobber.origin() returns jsonb language plpgsql stable as $$
declare
  actor text := current_setting('noclobber.actor', true);
begin
  return case when noclobber.is_ours(actor) then split_part(actor, E'\\n', 2)::jsonb end;
end $$;
`

// An id that was deleted and comes back goes on counting after its tombstone, so that an editor still holding the old
// record can't mistake the new one for it. The same where a key changes to one that was deleted before.
const STAMP_INSERT = `
create function noclobber.stamp_insert() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  new.version := coalesce((select max(c.version) from noclobber.record_changes c
    where c.table_name = tg_table_schema || '.' || tg_table_name
      and c.record_id = to_jsonb(new)->>tg_argv[0] and c.event = 'deleted'), 0) + 1;
  new.updated_at := clock_timestamp();
  new.updated_by := noclobber.writer();
  return new;
end $$;

create function noclobber.stamp_key() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  new.version := greatest(new.version, (select max(c.version) + 1 from noclobber.record_changes c
    where c.table_name = tg_table_schema || '.' || tg_table_name
      and c.record_id = to_jsonb(new)->>tg_argv[0] and c.event = 'deleted'));
  return new;
end $$;
`

// Most sessions have one writer besides those that our nodes name. As a constant, which this function claims to be, it is
// made once, when PL/pgSQL plans the expression that it stands in; it is taken only while role and claim are the ones it
// was made of.
const SESSION_WRITER = `
create function noclobber.session_writer() returns jsonb language plpgsql immutable
  set search_path = pg_catalog, pg_temp as $$
declare
  actor text := coalesce(current_setting('noclobber.actor', true), '');
  own text := case when noclobber.is_ours(actor) then '' else actor end;
begin
  return jsonb_build_object('role', session_user, 'actor', own, 'writer', noclobber.writer_of(own));
end $$;
`

// Runs for each row of every UPDATE, so it asks little, and one thing at a time: PL/pgSQL makes each expression that it
// comes to ready anew in every transaction. A save that says what it changes changes something; what it set is overruled
// all the same. It sets no search path, which each row would pay for: so every name in it is qualified. The session's
// writer stands in one expression with what it is compared with: two expressions may have been planned at two times.
// What SQL sets of version and time is seen here; of the writer, which is dear to compare, it was put back by a trigger that
// such statements alone fire. A trigger of the app's that sets a writer makes a version.
const STAMP_UPDATE = `
create function noclobber.keep_writer() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.updated_by := old.updated_by;
  return new;
end $$;

create function noclobber.stamp_update() returns trigger language plpgsql stable security definer as $$
declare
  told pg_catalog.text[];
begin
  if coalesce(pg_catalog.strpos(pg_catalog.current_setting('noclobber.actor', true), E'\\n'), 0) operator(pg_catalog.=) 0
    and new operator(pg_catalog.*<>) old and new.version operator(pg_catalog.=) old.version
    and new.updated_at operator(pg_catalog.=) old.updated_at then
    new.version := old.version operator(pg_catalog.+) 1;
    new.updated_at := pg_catalog.clock_timestamp();
    new.updated_by := case when noclobber.session_writer() operator(pg_catalog.->>) 'actor'
        operator(pg_catalog.=) coalesce(pg_catalog.current_setting('noclobber.actor', true), '')
      and noclobber.session_writer() operator(pg_catalog.->>) 'role' operator(pg_catalog.=) session_user
      then noclobber.session_writer() operator(pg_catalog.->) 'writer' else noclobber.writer() end;
    return new;
  end if;
  told := pg_catalog.string_to_array(pg_catalog.current_setting('noclobber.actor', true), E'\\n', '');
  if coalesce(told[7], '{}') operator(pg_catalog.<>) '{}' and told[3] operator(pg_catalog.=) tg_argv[4] then
    new.version := old.version operator(pg_catalog.+) 1;
    new.updated_at := pg_catalog.clock_timestamp();
    new.updated_by := told[1]::pg_catalog.jsonb;
    return new;
  end if;
  new.version := old.version;
  new.updated_at := old.updated_at;
  new.updated_by := old.updated_by;
  if new operator(pg_catalog.*=) old then
    return new;
  end if;
  new.version := old.version operator(pg_catalog.+) 1;
  new.updated_at := pg_catalog.clock_timestamp();
  new.updated_by := case when pg_catalog.left(told[2], 1) operator(pg_catalog.=) '{'
    and pg_catalog.right(told[1], 1) operator(pg_catalog.=) '}' then told[1]::pg_catalog.jsonb else noclobber.writer() end;
  return new;
end $$;
`

// The same for a table that has housekeeping columns, where each row is looked at twice.
const STAMP_UPDATE_IGNORING = `
create function noclobber.stamp_update_ignoring() returns trigger language plpgsql stable
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  told text[] := string_to_array(current_setting('noclobber.actor', true), E'\\n', '');
  saved boolean := coalesce(coalesce(told[7], '{}') <> '{}' and told[3] = tg_argv[4], false);
begin
  new.version := old.version;
  new.updated_at := old.updated_at;
  new.updated_by := old.updated_by;
  if not saved and (new *= old or to_jsonb(new) - tg_argv[3]::text[] = to_jsonb(old) - tg_argv[3]::text[]) then
    return new;
  end if;
  new.version := old.version + 1;
  new.updated_at := clock_timestamp();
  new.updated_by := case when saved then told[1]::jsonb else noclobber.writer() end;
  return new;
end $$;
`

export const STAMP_FUNCTIONS = [
  WRITER,
  STAMP_INSERT,
  SESSION_WRITER,
  STAMP_UPDATE,
  STAMP_UPDATE_IGNORING,
].join('\n')
