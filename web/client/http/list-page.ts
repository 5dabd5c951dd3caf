// What a list or its delta is asked for, which records it has as the server's parameters, and its answer.

import type { WireRecord } from '../../../server/protocol/index.ts'

/** Which records of a type, and in which order. */
export interface ListQuery {
  /** Which records: by declared columns and parents' columns that lists are watched by. The text `'null'` for a field is none. */
  where?: Where
  /** A declared column, `-` before it for descending. */
  sort?: string
  /** Words to find in the type's search fields, where it declares some. */
  search?: string
  /** Rows, at most 1,000; 0 for `count` and `sum` alone. Default 100. */
  limit?: number
  /** `next` of the page before. */
  after?: string
  /** The delta since this cursor instead of the list; with `window`, which then has `from` and `to`, of that part of the list. */
  cursor?: string
  /**
   * A part of the list: the rows `after` a position or `start`, those right `before` one or `end`, or all `from` one `to` another.
   * Positions are what answers gave.
   */
  window?: { after?: string; before?: string; from?: string; to?: string }
  /** How many records the list has: `exact`. */
  count?: 'exact'
  /** The sums of these fields. */
  sum?: readonly string[]
}

/** One page of a list, or its delta. */
export interface ListPage<F extends object> {
  /** The records, in the list's order; of a delta those that changed and still match. */
  data: WireRecord<F>[]
  /** Ask with it for what changes from here on. `null`: not of a page behind the first. */
  cursor: string | null
  /** `after` of the next page; `null`: this is the last one. */
  next: string | null
  /** Of a delta: ids that changed and no longer match, or are gone. */
  removed: string[]
  /** The cursor was too old, or of another database: `data` is the list anew. */
  reset: boolean
  /** Of a delta: there is more already. */
  more: boolean
  /** Permission depends on the record: check held records with `versions`, access to them may be lost. */
  recheck: boolean
  /** Of a part of the list: the position of each record. */
  positions: string[]
  /** Of rows before a position: where those before them are; `null` where there are none. */
  previous: string | null
  /** Of the delta of a part: the id of the row right before each record; `null`: it is the part's first one. */
  behind: (string | null)[]
  /** How many records the list has, if that was asked for; `null` too where there are too many to be authorized. */
  count: number | null
  /** The sums that were asked for: a number, its digits where JavaScript can't hold it, `null` of no values. */
  sums: Record<string, number | string | null>
}

/** A value that a field is compared with. */
export type WhereValue = string | number | boolean

/** Comparisons of one field, of which all hold. One with an absent value doesn't hold, except `ne` and `null`. */
export interface Comparison {
  /** This value. */
  eq?: WhereValue
  /** Another value, or none. */
  ne?: WhereValue
  /** Less than this one, in the database's order. */
  lt?: WhereValue
  /** This one or less. */
  lte?: WhereValue
  /** Greater than this one. */
  gt?: WhereValue
  /** This one or greater. */
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
