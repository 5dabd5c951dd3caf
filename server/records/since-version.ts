// What has become of a record since the version that an editor loaded: which fields were changed, as far as the log says, and
// whether it has the values of a stale save already, which is then no conflict (RFC 9110, 13.1.1).
// Invariant: values are compared by the database, as the wire shows them, with the row at the version that was authorized.
import { quoteName } from '../../migrations/quote.ts'
import { statement } from '../db/statement.ts'
import type { Database } from '../tables/database.ts'
import { columnSql, isSameField } from '../tables/field-sql.ts'
import { idSql } from '../tables/head-sql.ts'
import { tenantParameter } from '../tables/tenant.ts'
import { parametersOf } from './idempotency.ts'
import type { Target } from './read.ts'
import { commonJson } from './stored-json.ts'

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

/** Those of the records that are at their versions still, each with whether it has the values already. */
const readSameness = async (
  database: Database,
  { known, actor, transaction }: Omit<Target, 'id'>,
  records: { id: string; version: number }[],
  values: Record<string, unknown>,
): Promise<Map<string, boolean>> => {
  const { table, tenantColumn, owned } = known
  const names = Object.keys(values)
  const ids = records.map(({ id }) => id)
  const id = idSql(known)
  const tenant = tenantParameter(known, actor)
  const same = names.map((name, at) => isSameField(known, name, `$${3 + tenant.length + at}`))
  const text = `select ${id.text} as id, ${same.join(' and ')} as same
    from unnest($1::text[], $2::bigint[]) w(id, version) join ${table} t
      on ${id.isText('w.id')} and t.${quoteName(owned.version.name)} = w.version
    ${tenantColumn ? `where t.${columnSql(known, tenantColumn)} = $3` : ''}`
  const stored = await commonJson(database, { known, transaction }, ids, values)
  const parameters = parametersOf(known, names, values, stored)
  const versions = records.map(({ version }) => version)
  const rows = await database.send({ name: '', text }, [ids, versions, ...tenant, ...parameters], transaction)
  return new Map(rows.map((row) => [row.id as string, row.same as boolean]))
}

/** A value that can't be one of its column. */
const isOfValues = (error: unknown): boolean => /^2[23]/.test((error as { code?: string } | null)?.code ?? '')

/** What was found of records, each at the version that was authorized. */
export interface Sameness {
  /** They have the values already. */
  same: Set<string>
  /** They have been changed meanwhile: to be looked at again. */
  moved: Set<string>
}

/** Finds which of these records have all these values already. A value that the database refuses, none has. */
export const sameness = async (
  database: Database,
  target: Omit<Target, 'id'>,
  records: { id: string; version: number }[],
  values: Record<string, unknown>,
): Promise<Sameness> => {
  const none = { same: new Set<string>(), moved: new Set<string>() }
  if (records.length === 0 || Object.keys(values).length === 0) return none
  const { transaction: outer } = target
  // In a savepoint: a value that is refused must not end the caller's transaction.
  const reading = outer
    ? outer.transaction((transaction) => readSameness(database, { ...target, transaction }, records, values))
    : readSameness(database, target, records, values)
  try {
    const found = await reading
    return {
      same: new Set([...found].flatMap(([id, isSame]) => (isSame ? id : []))),
      moved: new Set(records.flatMap(({ id }) => (found.has(id) ? [] : id))),
    }
  } catch (error) {
    if (isOfValues(error)) return none
    throw error
  }
}
