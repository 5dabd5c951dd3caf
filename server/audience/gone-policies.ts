// What row level security says of records that are deleted, and of what a record was: the policies that hold for the role of the session,
// asked of the row that the log kept, or of the row as it is with the values of then, in that session.
// Invariant: what can't be asked is hidden: a row without its values, a policy that fails on it, a table without a policy.
import { quoteName, quoteText } from '../../migrations/quote.ts'
import { isUnavailable } from '../db/errors.ts'
import { type Row, type Statement, statement } from '../db/statement.ts'

/** table */
const POLICIES = statement(`
select c.relname as name, row_security_active(c.oid) as active, coalesce((
  select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('isPermissive', p.polpermissive, 'sql', coalesce(pg_get_expr(p.polqual, p.polrelid), 'true')))
  from pg_policy p where p.polrelid = c.oid and p.polcmd in ('*', 'r')
    and exists (select from pg_catalog.unnest(p.polroles) r(role) where case when r.role = 0 then true else pg_has_role(r.role, 'usage') end)
), '[]') as policies
from pg_class c where c.oid = to_regclass($1)`)

interface Policy {
  isPermissive: boolean
  sql: string
}

/** One permissive policy at least must hold, and all restrictive ones. */
const conditionOf = (policies: Policy[]): string => {
  const those = (isPermissive: boolean) =>
    policies.filter((policy) => policy.isPermissive === isPermissive).map(({ sql }) => `(${sql})`)
  return [`(${those(true).join(' or ') || 'false'})`, ...those(false)].join(' and ')
}

/** ids, versions: of these deletions those whose row the condition lets this session see. Names in it are those of the table alone. */
const seenStatement = (
  { table, source }: Pick<Policed, 'table' | 'source'>,
  name: string,
  condition: string,
): Statement => ({
  name: '',
  text: `select c.record_id as id, c.version from unnest($1::text[], $2::bigint[]) w(id, version)
join noclobber.record_changes c on c.table_name = ${quoteText(source)} and c.record_id = w.id and c.version = w.version
  and c.event = 'deleted' and c.old_row is not null
where (select ${condition} from pg_catalog.jsonb_populate_record(null::${table}, c.old_row) ${quoteName(name)})`,
})

/** A table that may have policies. */
export interface Policed {
  hasPolicies: boolean
  /** Quoted for SQL. */
  table: string
  /** `schema.table` as the log writes it. */
  source: string
}

interface Deletion {
  id: string
  version: number
  record: object
}

const seen = new WeakSet<object>()

/** Whether the session that a record was looked at in by {@link lookByPolicies} may see it. */
export const isSeenByPolicies = (record: object): boolean => seen.has(record)

/** Notes which of the deleted records this session's policies let it see. */
export const lookByPolicies = async (
  send: (query: Statement, values: unknown[]) => Promise<Row[]>,
  { hasPolicies, table, source }: Policed,
  deletions: Deletion[],
): Promise<void> => {
  if (!hasPolicies || deletions.length === 0) return
  const [found] = await send(POLICIES, [table])
  if (!found) return
  if (!found.active) {
    for (const { record } of deletions) seen.add(record)
    return
  }
  const query = seenStatement({ table, source }, found.name, conditionOf(found.policies))
  const look = async (some: Deletion[]): Promise<void> => {
    const values = [some.map(({ id }) => id), some.map(({ version }) => version)]
    const rows = await send(query, values)
    const keys = new Set(rows.map(({ id, version }) => `${version} ${id}`))
    for (const { id, version, record } of some) if (keys.has(`${version} ${id}`)) seen.add(record)
  }
  await look(deletions).catch(async (error) => {
    if (isUnavailable(error)) throw error
    // A deletion that can't be asked about is hidden.
    for (const deletion of deletions) await look([deletion]).catch(() => {})
  })
}

/** A version of a record that was, by its number. */
export interface PastVersion {
  id: string
  version: number
}

/** Whether policies would have shown a record to this session right before a change, and right after it. */
export interface SeenThen {
  before: boolean
  after: boolean
}

const keyOf = ({ id, version }: PastVersion) => `${version} ${id}`

/**
 * ids, versions: of each the row before and after. Behind a change is the row of today, or as it was deleted, with the values that later
 * changes have replaced.
 */
const thenStatement = (
  { table, source }: Pick<Policed, 'table' | 'source'>,
  row: string,
  name: string,
  condition: string,
): Statement => {
  const was = (from: string) => `(select coalesce(pg_catalog.jsonb_object_agg(f.key, f.value), '{}') from (
    select distinct on (e.key) e.key, e.value->0 as value from noclobber.changes c, jsonb_each(c.changed_values) e
    where c.table_name = ${quoteText(source)} and c.record_id = w.id and c.version ${from} w.version and (d.version is null or c.version < d.version)
    order by e.key, c.version) f)`
  const seen = (values: string) =>
    `coalesce((select ${condition} from jsonb_populate_record(null::${table}, b.noclobber_row || ${values}) ${quoteName(name)}), false)`
  return {
    name: '',
    text: `select w.id, w.version, ${seen('b.noclobber_before')} as before, ${seen('b.noclobber_after')} as after
from unnest($1::text[], $2::bigint[]) w(id, version)
left join lateral (select c.version, c.old_row from noclobber.changes c where c.table_name = ${quoteText(source)} and c.record_id = w.id
  and c.event = 'deleted' and c.version >= w.version order by c.version limit 1) d on true
cross join lateral (select ${was('>=')} as noclobber_before, ${was('>')} as noclobber_after,
  case when d.version is null then (${row}) else d.old_row end as noclobber_row) b`,
  }
}

/**
 * What policies say of versions that were; a version that isn't in the answer was hidden. `null`: nothing is hidden by them.
 *
 * @param row SQL of the row of today as jsonb, of the record whose id is `w.id`.
 */
export const seenThen = async (
  send: (query: Statement, values: unknown[]) => Promise<Row[]>,
  { hasPolicies, table, source }: Policed,
  row: string,
  versions: PastVersion[],
): Promise<((version: PastVersion) => SeenThen) | null> => {
  if (!hasPolicies || versions.length === 0) return null
  const [found] = await send(POLICIES, [table])
  if (found && !found.active) return null
  const hidden: SeenThen = { before: false, after: false }
  if (!found) return () => hidden
  const query = thenStatement({ table, source }, row, found.name, conditionOf(found.policies))
  const values = [versions.map(({ id }) => id), versions.map(({ version }) => version)]
  const rows = await send(query, values).catch((error) => {
    if (isUnavailable(error)) throw error
    return [] as Row[]
  })
  const seenOf = new Map(
    rows.map(({ id, version, before, after }) => [
      keyOf({ id, version: Number(version) }),
      { before, after },
    ]),
  )
  return (version) => seenOf.get(keyOf(version)) ?? hidden
}
