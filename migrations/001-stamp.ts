// The functions that stamp a tracked row: who writes, and the version. One set serves every table: the trigger's
// arguments say which column is the key, which the tenant, which name lists, which are housekeeping; columns added or
// renamed later are seen at once, because rows are compared whole.
// Invariant: nobody but the trigger decides a version. +1 for each change of a row, none for a write that changes
// nothing or housekeeping alone.
//
// Who writes: `noclobber.actor`, set for the transaction by our nodes or by any program that names itself, as JSON
// {"id","name","kind"} or as a plain name (set noclobber.actor = 'nightly billing'). Unset: the database role.
// Our nodes set `noclobber.origin` besides, in lines: the actor once more, for as long as which the rest holds; what
// the log tells of the page, the import and the node. A save of one record by our node is a transaction of its own and
// sets `noclobber.origin` alone, with more lines, which both triggers go by: the table's tag, as its triggers have it;
// the log's name of the table; the page's tab and socket; the values of its lists; the fields that it changes. That is
// much cheaper than comparing the rows, and a save is what happens most often.

const WRITER = `
create function noclobber.writer_of(actor text) returns jsonb language plpgsql stable as $$
declare
  claim jsonb;
begin
  if actor is null then
    return jsonb_build_object('id', session_user, 'name', session_user, 'kind', 'database');
  end if;
  if left(actor, 1) <> '{' then
    return jsonb_build_object('id', actor, 'name', actor, 'kind', 'service');
  end if;
  claim := actor::jsonb;
  return jsonb_build_object(
    'id', coalesce(claim->>'id', claim->>'name', session_user),
    'name', coalesce(claim->>'name', claim->>'id', session_user),
    'kind', case when claim->>'kind' in ('user', 'import', 'service', 'database') then claim->>'kind' else 'service' end);
end $$;

create function noclobber.writer() returns jsonb language plpgsql stable as $$
declare
  told text[] := string_to_array(current_setting('noclobber.origin', true), E'\\n');
begin
  return noclobber.writer_of(case when told[3] is not null then told[1]
    else nullif(current_setting('noclobber.actor', true), '') end);
end $$;

create function noclobber.origin() returns jsonb language plpgsql stable as $$
declare
  told text[] := string_to_array(current_setting('noclobber.origin', true), E'\\n');
begin
  return case when told[3] is not null or told[1] = current_setting('noclobber.actor', true) then nullif(told[2], '')::jsonb end;
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

// Most sessions have one writer. As a constant, which this function claims to be, it is made once, when PL/pgSQL plans the
// expression that it stands in; that expression takes it only while role and claim are the ones it was made of.
const SESSION_WRITER = `
create function noclobber.session_writer() returns jsonb language plpgsql immutable as $$
declare
  actor text := coalesce(current_setting('noclobber.actor', true), '');
begin
  return jsonb_build_object('role', session_user, 'actor', actor, 'writer', noclobber.writer_of(nullif(actor, '')));
end $$;
`

// Runs for each row of every UPDATE, so it asks little, and one thing at a time: PL/pgSQL makes each expression that it
// comes to ready anew in every transaction. A save that says what it changes changes something; what it set is overruled all the same.
const STAMP_UPDATE = `
create function noclobber.stamp_update() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  told text[] := string_to_array(current_setting('noclobber.origin', true), E'\\n', '');
begin
  if coalesce(told[8], '{}') <> '{}' and told[3] = tg_argv[4] then
    new.version := old.version + 1;
    new.updated_at := clock_timestamp();
    new.updated_by := told[1]::jsonb;
    return new;
  end if;
  if tg_argv[3] <> '{}' or new.version is distinct from old.version or new.updated_at is distinct from old.updated_at
    or new.updated_by is distinct from old.updated_by or new *= old then
    new.version := old.version;
    new.updated_at := old.updated_at;
    new.updated_by := old.updated_by;
    if new *= old or tg_argv[3] <> '{}' and to_jsonb(new) - tg_argv[3]::text[] = to_jsonb(old) - tg_argv[3]::text[] then
      return new;
    end if;
  end if;
  new.version := old.version + 1;
  new.updated_at := clock_timestamp();
  new.updated_by := case when told[1] is null and noclobber.session_writer()->>'role' = session_user
    and noclobber.session_writer()->>'actor' = coalesce(current_setting('noclobber.actor', true), '')
    then noclobber.session_writer()->'writer' end;
  if new.updated_by is null then
    if told[1] = current_setting('noclobber.actor', true) then
      new.updated_by := told[1]::jsonb;
    else
      new.updated_by := noclobber.writer();
    end if;
  end if;
  return new;
end $$;
`

export const STAMP_FUNCTIONS = [WRITER, STAMP_INSERT, SESSION_WRITER, STAMP_UPDATE].join('\n')
