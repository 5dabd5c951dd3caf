// Which fields were changed from one version of a record to another, as far as the log says.
import { statement } from '../db/statement.ts'
import type { Database } from '../tables/database.ts'
import type { Target } from './read.ts'

const CHANGED_SINCE = statement(`
select c.version, c.event, c.changed_fields from noclobber.changes c
where c.table_name = $1 and c.record_id = $2 and c.version >= $3 and c.version <= $4
  and ($5::text is null or c.tenant_id = $5) order by c.version`)

/**
 * Fields changed in the versions after `from` up to `to`; `null` when the log doesn't hold every one of them. It is pruned
 * from its oldest end, so it holds all that came after a version which it holds, though a new history left numbers out.
 */
export const changedFieldsBetween = async (
  database: Database,
  { known, actor, id, transaction }: Target,
  from: number,
  to: number,
): Promise<string[] | null> => {
  if (to < from) return null
  const ofTenant = known.tenantColumn ? actor.tenantId : null
  const rows = await database.send(CHANGED_SINCE, [known.source, id, from, to, ofTenant], transaction)
  const later = rows.filter(({ version }) => Number(version) > from)
  const isWhole = later.length === to - from || (later.length < rows.length && later.length > 0)
  if (to === from || !isWhole || later.some(({ event }) => event !== 'updated'))
    return to === from ? [] : null
  const columns = later.flatMap((row) => row.changed_fields as string[])
  const names = new Set(columns.map(known.names.fieldOf))
  return known.changeNames.filter((name) => names.has(name))
}
