// Checks what others get of this database: who may put functions before ours, and who receives the nodes' secret.
import type { Knex } from 'knex'
import type { Finding } from './finding.ts'

/**
 * schemas: those of them in which a role may create that is neither a superuser, nor the log's owner, nor this one, nor that of the
 * database; everybody where such roles can sign in.
 */
const OPEN_SCHEMAS = `
with trusted as (
  select r.oid from pg_roles r where r.rolsuper or r.rolname in (current_user, session_user)
  union select n.nspowner from pg_namespace n where n.nspname = 'noclobber'
  union select d.datdba from pg_database d where d.datname = current_database()
  union select r.oid from pg_roles r where r.rolname = 'pg_database_owner'
)
select n.nspname as schema, pg_catalog.string_agg(distinct case a.grantee when 0 then 'everybody' else a.grantee::regrole::text end, ', ') as who
from jsonb_array_elements_text(?) s(name) join pg_namespace n on n.nspname = s.name,
  aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
where n.nspname <> 'pg_catalog' and a.privilege_type = 'CREATE' and case a.grantee
  when 0 then exists (select from pg_roles r where r.rolcanlogin and r.oid not in (select t.oid from trusted t)
    and has_database_privilege(r.oid, current_database(), 'connect') and has_schema_privilege(r.oid, n.oid, 'create'))
  else a.grantee not in (select t.oid from trusted t) end
group by n.nspname order by 1`

const PUBLISHED = `
select pg_catalog.string_agg(p.pubname, ', ' order by p.pubname) as names from pg_publication_tables p
where p.schemaname = 'noclobber' and p.tablename = 'cursor_key'`

/**
 * Notes: the operator knows whom to trust.
 *
 * @param schemas Those of the caller's search path.
 */
export const exposureFindings = async (knex: Knex, schemas: string[]): Promise<Finding[]> => {
  const findings: Finding[] = (await knex.raw(OPEN_SCHEMAS, [JSON.stringify(schemas)])).rows.map(
    ({ schema, who }: { schema: string; who: string }) => ({
      code: 'schema_open',
      level: 'note',
      table: null,
      message: `In schema ${schema}, which is on the search path, may create: ${who}. A function or an operator made there can be called in the place of PostgreSQL's, with the rights of whose search path it is.`,
      advice: `Unless you trust them: revoke create on schema ${schema} from …; or take the schema off the search path of the server's role and of the migrations'.`,
    }),
  )
  const [{ names }] = (await knex.raw(PUBLISHED)).rows
  if (names)
    findings.push({
      code: 'secret_published',
      level: 'note',
      table: null,
      message: `The nodes' secret is in noclobber.cursor_key, which ${names} publishes: each subscriber and connector receives it.`,
      advice: `Unless you trust all who receive it, publish tables by name: noclobber.record_changes, noclobber.change_batches and your own. Then change the secret: update noclobber.cursor_key set secret = default, and restart all nodes.`,
    })
  return findings
}
