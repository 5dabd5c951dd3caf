// The SQL of a bulk edit: one guarded UPDATE for all records, each with its own version, and what is asked about the
// records that it left alone. Invariant: rows are locked in the order of their keys, so two bulk edits of the same
// records wait for each other and never deadlock.
import { quoteName } from '../../migrations/quote.ts'
import { type Statement, statement } from '../db/statement.ts'
import type { TrackedType } from '../tables/catalogue.ts'
import { columnSql, fieldValue, isStamped } from '../tables/field-sql.ts'
import { idSql } from '../tables/head-sql.ts'
import { NAMING } from '../tables/writer-context.ts'

/** The guard: each record is still at the version that its writer built on. */
const isAtVersionOf = (version: string, asked: string) => `${version} = ${asked}.version`

/** writer, ids, versions, the least number of records that must stand at their versions, [tenant], [member], values… */
export const updateMany = (tracked: TrackedType, returned: string, changed: string[]): Statement => {
  const { table, tenantColumn, owned, audience } = tracked
  const version = `t.${quoteName(owned.version.name)}`
  const id = idSql(tracked)
  const member = tenantColumn ? 6 : 5
  const first = audience ? member + 1 : member
  const isMember = audience
    ? `and exists (select from ${audience.members} and ${audience.named} = $${member}::text)`
    : ''
  const set = changed
    .map((name, index) => `${columnSql(tracked, name)} = ${fieldValue(tracked, name, `$${first + index}`)}`)
    .join(', ')
  return {
    name: '',
    text: `with writer as materialized (select ${NAMING} as named),
      wanted as materialized (
        select ${id.asValue('w.id')} as id, w.version from unnest($2::text[], $3::bigint[]) w(id, version)),
      locked as materialized (
        select ${id.value} as id, ${version} as version from wanted w join ${table} t on ${id.is('w.id')} and ${isAtVersionOf(version, 'w')}
        ${tenantColumn ? `and t.${columnSql(tracked, tenantColumn)} = $5` : ''} ${isMember}
          and ${isStamped(tracked)} order by ${id.order()} for no key update of t)
      update ${table} t set ${set} from writer, locked l
      where writer.named and ${id.is('l.id')} and ${isAtVersionOf(version, 'l')}
        and (select pg_catalog.count(*) from locked) >= $4::bigint
      returning ${returned}`,
  }
}

/** source, ids, after which version, up to which, tenant or null: how many versions the log has of each, and the fields they changed. */
export const CHANGED_SINCE_OF_MANY = statement(`
with wanted as materialized (select * from unnest($2::text[], $3::bigint[], $4::bigint[]) w(id, since, upto)),
since as (${['record_changes', 'batched_changes']
  .map(
    (log) => `
  select c.record_id, c.version, c.event, c.changed_fields from wanted w join noclobber.${log} c
    on c.table_name = $1 and c.record_id = w.id and c.version > w.since and c.version <= w.upto
    and ($5::text is null or c.tenant_id = $5)`,
  )
  .join(' union all ')})
select c.record_id as id, pg_catalog.count(distinct c.version) as versions, pg_catalog.bool_and(c.event = 'updated') as plain,
  pg_catalog.array_remove(pg_catalog.array_agg(distinct f.name), null) as names
from since c left join lateral pg_catalog.unnest(c.changed_fields) f(name) on true group by c.record_id`)

/** tenant, actor, mutation id: a second request waits here for the first one's transaction, then fails on the key. */
export const CLAIM_MUTATION = statement(`
insert into noclobber.mutations (tenant_id, actor_id, mutation_id, request_hash, answer) values ($1, $2, $3, '', '{}')`)

/** tenant, actor, mutation id, answer, hash */
export const STORE_RESPONSE = statement(`
update noclobber.mutations set answer = $4::jsonb, request_hash = $5
where tenant_id = $1 and actor_id = $2 and mutation_id = $3`)
