-- SQL that joins the old and the new row o and n by their key.
create function noclobber.same_key(relation oid, key_column text) returns text language sql stable
  set search_path = pg_catalog, pg_temp as $$
  select string_agg(case when noclobber.is_trusted_type(a.atttypid) then format('o.%1$I = n.%1$I', k.name)
    else format('%s = %s', noclobber.text_of(relation, 'o', k.name), noclobber.text_of(relation, 'n', k.name)) end, ' and ' order by k.at)
  from unnest(noclobber.key_columns(key_column)) with ordinality k(name, at)
  join pg_attribute a on a.attrelid = relation and a.attname = k.name
$$;

-- The SQL that logs a statement of many rows, written for the table as it is now. Creations and updates go into batches of
-- at most 1,000 records of one tenant with the same changed fields and lists.
-- Of an UPDATE these are the rows that kept their key and tenant; the statement answers whether others moved, which
-- log_statement logs. The changed fields are a number, one bit for each field (m0, from 60 fields on m1): grouping by it
-- costs least.
create function noclobber.batch_statement(op text, relation oid, source text, key_column text, tenant_column text,
  lists text[], owned text[]) returns text language plpgsql stable
  set search_path = pg_catalog, pg_temp set quote_all_identifiers = off as $$
declare
  keys text[] := noclobber.key_columns(key_column);
  numbered boolean := cardinality(keys) = 1 and exists (select from pg_attribute a where a.attrelid = relation and a.attname = keys[1]
    and a.atttypid in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype));
  id text := noclobber.id_of(relation, 'n', key_column);
  tenant text := case when tenant_column = '' then 'null::text' else noclobber.shown_text(relation, 'n', tenant_column) end;
  version text := format('n.%I', owned[1]);
  was_version text := format('o.%I', owned[1]);
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
        case when t.typtype = 'e' and noclobber.is_trusted_type(t.oid) then 'an enum' else format_type(t.oid, null) end as type
      from pg_attribute a join pg_type t on t.oid = a.atttypid
      where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
        and a.attname <> all(owned[:3] || keys || tenant_column)
    ), bits as (
      select f.name, f.at, f.at / 60 as mask, 1::bigint << (f.at % 60)::integer as bit,
        noclobber.differs(f.type, noclobber.value_of(relation, 'o', f.name), noclobber.value_of(relation, 'n', f.name)) as differs
      from compared f
    ), masks as (
      select b.mask, string_agg(format('case when %s then %s else 0 end', b.differs, b.bit), ' + ') as value,
        string_agg(format('case when g.m%s & %s <> 0 then %L end', b.mask, b.bit, b.name), ', ' order by b.at) as names
      from bits b group by b.mask
    )
    select coalesce(string_agg(format(case m.mask when 0 then ', case when %3$s is null then -1 else %1$s end as m%2$s'
        else ', %1$s as m%2$s' end, m.value, m.mask, was_version), '' order by m.mask),
        format(', case when %s is null then -1 else 0 end as m0', was_version)),
      coalesce(string_agg(', m' || m.mask, '' order by m.mask), ', m0'),
      format('array_remove(array[%s]::text[], null)', string_agg(m.names, ', ' order by m.mask))
      into seen, alike, fields from masks m;
    stayed := 'g.m0 <> -1';
    rows := format('new_rows n left join old_rows o on %1$s %2$s where %3$s is null or %4$s = %3$s + 1
        or %4$s > %3$s and not exists (select from old_rows o where %1$s and %3$s = %4$s - 1)',
      noclobber.same_key(relation, key_column),
      case when tenant_column <> '' then format('and %s is not distinct from %s',
        noclobber.shown_text(relation, 'o', tenant_column), tenant) end, was_version, version);
  end if;
  if lists <> '{}' then
    select seen || string_agg(format(', %1$s as now_%2$s, %3$s as was_%2$s', noclobber.shown_text(relation, 'n', l.name), l.at,
        case op when 'UPDATE' then format('nullif(%s, %s)', noclobber.shown_text(relation, 'o', l.name),
          noclobber.shown_text(relation, 'n', l.name)) else 'null::text' end), ''),
      alike || string_agg(format(', now_%1$s, was_%1$s', l.at), ''),
      format('jsonb_build_object(%s)', string_agg(
        format('%1$L, to_jsonb(array_remove(array[g.was_%2$s, g.now_%2$s], null))', l.name, l.at), ', '))
      into seen, alike, scopes from unnest(lists) with ordinality l(name, at);
  end if;
  return format(
    'with g as materialized (
       select tenant %5$s, array_agg(id) as ids, array_agg(version) as versions, array_agg(updated_at) as times
       from (select %1$s as id, %12$s as version, %13$s as updated_at, %2$s as tenant %3$s from %4$s offset 0) c
       group by tenant %5$s
     ), made as (
       insert into noclobber.change_batches (table_name, event, tenant_id, changed_fields, scopes, updated_by, tab_id,
         socket_id, import_id, %11$s, versions, updated_ats)
       select %6$L, %7$L, g.tenant, %8$s, %9$s, $1, $2, $3, $4, g.ids[f.at:f.upto], g.versions[f.at:f.upto],
         g.times[f.at:f.upto]
       from g, lateral (select s as at, s + 999 as upto from generate_series(1, cardinality(g.ids), 1000) s) f
       where %10$s
     )
     select exists (select from g where not (%10$s))',
    case when numbered then format('n.%I::bigint', keys[1]) else id end, tenant, seen, rows, alike, source, case op when 'INSERT' then 'created' else 'updated' end, fields, scopes, stayed,
    case when numbered then 'record_numbers' else 'record_ids' end, version, noclobber.time_of(owned, 'n'));
end $$;
