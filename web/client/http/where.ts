// Which records a list has, as comparisons, and as the parameters that the server takes.

/** A value that a field is compared with. */
export type WhereValue = string | number | boolean

/** Comparisons of one field, of which all hold. One with an absent value doesn't hold, except `ne` and `null`. */
export interface Comparison {
  eq?: WhereValue
  /** Another value, or none. */
  ne?: WhereValue
  lt?: WhereValue
  lte?: WhereValue
  gt?: WhereValue
  gte?: WhereValue
  /** One of these, at most 500; of none no record. */
  in?: readonly WhereValue[]
  /** The text occurs in it, in any case. */
  contains?: string
  /** `true`: it has no value. `false`: it has one. */
  null?: boolean
}

/**
 * By field a value, `null` for none, or comparisons; all of them hold. Besides, `or: [{…}, {…}]`: all of one of these; `not: [{…}]`:
 * of each of these not all. At most 50 comparisons.
 *
 * @example
 * { status: 'open', due_on: { lt: '2026-12-01' }, or: [{ assignee: null }, { priority: { in: ['high', 'urgent'] } }] }
 */
export interface Where {
  [field: string]: WhereValue | null | Comparison | readonly Where[]
}

/** Between the values of `in` stands a comma, before one within a value a backslash. */
const listOf = (values: readonly WhereValue[]) =>
  values.map((value) => String(value).replace(/[\\,]/g, '\\$&')).join()

function* parametersOf(where: Where, prefix: string): Generator<[name: string, value: string]> {
  for (const [field, value] of Object.entries(where)) {
    const name = prefix + field
    if (value === null) yield [`${name}][null`, 'true']
    else if (Array.isArray(value))
      for (const [group, within] of value.entries()) yield* parametersOf(within, `${name}][${group}][`)
    else if (typeof value === 'object') yield* comparisonsOf(name, value as Comparison)
    else yield [name, String(value)]
  }
}

function* comparisonsOf(name: string, comparison: Comparison): Generator<[name: string, value: string]> {
  for (const [operator, value] of Object.entries(comparison)) {
    if (value === undefined) continue
    // `eq` with the text "null" would be an absent value.
    if (operator === 'eq') yield [`${name}][in`, listOf([value])]
    else if (operator !== 'in') yield [`${name}][${operator}`, String(value)]
    else if (value.length > 0) yield [`${name}][in`, listOf(value)]
    // Of no values none is one.
    else yield [`${name}][null`, 'never']
  }
}

/** The same as parameters, whose names stand within `filter[…]` each. */
export const filters = (where: Where): Record<string, string> => Object.fromEntries(parametersOf(where, ''))
