// Work on all tracked tables, for migrations that change what their triggers call.
import { TRIGGER_ARGUMENTS } from './trigger-arguments.ts'

const TRACKED = `
select g.tgrelid::regclass as name, g.tgrelid as id, g.args[1] as key, g.args[2] as tenant, g.args[4]::text[] as ignored,
  (select string_agg(quote_literal(a), ', ' order by at) from unnest(g.args[1:g.count]) with ordinality u(a, at)) as args
from (select g.tgrelid, g.tgnargs as count, ${TRIGGER_ARGUMENTS} as args from pg_trigger g
  where g.tgname = 'zz_noclobber_stamp' and g.tgparentid = 0) g order by g.tgrelid`

/** `work`: PL/pgSQL, for each table as `t`. */
export const forEachTracked = (work: string) => `
do $$
declare
  t record;
begin
  for t in ${TRACKED} loop
    ${work}
  end loop;
end $$;
`

/** Tables are locked before the log, as writers do. */
export const LOCK_TRACKED = forEachTracked(`
    if not (select pg_has_role(c.relowner, 'usage') from pg_class c where c.oid = t.id) then
      raise insufficient_privilege using message = format('Table %s is tracked, and belongs to %s, of which %s is no member.',
          t.name, (select c.relowner::regrole from pg_class c where c.oid = t.id), current_user),
        hint = 'Migrate as a role that is a member of the owners of all tracked tables.';
    end if;
    execute format('lock table %s in share row exclusive mode', t.name);`)
