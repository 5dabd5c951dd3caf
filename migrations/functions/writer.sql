-- A name or an id, cleaned: without control and direction characters, trimmed, of limited length. The writer's functions
-- are the one place in SQL where a claim becomes a writer: id, name, kind, and of an agent on whose behalf; nothing else
-- is kept. The same in TypeScript is normalizedWriter of server/log/stored-writer.ts.
create function noclobber.plain_text(claimed jsonb, longest integer) returns text language sql immutable
  set search_path = pg_catalog, pg_temp as $$
  select nullif(btrim(left(btrim(regexp_replace(claimed #>> '{}', :not_in_names, '', 'g')), longest)), '')
  where jsonb_typeof(claimed) in ('string', 'number')
$$;

create function noclobber.normalized_person(claim jsonb) returns jsonb language sql immutable
  set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
      'id', coalesce(noclobber.plain_text(claim->'id', :longest_id), noclobber.plain_text(claim->'name', :longest_id)),
      'name', coalesce(noclobber.plain_text(claim->'name', :longest_name), noclobber.plain_text(claim->'id', :longest_name)))
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

-- What a setting claims. What begins with a brace and is no JSON is a name like any other.
create function noclobber.claim_of(setting text) returns jsonb language plpgsql immutable
  set search_path = pg_catalog, pg_temp as $$
begin
  if left(setting, 1) = '{' then
    return setting::jsonb;
  end if;
  return jsonb_build_object('id', setting);
exception when data_exception or statement_too_complex then
  return case when strpos(setting, E'\n') > 0 then noclobber.claim_of(split_part(setting, E'\n', 1))
    else jsonb_build_object('id', setting) end;
end $$;

-- The writer that a setting claims; the database role where it claims none.
create function noclobber.writer_of(actor text) returns jsonb language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
declare
  lines text[] := pg_catalog.string_to_array(actor, E'\n', '');
  claim jsonb := case when lines[:line_writer] is not null and left(actor, 1) <> '{' then noclobber.claim_of(lines[:line_writer])
    when actor <> '' then noclobber.claim_of(actor) end;
begin
  return coalesce(noclobber.normalized_writer(claim),
    noclobber.normalized_writer(jsonb_build_object('id', session_user, 'kind', 'database')));
end $$;

-- The current writer: as a node signed it, else normalized.
create function noclobber.writer() returns jsonb language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
declare
  lines text[] := :setting_lines;
begin
  if noclobber.is_signed(lines) then
    return lines[:line_writer]::jsonb;
  end if;
  return noclobber.writer_of(:setting);
end $$;

-- The current writer's id as the key of a user, for a column that holds one: null where it is no such key. Where the column is a
-- foreign key, that user must be there. Reading another table may run what its owner made, so that owner must be trusted.
create function noclobber.writer_key(relation oid, column_name text) returns text language plpgsql stable
  set search_path = pg_catalog, pg_temp set quote_all_identifiers = off as $$
declare
  id text := noclobber.writer()->>'id';
  of_type text;
  longest integer;
  parent record;
  is_there boolean;
begin
  select format_type(a.atttypid, null), a.atttypmod - 4 into of_type, longest from pg_attribute a
    where a.attrelid = relation and a.attname = column_name;
  case of_type
    when 'uuid' then
      if id !~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then
        return null;
      end if;
    when 'integer', 'bigint' then
      if id !~ '^(0|-?[1-9][0-9]{0,18})$' or abs(id::numeric) > (case of_type when 'bigint' then 9223372036854775807 else 2147483647 end) then
        return null;
      end if;
    else
      if longest > 0 and length(id) > longest then
        return null;
      end if;
  end case;
  for parent in select k.confrelid::regclass as name, a.attname as key, noclobber.is_trusted_owner(c.relowner) as is_trusted
    from pg_constraint k join pg_class c on c.oid = k.confrelid join pg_attribute a on a.attrelid = k.confrelid and a.attnum = k.confkey[1]
    where k.conrelid = relation and k.contype = 'f' and k.conkey = array[(select o.attnum from pg_attribute o
      where o.attrelid = relation and o.attname = column_name)]
  loop
    if not parent.is_trusted then
      return null;
    end if;
    execute format('select exists (select from %s p where p.%I = $1::%s)', parent.name, parent.key, of_type) into is_there using id;
    if not is_there then
      return null;
    end if;
  end loop;
  return id;
end $$;

-- Where the current change comes from, if a node signed it: tab, socket, import.
create function noclobber.origin() returns jsonb language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
declare
  lines text[] := :setting_lines;
begin
  if noclobber.is_ours(lines) and noclobber.is_signed(lines) then
    return :origin_of_lines;
  end if;
  return null;
end $$;

-- Most sessions have one writer besides those that nodes name. As a constant, which this function claims to be, it is made
-- once, when PL/pgSQL plans the expression that it stands in. It is used only while role and setting are those that it was
-- made of.
create function noclobber.session_writer() returns jsonb language plpgsql immutable
  set search_path = pg_catalog, pg_temp as $$
declare
  setting text := coalesce(:setting, '');
  own text := case when noclobber.is_signed(pg_catalog.string_to_array(setting, E'\n', '')) then '' else setting end;
begin
  return jsonb_build_object('role', session_user, 'actor', own, 'writer', noclobber.writer_of(own));
end $$;
