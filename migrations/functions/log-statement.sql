-- The SQL that logs what batches don't hold: all rows of a DELETE, and of an UPDATE the rows that went to another key or
-- tenant (MOVE), deleted there and created here.
create function noclobber.log_statement(op text, relation oid, source text, key_column text, tenant_column text,
  lists text[], owned text[]) returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  was_key text := noclobber.id_of(relation, 'o', key_column);
  key text := noclobber.id_of(relation, 'n', key_column);
  was_tenant text := case when tenant_column = '' then 'null::text' else noclobber.shown_text(relation, 'o', tenant_column) end;
  tenant text := case when tenant_column = '' then 'null::text' else noclobber.shown_text(relation, 'n', tenant_column) end;
  was_json text := noclobber.row_json(relation, 'o');
  scopes text := 'null::jsonb';
  was_version text := format('o.%I', owned[1]);
  version text := format('n.%I', owned[1]);
begin
  if lists <> '{}' then
    select format('jsonb_build_object(%s)', string_agg(format('%L, to_jsonb(array_remove(array[%s], null))', l.name,
        case op when 'MOVE' then format('%1$s, nullif(%2$s, %1$s)', noclobber.shown_text(relation, 'o', l.name),
          noclobber.shown_text(relation, 'n', l.name)) else noclobber.shown_text(relation, 'o', l.name) end), ', '))
      into scopes from unnest(lists) l(name);
  end if;
  return format(
    'insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, scopes, updated_at,
       updated_by, tab_id, socket_id, import_id, old_row)
     select %L, %s, %s, %s, %s, %s, %s, $1, $2, $3, $4, %s from %s',
    source, case op when 'MOVE' then format('coalesce(%s, %s)', key, was_key) else was_key end,
    format(case op when 'DELETE' then 'noclobber.next_version(%1$s, %3$s::oid)'
      else 'coalesce(%2$s, noclobber.next_version(%1$s, %3$s::oid))' end, was_version, version, relation),
    case op when 'DELETE' then '''deleted''' else format('case when %s is null then ''deleted'' else ''created'' end', version) end,
    case op when 'MOVE' then format('coalesce(%s, %s)', tenant, was_tenant) else was_tenant end, scopes,
    case op when 'DELETE' then 'clock_timestamp()' else format('coalesce(%s, clock_timestamp())', noclobber.time_of(owned, 'n')) end,
    case op when 'DELETE' then was_json else format('case when %s is null then %s end', version, was_json) end,
    case op when 'DELETE' then 'old_rows o' else format(
      'old_rows o full join new_rows n on %s %s where %s is null or %s is null',
      noclobber.same_key(relation, key_column), case when tenant_column <> '' then
        format('and coalesce(''.'' || %s, '''') = coalesce(''.'' || %s, '''')', was_tenant, tenant) end, was_version, version) end);
end $$;

-- The SQL that logs an UPDATE of a few rows one by one, where JSON doesn't show of all columns what differs, see plain-types.sql.
create function noclobber.few_statement(relation oid, key_column text, tenant_column text, owned text[]) returns text
  language sql stable set search_path = pg_catalog, pg_temp set quote_all_identifiers = off as $$
  select format(
    'select noclobber.log_change($1, $2, $3, $4, $5, $6, case when %1$s is not null then %3$s end, case when %2$s is not null then %4$s end,
         $7, array_remove(array[%5$s]::text[], null))
       from old_rows o full join new_rows n on %6$s %7$s
       where coalesce(%2$s = %1$s + 1 or %2$s > %1$s and not exists (select from old_rows x where %8$s = %9$s and x.%10$I = %2$s - 1), true)',
    format('o.%I', owned[1]), format('n.%I', owned[1]), noclobber.row_json(relation, 'o'), noclobber.row_json(relation, 'n'),
    (select string_agg(format('case when %s then %L end', noclobber.differs(format_type(a.atttypid, null),
        noclobber.value_of(relation, 'o', a.attname), noclobber.value_of(relation, 'n', a.attname)), a.attname), ', '
        order by a.attnum) from pg_attribute a
      where a.attrelid = relation and a.attnum > 0 and not a.attisdropped and a.attname <> all(owned[:3])),
    noclobber.same_key(relation, key_column), case when tenant_column <> '' then format('and coalesce(''.'' || %s, '''') = coalesce(''.'' || %s, '''')',
      noclobber.shown_text(relation, 'o', tenant_column), noclobber.shown_text(relation, 'n', tenant_column)) end,
    noclobber.id_of(relation, 'x', key_column), noclobber.id_of(relation, 'n', key_column), owned[1])
$$;
