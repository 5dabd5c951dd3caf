// Whether the server's role may do with the change log what the server does. The triggers need no right of the role's.
// Invariant: a right that is missing is said at the start, with what to do, and not by the first save that needs it.
import type { Knex } from 'knex'
import { groupBy } from '../base/groups.ts'
import { SetupError } from '../base/setup-error.ts'
import { send, statement } from './statement.ts'

/** Where the GRANTs are. */
export const MANUAL = `docs/operating.md, "Rights of the server's role"`

/** By table; nobody but the triggers adds to the log itself. */
export const NEEDED: Record<string, string[]> = {
  record_changes: ['select', 'update', 'delete'],
  change_batches: ['select', 'update'],
  batched_changes: ['select'],
  changes: ['select'],
  mutations: ['select', 'insert', 'update', 'delete'],
  proposals: ['select', 'insert', 'update', 'delete'],
  imports: ['select', 'insert', 'delete'],
  retentions: ['select'],
  log_horizon: ['select', 'update'],
  log_epoch: ['select'],
  cursor_key: ['select'],
  import_locks: ['insert', 'delete'],
}

/** What a server calls. */
const CALLED = ['epoch', 'compact', 'wire_text']

const LACKING = statement(`
select current_user as role, has_schema_privilege(n.oid, 'usage') as uses,
  exists (select from pg_class c where c.relnamespace = n.oid and c.relname = 'record_changes')
    and not exists (select from pg_class c where c.relnamespace = n.oid and c.relname = 'retentions') as is_outdated,
  array(select array[needed.right, c.relname::text]
    from jsonb_each($1::jsonb) wanted, jsonb_array_elements_text(wanted.value) needed("right"), pg_class c
    where c.relnamespace = n.oid and c.relname = wanted.key and not has_table_privilege(c.oid, needed.right)
    order by 1) as rights,
  array(select p.proname::text from pg_proc p
    where p.pronamespace = n.oid and p.proname = any($2::text[]) and not has_function_privilege(p.oid, 'execute') order by 1) as functions
from pg_namespace n where n.nspname = 'noclobber'`)

const MOST_NAMED = 5

/** `select on all its tables`, `insert on imports, mutations`: a part for each right, so that it can be read. */
const byRight = (rights: [right: string, table: string][]): string[] =>
  [...groupBy(rights, ([right]) => right)].map(([right, lacked]) => {
    const wanted = Object.values(NEEDED).filter((needed) => needed.includes(right))
    const isAll = lacked.length > MOST_NAMED && lacked.length === wanted.length
    return `${right} on ${isAll ? 'all its tables' : lacked.map(([, table]) => table).join(', ')}`
  })

/** The newest of the log's tables isn't there. */
const OUTDATED =
  'The change log is of an older noclobber. Call migrate(knex) of noclobber/migrations before this server starts.'

/**
 * @throws SetupError where the log is of an older version, or the role lacks a right on the schema `noclobber` or one of its tables. Where there is
 * no such schema yet, that is said elsewhere.
 */
export const checkRights = async (knex: Knex): Promise<void> => {
  const [row] = await send(knex, LACKING, [JSON.stringify(NEEDED), CALLED], { named: false })
  if (row?.is_outdated) throw new SetupError('migrate', OUTDATED, 'log_outdated')
  if (!row || (row.uses && row.rights.length === 0 && row.functions.length === 0)) return
  const lacking = [
    ...(row.uses ? [] : ['usage of it']),
    ...byRight(row.rights),
    ...(row.functions.length > 0 ? [`execute on functions ${row.functions.join(', ')}`] : []),
  ]
  throw new SetupError(
    'grant',
    `Role ${row.role} lacks rights on schema noclobber: ${lacking.join('; ')}. ` +
      `The GRANTs are in ${MANUAL}.`,
  )
}
