// Who may do what in the log's schema. Invariant: all of it belongs to the schema's owner, and nobody else may call a
// function of it that they weren't granted: a role that may call a trigger's function can make it a trigger of its own table.
import type { Knex } from 'knex'
import { runSql } from './sql.ts'

/** Closes the schema. Every migration ends with it. */
export const closeSchema = async (knex: Knex): Promise<void> => {
  await runSql(knex, 'close-schema.sql')
}

/** What is open in the log's schema, as a sentence each. */
export const OPEN = `
select pg_catalog.format('function noclobber.%s may be called by everybody', p.proname) as what
from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
where p.pronamespace = 'noclobber'::regnamespace and a.grantee = 0
union all
select pg_catalog.format('function noclobber.%s belongs to %s', p.proname, p.proowner::regrole)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'noclobber' and p.proowner <> n.nspowner
union all
select pg_catalog.format('%s belongs to %s', c.oid::regclass, c.relowner::regrole)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'noclobber' and c.relkind in ('r', 'p', 'v') and c.relowner <> n.nspowner
order by 1`
