-- Gives everything in the log's schema to the schema's owner, and takes from PUBLIC what PostgreSQL gives it with each new
-- function. (Default privileges would do so for all functions of that role, in every schema.)
do $$
declare
  o record;
begin
  for o in select format('%s %s', case c.relkind when 'v' then 'view' else 'table' end, c.oid::regclass) as name, n.nspowner
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'noclobber' and c.relkind in ('r', 'p', 'v') and c.relowner <> n.nspowner
    union all
    select format('function %s', p.oid::regprocedure), n.nspowner
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'noclobber' and p.proowner <> n.nspowner
  loop
    execute format('alter %s owner to %s', o.name, o.nspowner::regrole);
  end loop;
  for o in select p.oid::regprocedure as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace,
    aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where n.nspname = 'noclobber' and a.grantee = 0
  loop
    execute format('revoke all on function %s from public', o.name);
  end loop;
end $$;
