-- Ids of records: the text of the key, and of a key of several columns the texts of its parts, joined by "~". Within a part "!" is
-- written "!0" and "~" is written "!1", so no two keys have one id. The same in TypeScript is server/tables/record-id.ts.
--
-- The first argument of a trigger names the key: a column, or several as an array, {"order_id","line"}. One column whose name
-- begins with a brace stands in an array too.
create function noclobber.key_columns(key text) returns text[] language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when left(key, 1) = '{' then key::text[] else array[key] end
$$;

-- The id in a row that is jsonb.
create function noclobber.composite_id(shown jsonb, key text) returns text language sql stable
  set search_path = pg_catalog, pg_temp as $$
  select case when count(*) = 1 then min(shown->>k.name)
    else string_agg(replace(replace(shown->>k.name, '!', '!0'), '~', '!1'), '~' order by k.at) end
  from unnest(key::text[]) with ordinality k(name, at)
$$;

-- The same of every key. It is inlined into the expressions that call it.
create function noclobber.id_in(shown jsonb, key text) returns text language sql stable as $$
  select case when left(key, 1) = '{' then noclobber.composite_id(shown, key) else shown->>key end
$$;

-- SQL that reads a row's id as text, null where there is no row.
create function noclobber.id_of(relation oid, row_name text, key text) returns text language sql stable
  set search_path = pg_catalog, pg_temp as $$
  select case when count(*) = 1 then min(noclobber.text_of(relation, row_name, k.name))
    else format('(%s)', string_agg(format('replace(replace(%s, ''!'', ''!0''), ''~'', ''!1'')', noclobber.text_of(relation, row_name, k.name)),
      ' || ''~'' || ' order by k.at)) end
  from unnest(noclobber.key_columns(key)) with ordinality k(name, at)
$$;
