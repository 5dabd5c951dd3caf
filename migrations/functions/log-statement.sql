-- The SQL that logs what batches don't hold: all rows of a DELETE, and of an UPDATE the rows that went to another key or
-- tenant (MOVE), deleted there and created here.
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
    format(case op when 'DELETE' then 'noclobber.next_version(o.version, %1$s::oid)'
      else 'coalesce(n.version, noclobber.next_version(o.version, %1$s::oid))' end, relation),
    case op when 'DELETE' then '''deleted''' else 'case when n.version is null then ''deleted'' else ''created'' end' end,
    case op when 'MOVE' then format('coalesce(%s, %s)', tenant, was_tenant) else was_tenant end, scopes,
    case op when 'DELETE' then 'clock_timestamp()' else 'coalesce(n.updated_at, clock_timestamp())' end,
    case op when 'DELETE' then was_json else format('case when n.version is null then %s end', was_json) end,
    case op when 'DELETE' then 'old_rows o' else format(
      'old_rows o full join new_rows n on %s %s where o.version is null or n.version is null',
      noclobber.same_key(relation, key_column), case when tenant_column <> '' then
        format('and coalesce(''.'' || %s, '''') = coalesce(''.'' || %s, '''')', was_tenant, tenant) end) end);
end $$;
