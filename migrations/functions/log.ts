// The functions that write a tracked table's changes into the log, each statement's by one call.
// Invariant: each change is logged once. Which fields it changed is found by comparing the rows. For updates see log-update.ts.
import { TRUSTED_TYPES } from './types.ts'

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
create function noclobber.same_key(relation oid, key_column text) returns text language sql stable
  set search_path = pg_catalog, pg_temp as $$
  select case when noclobber.is_trusted_type(a.atttypid) then format('o.%1$I = n.%1$I', key_column)
    else format('%s = %s', noclobber.text_of(relation, 'o', key_column), noclobber.text_of(relation, 'n', key_column)) end
  from pg_attribute a where a.attrelid = relation and a.attname = key_column
$$;

create function noclobber.bundle_statement(op text, relation oid, source text, key_column text, tenant_column text,
  lists text[]) returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  numbered boolean := exists (select from pg_attribute a where a.attrelid = relation and a.attname = key_column
    and a.atttypid in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype));
  id text := noclobber.text_of(relation, 'n', key_column);
  tenant text := case when tenant_column = '' then 'null::text' else noclobber.text_of(relation, 'n', tenant_column) end;
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
        case when a.atttypid = any(array['bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'uuid', 'date', 'timestamp',
            'timestamptz', 'bytea', 'jsonb']::regtype[]) or t.typtype = 'e' and noclobber.is_trusted_type(t.oid)
          then format('%I', a.attname) end as plain
      from pg_attribute a join pg_type t on t.oid = a.atttypid
      where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
        and a.attname not in ('version', 'updated_at', 'updated_by', key_column, tenant_column)
    ), bits as (
      select f.name, f.at, f.at / 60 as mask, 1::bigint << (f.at % 60)::integer as bit,
        coalesce('n.' || f.plain, noclobber.text_of(relation, 'n', f.name) || ' collate "C"') as now,
        coalesce('o.' || f.plain, noclobber.text_of(relation, 'o', f.name) || ' collate "C"') as was
      from compared f
    ), masks as (
      select b.mask, string_agg(format('case when %s is distinct from %s then %s else 0 end', b.now, b.was, b.bit), ' + ') as value,
        string_agg(format('case when g.m%s & %s <> 0 then %L end', b.mask, b.bit, b.name), ', ' order by b.at) as names
      from bits b group by b.mask
    )
    select coalesce(string_agg(format(case m.mask when 0 then ', case when o.version is null then -1 else %s end as m%s'
        else ', %s as m%s' end, m.value, m.mask), '' order by m.mask), ', case when o.version is null then -1 else 0 end as m0'),
      coalesce(string_agg(', m' || m.mask, '' order by m.mask), ', m0'),
      format('array_remove(array[%s]::text[], null)', string_agg(m.names, ', ' order by m.mask))
      into seen, alike, fields from masks m;
    stayed := 'g.m0 <> -1';
    rows := format('new_rows n left join old_rows o on %s %s where o.version is null or n.version = o.version + 1',
      noclobber.same_key(relation, key_column),
      case when tenant_column <> '' then format('and %s is not distinct from %s',
        noclobber.text_of(relation, 'o', tenant_column), tenant) end);
  end if;
  if lists <> '{}' then
    select seen || string_agg(format(', %1$s as now_%2$s, %3$s as was_%2$s', noclobber.text_of(relation, 'n', l.name), l.at,
        case op when 'UPDATE' then format('nullif(%s, %s)', noclobber.text_of(relation, 'o', l.name),
          noclobber.text_of(relation, 'n', l.name)) else 'null::text' end), ''),
      alike || string_agg(format(', now_%1$s, was_%1$s', l.at), ''),
      format('jsonb_build_object(%s)', string_agg(
        format('%1$L, to_jsonb(array_remove(array[g.was_%2$s, g.now_%2$s], null))', l.name, l.at), ', '))
      into seen, alike, scopes from unnest(lists) with ordinality l(name, at);
  end if;
  return format(
    'with g as materialized (
       select tenant %5$s, array_agg(id) as ids, array_agg(version) as versions, array_agg(updated_at) as times
       from (select %1$s as id, n.version, n.updated_at, %2$s as tenant %3$s from %4$s offset 0) c
       group by tenant %5$s
     ), made as (
       insert into noclobber.change_bundles (table_name, event, tenant_id, changed_fields, scopes, updated_by, tab_id,
         socket_id, import_id, %11$s, versions, updated_ats)
       select %6$L, %7$L, g.tenant, %8$s, %9$s, $1, $2, $3, $4, g.ids[f.at:f.upto], g.versions[f.at:f.upto],
         g.times[f.at:f.upto]
       from g, lateral (select s as at, s + 999 as upto from generate_series(1, cardinality(g.ids), 1000) s) f
       where %10$s
     )
     select exists (select from g where not (%10$s))',
    case when numbered then format('n.%I::bigint', key_column) else id end, tenant, seen, rows, alike, source, case op when 'INSERT' then 'created' else 'updated' end, fields, scopes, stayed,
    case when numbered then 'record_numbers' else 'record_ids' end);
end $$;
`

const LOG_STATEMENT = `
create function noclobber.log_statement(op text, relation oid, source text, key_column text, tenant_column text,
  lists text[]) returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  was_key text := noclobber.text_of(relation, 'o', key_column);
  key text := noclobber.text_of(relation, 'n', key_column);
  was_tenant text := case when tenant_column = '' then 'null::text' else noclobber.text_of(relation, 'o', tenant_column) end;
  tenant text := case when tenant_column = '' then 'null::text' else noclobber.text_of(relation, 'n', tenant_column) end;
  was_json text := noclobber.row_json(relation, 'o');
  scopes text := 'null::jsonb';
begin
  if lists <> '{}' then
    select format('jsonb_build_object(%s)', string_agg(format('%L, to_jsonb(array_remove(array[%s], null))', l.name,
        case op when 'MOVE' then format('%1$s, nullif(%2$s, %1$s)', noclobber.text_of(relation, 'o', l.name),
          noclobber.text_of(relation, 'n', l.name)) else noclobber.text_of(relation, 'o', l.name) end), ', '))
      into scopes from unnest(lists) l(name);
  end if;
  return format(
    'insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, scopes, updated_at,
       updated_by, tab_id, socket_id, import_id, old_row)
     select %L, %s, %s, %s, %s, %s, %s, $1, $2, $3, $4, %s from %s',
    source, case op when 'MOVE' then format('coalesce(%s, %s)', key, was_key) else was_key end,
    case op when 'DELETE' then 'o.version + 1' else 'coalesce(n.version, o.version + 1)' end,
    case op when 'DELETE' then '''deleted''' else 'case when n.version is null then ''deleted'' else ''created'' end' end,
    case op when 'MOVE' then format('coalesce(%s, %s)', tenant, was_tenant) else was_tenant end, scopes,
    case op when 'DELETE' then 'clock_timestamp()' else 'coalesce(n.updated_at, clock_timestamp())' end,
    case op when 'DELETE' then was_json else format('case when n.version is null then %s end', was_json) end,
    case op when 'DELETE' then 'old_rows o' else format(
      'old_rows o full join new_rows n on %s %s where o.version is null or n.version is null',
      noclobber.same_key(relation, key_column), case when tenant_column <> '' then
        format('and coalesce(''.'' || %s, '''') = coalesce(''.'' || %s, '''')', was_tenant, tenant) end) end);
end $$;
`

// AFTER each INSERT and DELETE. A writer that is not one of our nodes wakes the feeds by an empty NOTIFY; our own nodes
// wake themselves and each other without it, because a notifying commit costs most of the commit rate.
const TOLD = `using noclobber.writer(), origin->>'tab_id', origin->>'socket_id', origin->>'import_id'`

const logAll = (name: string, rows: string, states: (row: string) => string, many: string) => `
create function noclobber.${name}() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  source text := tg_table_schema || '.' || tg_table_name;
  origin jsonb := case when strpos(current_setting('noclobber.actor', true), E'\\n') > 0 then noclobber.origin() end;
  row_count bigint;
  trusted boolean;
begin
  select count(*), ${TRUSTED_TYPES} into row_count, trusted from (select from ${rows} limit 51) r;
  if not trusted then
    perform noclobber.check_own_columns(tg_relid);
  end if;
  if row_count between 1 and 50 and trusted then
    perform noclobber.log_change(source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], origin, ${states('to_jsonb(t.*)')})
      from ${rows} t;
  elsif row_count between 1 and 50 then
    execute format('select noclobber.log_change($1, $2, $3, $4, $5, ${states('%s')}) from ${rows} t',
        noclobber.row_json(tg_relid, 't'))
      using source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], origin;
  elsif row_count > 50 then
    ${many}
  end if;
  if row_count > 0 and origin->>'node' is null then
    perform pg_notify('noclobber', '');
  end if;
  return null;
end $$;
`

// A TRUNCATE has no transition tables, and whoever reads a table itself may run what its owner made: row security, the
// expressions of its indexes. So it is told of tables of the log's owner and of superusers alone.
const LOG_TRUNCATE = `
create function noclobber.log_truncate() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not noclobber.is_trusted_owner((select c.relowner from pg_class c where c.oid = tg_relid)) then
    raise insufficient_privilege using
      message = format('Table %s can''t be truncated: it is tracked, and another role''s than the change log.', tg_relid::regclass),
      hint = 'DELETE its rows instead.';
  end if;
  execute format('select noclobber.log_change($1, $2, $3, $4, $5, %s, null) from only %s t',
      noclobber.row_json(tg_relid, 't'), tg_relid::regclass)
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
    (row) => `null, ${row}`,
    `execute noclobber.bundle_statement('INSERT', tg_relid, source, tg_argv[0], tg_argv[1], tg_argv[2]::text[])
      ${TOLD};
    perform noclobber.unbundle_at_once(tg_relid);`,
  ),
  logAll(
    'log_delete',
    'old_rows',
    (row) => `${row}, null`,
    `execute noclobber.log_statement('DELETE', tg_relid, source, tg_argv[0], tg_argv[1], tg_argv[2]::text[])
      ${TOLD};`,
  ),
  LOG_TRUNCATE,
].join('\n')
