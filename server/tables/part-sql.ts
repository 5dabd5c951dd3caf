// The SQL about parts and the records that they are parts of.
// Invariant: parts are locked before their parents, and both in the order of their keys, as the triggers do it.
import { quoteName } from '../../migrations/quote.ts'
import { joinedId } from '../../migrations/record-key.ts'
import type { TrackedType } from './catalogue.ts'
import { columnSql } from './field-sql.ts'
import { type IdSql, idSql } from './head-sql.ts'
import type { PartOf } from './reactions.ts'

/** SQL for the values of a part's columns that name its parent, in their order. */
export type ParentValues = readonly string[]

/** Those of the row `row`. */
export const valuesIn = ({ sql }: PartOf, row: string): ParentValues =>
  sql.map((column) => `${row}.${column}`)

/** Each compared as the trigger compares it: by its text, of the type of the parent's key. */
const asParentKey = ({ keys }: PartOf, values: ParentValues) =>
  values.map((value, at) => `${value}::text::${keys[at]?.type}`)

/** The parent's id, as the part's columns have it; null where one of them is. */
export const idOfParent = (values: ParentValues): string => joinedId(values.map((value) => `${value}::text`))

/** The parent's id in its one form, of values that are yet to be written. */
const idNamed = (part: PartOf, values: ParentValues) =>
  joinedId(asParentKey(part, values).map((value) => `${value}::text`))

/** About ids of the parents' table as `t`. */
const parentIdSql = ({ keys }: PartOf): IdSql =>
  idSql({
    key: { names: keys.map(({ name }) => name) },
    columns: new Map(
      keys.map(({ name, type }) => [name, { type: type.replace('pg_catalog.', ''), cast: type }]),
    ),
    names: { columnOf: (name) => name },
  })

/**
 * A condition: a part that is written has no parent, or one that is there in its own tenant.
 *
 * @param values What the part's columns get.
 * @param tenant SQL for the part's tenant; `null` where it has none.
 */
export const parentIsThere = (part: PartOf, values: ParentValues, tenant: string | null): string => {
  const ofTenant = part.tenantColumn && tenant ? ` and p.${quoteName(part.tenantColumn)} = ${tenant}` : ''
  const isIt = asParentKey(part, values).map(
    (value, at) => `p.${quoteName(part.keys[at]?.name ?? '')} = ${value}`,
  )
  return `(${values.map((value) => `${value} is null`).join(' or ')} or exists (select from ${part.table} p
    where ${isIt.join(' and ')}${ofTenant}))`
}

/** Do new values of these columns say which record a part is part of? */
export const namesParent = ({ columns }: PartOf, names: readonly string[]): boolean =>
  columns.some((name) => names.includes(name))

/** Values that are to be written as parameters, from number `first` on, each of its column's type; others as they are in `t`. */
export const valuesGiven = (
  { columns }: TrackedType,
  part: PartOf,
  names: readonly string[],
  first: number,
): ParentValues =>
  part.columns.map((name, at) => {
    const place = names.indexOf(name)
    return place < 0 ? `t.${part.sql[at]}` : `$${first + place}::${columns.get(name)?.cast}`
  })

/**
 * ids, [tenant], values: parts, each with its version, the key of its parent, and of the one that it gets by new values of some
 * of its columns; [with their locks]
 *
 * @param names The columns that get new values.
 */
export const partsByIds = (tracked: TrackedType, names: readonly string[], isLocking: boolean): string => {
  const { table, tenantColumn, part, owned } = tracked
  const id = idSql(tracked)
  const next =
    part && names.length > 0 ? idNamed(part, valuesGiven(tracked, part, names, tenantColumn ? 3 : 2)) : 'null'
  return `select ${id.text} as "noclobber_id", t.${quoteName(owned.version.name)} as "version",
  ${part ? idOfParent(valuesIn(part, 't')) : 'null'} as "noclobber_parent", ${next} as "noclobber_next" from ${table} t
  where ${id.isAnyText('$1')}
  ${tenantColumn ? `and t.${columnSql(tracked, tenantColumn)} = $2` : ''}
  order by ${id.order()} ${isLocking ? 'for no key update of t' : ''}`
}

/** What is selected of the parent's table as `t`, for {@link parentsByKeys}. */
export const selectKey = (part: PartOf, further: string): string =>
  `select ${parentIdSql(part).text} as "noclobber_id", ${further} from ${part.table} t`

/**
 * keys, [tenant], values of all the part's columns: parents, each with the key of its own parent, and whether it is the one that
 * the values mean; [with their locks]
 *
 * @param isNamed There are values.
 */
export const parentsByKeys = (
  tracked: TrackedType,
  part: PartOf,
  ofParent: PartOf | null,
  {
    selectFrom,
    isNamed,
    isLocking,
  }: { selectFrom(further: string): string; isNamed: boolean; isLocking: boolean },
): string => {
  const id = parentIdSql(part)
  const named = isNamed
    ? idNamed(part, valuesGiven(tracked, part, part.columns, part.tenantColumn ? 3 : 2))
    : 'null::text'
  const further = `coalesce(${id.text} = ${named}, false) as "noclobber_is_next",
    ${ofParent ? idOfParent(valuesIn(ofParent, 't')) : 'null'} as "noclobber_parent"`
  return `${selectFrom(further)} where ${id.isAnyText(`pg_catalog.array_append($1::text[], ${named})`)}
    ${part.tenantColumn ? `and t.${quoteName(part.tenantColumn)} = $2` : ''}
    order by ${id.order()} ${isLocking && part.isLockable ? 'for no key update of t' : ''}`
}
