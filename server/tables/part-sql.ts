// The SQL about parts and the records that they are parts of.
// Invariant: parts are locked before their parents, and both in the order of their keys, as the triggers do it.
import { quoteName } from '../../migrations/quote.ts'
import type { TrackedType } from './catalogue.ts'
import { columnSql } from './field-sql.ts'
import { idSql } from './head-sql.ts'
import type { PartOf } from './reactions.ts'

/** SQL for the key of a part's parent, from the value of the part's own column: compared as the trigger compares it. */
const asParentKey = ({ keyType }: PartOf, value: string) => `${value}::text::${keyType}`

/**
 * A condition: a part that is written has no parent, or one that is there in its own tenant.
 *
 * @param value SQL for what the part's column gets.
 * @param tenant SQL for the part's tenant; `null` where it has none.
 */
export const parentIsThere = (part: PartOf, value: string, tenant: string | null): string => {
  const ofTenant = part.tenantColumn && tenant ? ` and p.${quoteName(part.tenantColumn)} = ${tenant}` : ''
  return `(${value} is null or exists (select from ${part.table} p
    where p.${quoteName(part.key)} = ${asParentKey(part, value)}${ofTenant}))`
}

/** ids, [tenant]: parts, each with its version and its parent's key; [with their locks] */
export const partsByIds = (tracked: TrackedType, isLocking: boolean): string => {
  const { table, tenantColumn, part, owned } = tracked
  const id = idSql(tracked)
  return `select ${id.text} as "noclobber_id", t.${quoteName(owned.version.name)} as "version",
  t.${part?.sql}::text as "noclobber_parent" from ${table} t
  where ${id.isAnyText('$1')}
  ${tenantColumn ? `and t.${columnSql(tracked, tenantColumn)} = $2` : ''}
  order by ${id.order()} ${isLocking ? 'for no key update of t' : ''}`
}

/** What is selected of the parent's table as `t`, for {@link parentsByKeys}. */
export const selectKey = ({ table, key }: PartOf, further: string): string =>
  `select t.${quoteName(key)}::text as "noclobber_id", ${further} from ${table} t`

/**
 * keys, value of the part's column or null, [tenant]: parents, each with the key of its own parent, and whether it is the
 * one that the value means; [with their locks]
 */
export const parentsByKeys = (
  { columns }: TrackedType,
  part: PartOf,
  ofParent: PartOf | null,
  selectFrom: (further: string) => string,
  isLocking: boolean,
): string => {
  const key = `t.${quoteName(part.key)}`
  const value = asParentKey(part, `$2::${columns.get(part.column)?.cast}`)
  const further = `coalesce(${key} = ${value}, false) as "noclobber_is_next",
    ${ofParent ? `t.${ofParent.sql}::text` : 'null'} as "noclobber_parent"`
  return `${selectFrom(further)} where ${key} = any(pg_catalog.array_append($1::text[]::${part.keyType}[], ${value}))
    ${part.tenantColumn ? `and t.${quoteName(part.tenantColumn)} = $3` : ''}
    order by ${key} ${isLocking && part.isLockable ? 'for no key update of t' : ''}`
}
