-- For parts.sql: SQL of whether the parent `p` is one of the ids, texts, that `ids_sql` gives; `keys` and `types` are of its key.
-- The writer's search path may hold anything, so each name in it, and in what it makes, is qualified.
(select case when pg_catalog.count(*) operator(pg_catalog.=) 1
      then pg_catalog.min(pg_catalog.format('p.%I operator(pg_catalog.=) any(%s::%s[])', k.name, ids_sql, k.type))
    else pg_catalog.format('(%s) operator(pg_catalog.=) any (select %s from pg_catalog.unnest(%s) i(id))',
      pg_catalog.string_agg(pg_catalog.format('p.%I', k.name), ', ' order by k.at),
      pg_catalog.string_agg(pg_catalog.format(
        'pg_catalog.replace(pg_catalog.replace(pg_catalog.split_part(i.id, ''~'', %s), ''!1'', ''~''), ''!0'', ''!'')::%s', k.at, k.type),
        ', ' order by k.at), ids_sql) end
    from rows from (pg_catalog.unnest(keys), pg_catalog.unnest(types)) with ordinality k(name, type, at))
