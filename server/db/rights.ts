// Whether the server's role may do with the change log what the server does. The triggers need no right of the role's.
// Invariant: a right that is missing is said at the start, with what to do, and not by the first save that needs it.
import type { Knex } from 'knex'
import { send, statement } from './statement.ts'

const NEEDED = ['select', 'insert', 'update', 'delete']

const LACKING = statement(`
select current_user as role, has_schema_privilege(n.oid, 'usage') as uses,
  array(select c.relname::text from pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p')
    and not (${NEEDED.map((right) => `has_table_privilege(c.oid, '${right}')`).join(' and ')}) order by 1) as tables
from pg_namespace n where n.nspname = 'noclobber'`)

/**
 * @throws Error with a sentence where the role lacks a right on the schema `noclobber` or one of its tables. Where there is
 * no such schema yet, that is said elsewhere.
 */
export const checkRights = async (knex: Knex): Promise<void> => {
  const [row] = await send(knex, LACKING, [], false)
  if (!row || (row.uses && row.tables.length === 0)) return
  const where = row.uses ? row.tables.join(', ') : 'all its tables'
  throw new Error(
    `The role ${row.role} lacks rights on the schema noclobber: it must use the schema, and ${NEEDED.join(', ')} in ${where}. ` +
      `docs/operating.md, "Rights of the server's role", has the GRANTs.`,
  )
}
