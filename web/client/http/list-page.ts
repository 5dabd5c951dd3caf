// What a list or its delta is asked for, and its answer.

import type { WireRecord } from '../../../server/protocol/index.ts'
import type { Where } from './where.ts'

/** Which records of a type, and in which order. */
export interface ListQuery {
  /** Which records: by declared columns and parents' columns that lists are watched by. The text `'null'` for a field is none. */
  where?: Where
  /** A declared column, `-` before it for descending. */
  sort?: string
  /** Words to find in the type's search fields, where it declares some. */
  search?: string
  /** Rows; 0 for `count` and `sum` alone. */
  limit?: number
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
  data: WireRecord<F>[]
  cursor: string | null
  next: string | null
  removed: string[]
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
