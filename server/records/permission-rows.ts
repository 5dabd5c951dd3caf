// The rows by which it is judged who may learn of a change: the record as it is now; of a record that is gone, as it
// was when it was deleted. Invariant: a change whose record nobody can look at any more is told to nobody.

import type { PermissionRecord } from '../base/record-type.ts'
import { statement } from '../db/statement.ts'
import type { Change } from '../log/log-reader.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalId } from '../tables/record-id.ts'

/** A change of a declared type. */
export interface TypedChange {
  change: Change
  known: KnownType
}

const GRAVES = statement(`
select distinct on (c.record_id) c.record_id, c.old_row from noclobber.record_changes c
where c.table_name = $1 and c.record_id = any($2) and c.event = 'deleted' and ($3::text is null or c.tenant_id = $3)
order by c.record_id, c.version desc`)

const asItWas = (
  known: KnownType,
  id: string,
  version: number,
  oldRow: Record<string, unknown> | null,
): PermissionRecord => ({
  type: known.type.name,
  id,
  version,
  fields: Object.fromEntries(known.fieldNames.map((name) => [name, oldRow?.[name]])),
})

/** Reads the rows of changes, one query for each type and tenant, and one more where some are gone. */
export const authorizationRows = async (
  database: Database,
  changes: TypedChange[],
): Promise<Map<TypedChange, PermissionRecord>> => {
  const rows = new Map<TypedChange, PermissionRecord>()
  const groups = new Map<string, TypedChange[]>()
  for (const entry of changes) {
    const { change, known } = entry
    if (change.event === 'deleted') rows.set(entry, asItWas(known, change.id, change.version, change.oldRow))
    else {
      const key = JSON.stringify([known.type.name, known.tenantColumn ? change.tenantId : null])
      groups.set(key, [...(groups.get(key) ?? []), entry])
    }
  }
  for (const group of groups.values()) {
    const [{ change: first, known }] = group as [TypedChange]
    const ids = [...new Set(group.map(({ change }) => change.id))].filter(
      (id) => canonicalId(known.key.kind, id) !== null,
    )
    const tenant = known.tenantColumn ? [first.tenantId] : []
    const found = new Map<string, PermissionRecord>()
    for (const row of await database.send(known.sql.readMany, [ids, ...tenant])) {
      found.set(row.noclobber_id, known.sql.toRecord(row))
    }
    const gone = ids.filter((id) => !found.has(id))
    if (gone.length > 0) {
      for (const row of await database.send(GRAVES, [known.source, gone, tenant[0] ?? null])) {
        found.set(row.record_id, asItWas(known, row.record_id, 0, row.old_row))
      }
    }
    for (const entry of group) {
      const row = found.get(entry.change.id)
      if (row) rows.set(entry, row)
    }
  }
  return rows
}
