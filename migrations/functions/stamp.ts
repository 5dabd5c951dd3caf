// The functions that stamp a tracked row: who writes, and the version. One set serves every table: the trigger's
// arguments say which column is the key, which the tenant, which name lists, which are housekeeping; columns added or
// renamed later are seen at once, because rows are compared whole.
// Invariant: nobody but the trigger decides a version. +1 for each change of a row, none for a write that changes
// nothing or housekeeping alone.
//
// Who writes is told by the setting `noclobber.actor`, see writer-setting.ts. What is stored is always normalized: a node
// signs what it has normalized itself, and everything else goes through `normalized_writer`.
import { LONGEST, linesOf, NOT_IN_NAMES, SETTING, SIGNATURE_FUNCTIONS, toldOf } from './writer-setting.ts'

const SETTING_LINES = linesOf(SETTING)
const SIGNED_WRITER = toldOf('writer', 'told')

// The one place where a claim becomes a writer: id, name, kind, and of an agent on whose behalf; nothing else is kept. In
// TypeScript it is `normalizedWriter` of server/log/stored-writer.ts.
const NORMALIZED = `
create function noclobber.plain_text(claimed jsonb, longest integer) returns text language sql immutable
  set search_path = pg_catalog, pg_temp as $$
  select nullif(btrim(left(btrim(regexp_replace(claimed #>> '{}', '${NOT_IN_NAMES}', '', 'g')), longest)), '')
  where jsonb_typeof(claimed) in ('string', 'number')
$$;

create function noclobber.normalized_person(claim jsonb) returns jsonb language sql immutable
  set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
      'id', coalesce(noclobber.plain_text(claim->'id', ${LONGEST.id}), noclobber.plain_text(claim->'name', ${LONGEST.id})),
      'name', coalesce(noclobber.plain_text(claim->'name', ${LONGEST.name}), noclobber.plain_text(claim->'id', ${LONGEST.name})))
  where coalesce(noclobber.plain_text(claim->'id', 1), noclobber.plain_text(claim->'name', 1)) is not null
$$;

create function noclobber.normalized_writer(claim jsonb) returns jsonb language sql immutable
  set search_path = pg_catalog, pg_temp as $$
  select noclobber.normalized_person(claim)
    || jsonb_build_object('kind', case when claim->>'kind' in ('user', 'import', 'service', 'database', 'agent')
         then claim->>'kind' else 'service' end)
    || case when claim->>'kind' = 'agent' and noclobber.normalized_person(claim->'on_behalf_of') is not null
         then jsonb_build_object('on_behalf_of', noclobber.normalized_person(claim->'on_behalf_of')) else '{}' end
$$;
`

// What begins with a brace and is no JSON is a name like any other.
const WRITER = `
create function noclobber.claim_of(setting text) returns jsonb language plpgsql immutable
  set search_path = pg_catalog, pg_temp as $$
begin
  if left(setting, 1) = '{' then
    return setting::jsonb;
  end if;
  return jsonb_build_object('id', setting);
exception when data_exception or statement_too_complex then
  return case when strpos(setting, E'\\n') > 0 then noclobber.claim_of(split_part(setting, E'\\n', 1))
    else jsonb_build_object('id', setting) end;
end $$;

create function noclobber.writer_of(actor text) returns jsonb language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
declare
  told text[] := ${linesOf('actor')};
  claim jsonb := case when ${SIGNED_WRITER} is not null and left(actor, 1) <> '{' then noclobber.claim_of(${SIGNED_WRITER})
    when actor <> '' then noclobber.claim_of(actor) end;
begin
  return coalesce(noclobber.normalized_writer(claim),
    noclobber.normalized_writer(jsonb_build_object('id', session_user, 'kind', 'database')));
end $$;

create function noclobber.writer() returns jsonb language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
declare
  told text[] := ${SETTING_LINES};
begin
  if noclobber.is_signed(told) then
    return ${SIGNED_WRITER}::jsonb;
  end if;
  return noclobber.writer_of(${SETTING});
end $$;

create function noclobber.origin() returns jsonb language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
declare
  told text[] := ${SETTING_LINES};
begin
  if noclobber.is_signed(told) then
    return jsonb_build_object(${(['tab_id', 'socket_id', 'import_id', 'node'] as const)
      .map((name) => `'${name}', ${toldOf(name, 'told')}`)
      .join(', ')});
  end if;
  return null;
end $$;
`

// Setting a column casts to its type, and checks it where it is a domain: so before anything else it is seen that the three
// columns are of PostgreSQL's own types. Looking at a type runs nothing of its owner's.
export const CHECK_TYPES = `
  if not (pg_catalog.pg_typeof(new.version) operator(pg_catalog.=) any('{bigint,integer}'::pg_catalog.regtype[])
    and pg_catalog.pg_typeof(new.updated_at) operator(pg_catalog.=) 'timestamptz'::pg_catalog.regtype
    and pg_catalog.pg_typeof(new.updated_by) operator(pg_catalog.=) 'jsonb'::pg_catalog.regtype) then
    raise datatype_mismatch using message = pg_catalog.concat('Table ', tg_table_name,
      ' can''t be written: version, updated_at or updated_by is of another type than tracking asks for.');
  end if;`

// An id that was deleted and comes back goes on counting after its tombstone, so that an editor still holding the old
// record can't mistake the new one for it. The same where a record goes to a key, or to a tenant, where one was deleted
// before. Another tenant's tombstones count for nothing: the version would tell of them.
const TOMBSTONES = `from noclobber.record_changes c
    where c.table_name = tg_table_schema || '.' || tg_table_name
      and c.record_id = concat(new.%1$I) and c.event = 'deleted' %5$s`

export const STAMP_INSERT_BODY = `
begin${CHECK_TYPES}
  new.version := coalesce((select max(c.version) ${TOMBSTONES}), 0) + 1;
  new.updated_at := clock_timestamp();
  new.updated_by := noclobber.writer();
  return new;
end `

export const STAMP_KEY_BODY = `
begin${CHECK_TYPES}
  new.version := greatest(new.version, (select max(c.version) + 1 ${TOMBSTONES}));
  return new;
end `

// Most sessions have one writer besides those that our nodes name. As a constant, which this function claims to be, it is
// made once, when PL/pgSQL plans the expression that it stands in; it is taken only while role and claim are the ones it
// was made of.
const SESSION_WRITER = `
create function noclobber.session_writer() returns jsonb language plpgsql immutable
  set search_path = pg_catalog, pg_temp as $$
declare
  setting text := coalesce(${SETTING}, '');
  own text := case when noclobber.is_signed(${linesOf('setting')}) then '' else setting end;
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
// Copies of the rows are compared: taking NEW as a whole value reads its large values into it, and PostgreSQL would store
// them anew at each update, although they haven't changed.
const STAMP_UPDATE = `
create function noclobber.keep_writer() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.updated_by := old.updated_by;
  return new;
end $$;

create function noclobber.stamp_update() returns trigger language plpgsql stable security definer as $$
declare
  told pg_catalog.text[];
  before record := old;
  after record := new;
begin${CHECK_TYPES}
  if coalesce(pg_catalog.strpos(${SETTING}, E'\\n'), 0) operator(pg_catalog.=) 0
    and after operator(pg_catalog.*<>) before and new.version operator(pg_catalog.=) old.version
    and new.updated_at operator(pg_catalog.=) old.updated_at then
    new.version := old.version operator(pg_catalog.+) 1;
    new.updated_at := pg_catalog.clock_timestamp();
    new.updated_by := case when noclobber.session_writer() operator(pg_catalog.->>) 'actor'
        operator(pg_catalog.=) coalesce(${SETTING}, '')
      and noclobber.session_writer() operator(pg_catalog.->>) 'role' operator(pg_catalog.=) session_user
      then noclobber.session_writer() operator(pg_catalog.->) 'writer' else noclobber.writer() end;
    return new;
  end if;
  told := ${SETTING_LINES};
  if after operator(pg_catalog.*<>) before and new.version operator(pg_catalog.=) old.version
    and new.updated_at operator(pg_catalog.=) old.updated_at and noclobber.is_signed(told) then
    new.version := old.version operator(pg_catalog.+) 1;
    new.updated_at := pg_catalog.clock_timestamp();
    new.updated_by := ${SIGNED_WRITER}::pg_catalog.jsonb;
    return new;
  end if;
  new.version := old.version;
  new.updated_at := old.updated_at;
  new.updated_by := old.updated_by;
  after := new;
  if after operator(pg_catalog.*=) before then
    return new;
  end if;
  new.version := old.version operator(pg_catalog.+) 1;
  new.updated_at := pg_catalog.clock_timestamp();
  new.updated_by := noclobber.writer();
  return new;
end $$;
`

// The same for a table that has housekeeping columns, where each row is looked at twice: as it is, and with those columns
// as they were. A field takes a value of its own type as it is.
export const STAMP_UPDATE_BODY = `
declare
  kept record;
  before record;
begin${CHECK_TYPES}
  new.version := old.version;
  new.updated_at := old.updated_at;
  new.updated_by := old.updated_by;
  kept := new;
  before := old;
%2$s
  if kept *= before then
    return new;
  end if;
  new.version := old.version + 1;
  new.updated_at := clock_timestamp();
  new.updated_by := noclobber.writer();
  return new;
end `

export const STAMP_FUNCTIONS = [SIGNATURE_FUNCTIONS, NORMALIZED, WRITER, SESSION_WRITER, STAMP_UPDATE].join(
  '\n',
)
