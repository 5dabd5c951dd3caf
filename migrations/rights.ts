// Who may do what in the log's schema. Invariant: all of it belongs to the schema's owner, and nobody else may call a
// function of it that they weren't granted: whoever may call a trigger's function can make it a trigger of their own table.
import type { Knex } from 'knex'

/**
 * Gives everything to the schema's owner and takes from PUBLIC what PostgreSQL gives it with each new function. (Default
 * privileges would do so for all functions of that role, in every schema.)
 */
const CLOSE = `
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
`

/** Does so. Every migration ends with it. */
export const closeSchema = async (knex: Knex): Promise<void> => {
  await knex.raw(CLOSE)
}

/** What is open in the log's schema, as a sentence each. */
export const OPEN = `
select format('function noclobber.%s may be called by everybody', p.proname) as what
from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
where p.pronamespace = 'noclobber'::regnamespace and a.grantee = 0
union all
select format('function noclobber.%s belongs to %s', p.proname, p.proowner::regrole)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'noclobber' and p.proowner <> n.nspowner
union all
select format('%s belongs to %s', c.oid::regclass, c.relowner::regrole)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'noclobber' and c.relkind in ('r', 'p', 'v') and c.relowner <> n.nspowner
order by 1`
