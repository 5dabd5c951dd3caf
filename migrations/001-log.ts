// The functions that write a tracked table's changes into the log, each statement's by one call.
// Invariant: each change is logged once. Which fields it changed is found by comparing the rows. For updates see 001-log-update.ts.

// One log row from a row as it was and as it is; null stands for "not there". A deletion that was still under way when
// its id was stamped anew, and is committed now, has been counted past by nobody: the write must be sent again.
const LOG_CHANGE = `
create function noclobber.scopes_of(lists text[], old_row jsonb, new_row jsonb) returns jsonb
  language plpgsql immutable as $$
begin
  if lists = '{}' then
    return null;
  end if;
  return (select jsonb_object_agg(l.name, (
    select coalesce(jsonb_agg(distinct v.value), '[]') from (values (old_row->>l.name), (new_row->>l.name)) v(value)
    where v.value is not null)) from unnest(lists) l(name));
end $$;

create function noclobber.log_change(source text, key_column text, tenant_column text, lists text[], origin jsonb,
  old_row jsonb, new_row jsonb) returns void language plpgsql as $$
declare
  shown jsonb := coalesce(new_row, old_row);
begin
  if old_row is null and exists (select from noclobber.record_changes c
      where c.table_name = source and c.record_id = shown->>key_column and c.event = 'deleted'
        and (tenant_column = '' or c.tenant_id is not distinct from shown->>tenant_column)
        and c.version >= (shown->>'version')::bigint and c.xid <> pg_current_xact_id()) then
    raise serialization_failure using message = 'The record was deleted while it was being created: try again.';
  end if;
  insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, changed_fields, scopes,
    updated_at, updated_by, tab_id, socket_id, import_id, old_row)
  values (source, shown->>key_column, (shown->>'version')::bigint + case when new_row is null then 1 else 0 end,
    case when new_row is null then 'deleted' when old_row is null then 'created' else 'updated' end,
    shown->>tenant_column,
    case when old_row is null or new_row is null then '{}' else array(
      select e.key from jsonb_each(new_row) e
      where e.value is distinct from old_row->e.key and e.key not in ('version', 'updated_at', 'updated_by')) end,
    noclobber.scopes_of(lists, old_row, new_row),
    case when new_row is null then clock_timestamp() else (new_row->>'updated_at')::timestamptz end,
    case when new_row is null then noclobber.writer() else new_row->'updated_by' end,
    origin->>'tab_id', origin->>'socket_id', origin->>'import_id',
    case when new_row is null then old_row end);
end $$;
`

// The same for a statement of many rows, written for the table as it is now. What it creates and updates goes into
// bundles, see 006-bundles.ts. Of an UPDATE these are the rows that stayed where they were; those that went to another key
// or tenant are a MOVE, deleted there and created here. Which fields differ is a number, a bit for each field: m0, and m1
// from 60 fields on; that is what rows are told apart by at the least cost. Values are compared as what one sees of them:
// two that are equal to PostgreSQL may look different.
const BUNDLE_STATEMENT = `
create function noclobber.bundle_statement(op text, relation oid, source text, key_column text, tenant_column text,
  lists text[]) returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  numbered boolean := exists (select from pg_attribute a where a.attrelid = relation and a.attname = key_column
    and a.atttypid in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype));
  rows text := 'new_rows n';
  seen text := '';
  stayed text := 'true';
  alike text := '';
  fields text := '''{}''::text[]';
  scopes text := 'null::jsonb';
begin
  if op = 'UPDATE' then
    with compared as (
      select a.attname as name, row_number() over (order by a.attnum) - 1 as at,
        case when t.typtype = 'e' or a.atttypid = any(array['bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'uuid',
          'date', 'timestamp', 'timestamptz', 'bytea', 'jsonb']::regtype[]) then '' else '::text collate "C"' end as as_text
      from pg_attribute a join pg_type t on t.oid = a.atttypid
      where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
        and a.attname not in ('version', 'updated_at', 'updated_by', key_column, tenant_column)
    ), bits as (
      select f.name, f.as_text, f.at, f.at / 60 as mask, 1::bigint << (f.at % 60)::integer as bit from compared f
    ), masks as (
      select b.mask, string_agg(format('case when n.%1$I%2$s is distinct from o.%1$I%2$s then %3$s else 0 end',
          b.name, b.as_text, b.bit), ' + ') as value,
        string_agg(format('case when g.m%s & %s <> 0 then %L end', b.mask, b.bit, b.name), ', ' order by b.at) as names
      from bits b group by b.mask
    )
    select coalesce(string_agg(format(case m.mask when 0 then ', case when o.version is null then -1 else %s end as m%s'
        else ', %s as m%s' end, m.value, m.mask), '' order by m.mask), ', case when o.version is null then -1 else 0 end as m0'),
      coalesce(string_agg(', m' || m.mask, '' order by m.mask), ', m0'),
      format('array_remove(array[%s]::text[], null)', string_agg(m.names, ', ' order by m.mask))
      into seen, alike, fields from masks m;
    stayed := 'g.m0 <> -1';
    rows := format('new_rows n left join old_rows o on o.%1$I = n.%1$I %2$s where o.version is null or n.version = o.version + 1',
      key_column, case when tenant_column <> '' then format('and o.%1$I::text is not distinct from n.%1$I::text', tenant_column) end);
  end if;
  if lists <> '{}' then
    select seen || string_agg(format(', n.%1$I::text as now_%2$s, %3$s as was_%2$s', l.name, l.at,
        case op when 'UPDATE' then format('nullif(o.%1$I::text, n.%1$I::text)', l.name) else 'null::text' end), ''),
      alike || string_agg(format(', now_%1$s, was_%1$s', l.at), ''),
      format('jsonb_build_object(%s)', string_agg(
        format('%1$L, to_jsonb(array_remove(array[g.was_%2$s, g.now_%2$s], null))', l.name, l.at), ', '))
      into seen, alike, scopes from unnest(lists) with ordinality l(name, at);
  end if;
  return format(
    'with g as materialized (
       select tenant %5$s, array_agg(id) as ids, array_agg(version) as versions, array_agg(updated_at) as times
       from (select n.%1$I::%11$s as id, n.version, n.updated_at, %2$s as tenant %3$s from %4$s offset 0) c
       group by tenant %5$s
     ), made as (
       insert into noclobber.change_bundles (table_name, event, tenant_id, changed_fields, scopes, updated_by, tab_id,
         socket_id, import_id, %12$s, versions, updated_ats)
       select %6$L, %7$L, g.tenant, %8$s, %9$s, $1, $2, $3, $4, g.ids[f.at:f.upto], g.versions[f.at:f.upto],
         g.times[f.at:f.upto]
       from g, lateral (select s as at, s + 999 as upto from generate_series(1, cardinality(g.ids), 1000) s) f
       where %10$s
     )
     select exists (select from g where not (%10$s))',
    key_column, case when tenant_column = '' then 'null::text' else format('n.%I::text', tenant_column) end, seen,
    rows, alike, source, case op when 'INSERT' then 'created' else 'updated' end, fields, scopes, stayed,
    case when numbered then 'bigint' else 'text' end, case when numbered then 'record_numbers' else 'record_ids' end);
end $$;
`

const LOG_STATEMENT = `
create function noclobber.same_place(key_column text, tenant_column text) returns text language sql immutable
  set search_path = pg_catalog, pg_temp as $$
  select format(case when tenant_column = '' then 'o.%1$I = n.%1$I'
    else 'o.%1$I = n.%1$I and coalesce(''.'' || o.%2$I::text, '''') = coalesce(''.'' || n.%2$I::text, '''')' end,
    key_column, tenant_column)
$$;

create function noclobber.log_statement(op text, source text, key_column text, tenant_column text,
  lists text[]) returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  pick text := case op when 'MOVE' then 'coalesce(n.%1$I::text, o.%1$I::text)' else 'o.%1$I::text' end;
  scopes text := 'null::jsonb';
begin
  if lists <> '{}' then
    select format('jsonb_build_object(%s)', string_agg(format('%1$L, to_jsonb(array_remove(array[%2$s], null))', l.name,
        format(case op when 'MOVE' then 'o.%1$I::text, nullif(n.%1$I::text, o.%1$I::text)' else 'o.%1$I::text' end, l.name)), ', '))
      into scopes from unnest(lists) l(name);
  end if;
  return format(
    'insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, scopes, updated_at,
       updated_by, tab_id, socket_id, import_id, old_row)
     select %L, %s, %s, %s, %s, %s, %s, $1, $2, $3, $4, %s from %s',
    source, format(pick, key_column),
    case op when 'DELETE' then 'o.version + 1' else 'coalesce(n.version, o.version + 1)' end,
    case op when 'DELETE' then '''deleted''' else 'case when n.version is null then ''deleted'' else ''created'' end' end,
    case when tenant_column = '' then 'null' else format(pick, tenant_column) end, scopes,
    case op when 'DELETE' then 'clock_timestamp()' else 'coalesce(n.updated_at, clock_timestamp())' end,
    case op when 'DELETE' then 'to_jsonb(o.*)' else 'case when n.version is null then to_jsonb(o.*) end' end,
    case op when 'DELETE' then 'old_rows o' else format(
      'old_rows o full join new_rows n on %s where o.version is null or n.version is null',
      noclobber.same_place(key_column, tenant_column)) end);
end $$;
`

// AFTER each INSERT and DELETE. A writer that is not one of our nodes wakes the feeds by an empty NOTIFY; our own nodes
// wake themselves and each other without it, because a notifying commit costs most of the commit rate.
const TOLD = `using noclobber.writer(), origin->>'tab_id', origin->>'socket_id', origin->>'import_id'`

const logAll = (name: string, rows: string, states: string, many: string) => `
create function noclobber.${name}() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  source text := tg_table_schema || '.' || tg_table_name;
  origin jsonb := noclobber.origin();
  row_count bigint := (select count(*) from (select from ${rows} limit 51) r);
begin
  if row_count between 1 and 50 then
    perform noclobber.log_change(source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], origin, ${states}) from ${rows} t;
  elsif row_count > 50 then
    ${many}
  end if;
  if row_count > 0 and origin->>'node' is null then
    perform pg_notify('noclobber', '');
  end if;
  return null;
end $$;
`

const LOG_TRUNCATE = `
create function noclobber.log_truncate() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  execute format('select noclobber.log_change($1, $2, $3, $4, $5, to_jsonb(t.*), null) from only %s t', tg_relid::regclass)
    using tg_table_schema || '.' || tg_table_name, tg_argv[0], tg_argv[1], tg_argv[2]::text[], noclobber.origin();
  perform pg_notify('noclobber', '');
  return null;
end $$;
`

export const LOG_FUNCTIONS = [
  LOG_CHANGE,
  BUNDLE_STATEMENT,
  LOG_STATEMENT,
  logAll(
    'log_insert',
    'new_rows',
    'null, to_jsonb(t.*)',
    `execute noclobber.bundle_statement('INSERT', tg_relid, source, tg_argv[0], tg_argv[1], tg_argv[2]::text[])
      ${TOLD};
    perform noclobber.unbundle_at_once(tg_relid);`,
  ),
  logAll(
    'log_delete',
    'old_rows',
    'to_jsonb(t.*), null',
    `execute noclobber.log_statement('DELETE', source, tg_argv[0], tg_argv[1], tg_argv[2]::text[])
      ${TOLD};`,
  ),
  LOG_TRUNCATE,
].join('\n')
