// Trigger functions that are made for columns of certain names: a column that is named costs little to read.
// Invariant: a name is data. It is quoted by `format` in one pass, so that no name is looked into for another's place.
import { LOG_UPDATE_BODY } from './log-update.ts'
import { STAMP_INSERT_BODY, STAMP_KEY_BODY, STAMP_UPDATE_BODY } from './stamp.ts'

/** Of columns whose names they go by: which, in which order. */
export type MadeFunction =
  /** The key and the tenant's column, '' where there is none. */
  | 'log_update'
  | 'stamp_insert'
  | 'stamp_key'
  /** The housekeeping columns. */
  | 'stamp_update'

// In the bodies: 1 the key, 2 the housekeeping columns put back, 3 and 4 the new and the old row's tenant, as somebody
// else's type must be read, 5 that a tombstone is of the new row's tenant.
const BODY = `
create function noclobber.trigger_body(kind text, names text[]) returns text language sql stable
  set search_path = pg_catalog, pg_temp as $made$
  select format(case kind when 'log_update' then $log$${LOG_UPDATE_BODY}$log$ when 'stamp_insert' then $insert$${STAMP_INSERT_BODY}$insert$
      when 'stamp_key' then $key$${STAMP_KEY_BODY}$key$ when 'stamp_update' then $update$${STAMP_UPDATE_BODY}$update$ end,
    names[1],
    (select string_agg(format('    kept.%1$I := old.%1$I;', name), E'\\n' order by at) from unnest(names) with ordinality u(name, at)),
    case when names[2] <> '' then format('case when num_nulls(n.%1$I) = 0 then concat(n.%1$I) end', names[2]) else 'null::text' end,
    case when names[2] <> '' then format('case when num_nulls(o.%1$I) = 0 then concat(o.%1$I) end', names[2]) else 'null::text' end,
    case when names[2] <> '' then format('and c.tenant_id is not distinct from case when num_nulls(new.%1$I) = 0 then concat(new.%1$I) end',
      names[2]) end)
$made$;
`

// What is there as it should be is left alone. A name of a function that takes a row would be a call of it, were the column dropped.
const MAKE = `
create function noclobber.trigger_function(kind text, names text[]) returns text language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  body text := noclobber.trigger_body(kind, names);
  made text := kind || '_' || left(md5(array_to_json(names)::text), 12);
  taken text := (select min(p.proname) from pg_proc p where kind = 'log_update' and p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any(names)
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
      and p.prosrc = body and p.prosecdef and p.proconfig = array['search_path=pg_catalog, pg_temp']) then
    execute format('create or replace function noclobber.%I() returns trigger language plpgsql
      security definer set search_path = pg_catalog, pg_temp as %L', made, body);
    execute format('revoke all on function noclobber.%I() from public', made);
  end if;
  return made;
end $$;
`

export const MADE_FUNCTIONS = [BODY, MAKE].join('\n')
