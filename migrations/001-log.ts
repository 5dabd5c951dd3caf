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

// The same for a statement of many rows: one INSERT, written for the table as it is now. Of an UPDATE it logs the rows
// that stayed where they were; those that went to another key or tenant are a MOVE, deleted there and created here.
const LOG_STATEMENT = `
create function noclobber.log_statement(op text, relation oid, source text, key_column text, tenant_column text,
  lists text[]) returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  shown text := case op when 'DELETE' then 'o' else 'n' end;
  pick text := case op when 'MOVE' then 'coalesce(n.%1$I::text, o.%1$I::text)' else shown || '.%1$I::text' end;
  tenant text := case when tenant_column = '' then 'null' else format(pick, tenant_column) end;
  same_place text := format(case when tenant_column = '' then 'o.%1$I = n.%1$I'
    else 'o.%1$I = n.%1$I and coalesce(o.%2$I::text, '''') = coalesce(n.%2$I::text, '''')' end, key_column, tenant_column);
  fields text := '''{}''::text[]';
  scopes text := 'null::jsonb';
begin
  if op = 'UPDATE' then
    select format('array_remove(array[%s]::text[], null)', string_agg(
      format('case when n.%1$I%2$s is distinct from o.%1$I%2$s then %1$L end', a.attname,
        case when t.typtype = 'e' or c.oid is not null then '' else '::text' end), ', ' order by a.attnum))
      into fields from pg_attribute a join pg_type t on t.oid = a.atttypid
      left join pg_opclass c on c.opcintype = t.oid and c.opcdefault and c.opcmethod = 403
        and c.opcnamespace = 'pg_catalog'::regnamespace
      where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
        and a.attname not in ('version', 'updated_at', 'updated_by');
  end if;
  if lists <> '{}' then
    select format('jsonb_build_object(%s)', string_agg(case
      when op in ('UPDATE', 'MOVE') then format('%1$L, case when n.%1$I::text = o.%1$I::text
        then jsonb_build_array(n.%1$I::text) else to_jsonb(array_remove(array[o.%1$I::text, n.%1$I::text], null)) end', l.name)
      else format('%2$L, to_jsonb(array_remove(array[%1$s.%2$I::text], null))', shown, l.name) end, ', '))
      into scopes from unnest(lists) l(name);
  end if;
  return format(
    'insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, changed_fields, scopes,
       updated_at, updated_by, tab_id, socket_id, import_id, old_row)
     select %L, %s, %s, %s, %s, %s, %s, %s, $1, $2, $3, $4, %s from %s',
    source, format(pick, key_column),
    case op when 'DELETE' then 'o.version + 1' when 'MOVE' then 'coalesce(n.version, o.version + 1)' else 'n.version' end,
    case op when 'DELETE' then '''deleted''' when 'INSERT' then '''created''' when 'UPDATE' then '''updated'''
      else 'case when n.version is null then ''deleted'' else ''created'' end' end,
    tenant, fields, scopes,
    case op when 'DELETE' then 'clock_timestamp()' when 'MOVE' then 'coalesce(n.updated_at, clock_timestamp())'
      else 'n.updated_at' end,
    case op when 'DELETE' then 'to_jsonb(o)' when 'MOVE' then 'case when n.version is null then to_jsonb(o) end'
      else 'null::jsonb' end,
    case op when 'DELETE' then 'old_rows o' when 'INSERT' then 'new_rows n'
      when 'UPDATE' then format('old_rows o join new_rows n on %s where n.version <> o.version', same_place)
      else format('old_rows o full join new_rows n on %s where o.version is null or n.version is null', same_place) end);
end $$;
`

// AFTER each INSERT and DELETE. A writer that is not one of our nodes wakes the feeds by an empty NOTIFY; our own nodes
// wake themselves and each other without it, because a notifying commit costs most of the commit rate.
const logAll = (name: string, rows: string, states: string) => `
create function noclobber.${name}() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  source text := tg_table_schema || '.' || tg_table_name;
  origin jsonb := noclobber.origin();
  row_count bigint := (select count(*) from (select from ${rows} limit 51) r);
begin
  if row_count between 1 and 50 then
    perform noclobber.log_change(source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], origin, ${states}) from ${rows} t;
  elsif row_count > 50 then
    execute noclobber.log_statement(tg_op, tg_relid, source, tg_argv[0], tg_argv[1], tg_argv[2]::text[])
      using noclobber.writer(), origin->>'tab_id', origin->>'socket_id', origin->>'import_id';
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
  execute format('select noclobber.log_change($1, $2, $3, $4, $5, to_jsonb(t), null) from only %s t', tg_relid::regclass)
    using tg_table_schema || '.' || tg_table_name, tg_argv[0], tg_argv[1], tg_argv[2]::text[], noclobber.origin();
  perform pg_notify('noclobber', '');
  return null;
end $$;
`

export const LOG_FUNCTIONS = [
  LOG_CHANGE,
  LOG_STATEMENT,
  logAll('log_insert', 'new_rows', 'null, to_jsonb(t)'),
  logAll('log_delete', 'old_rows', 'to_jsonb(t), null'),
  LOG_TRUNCATE,
].join('\n')
