// What a list or its delta is asked for, and its answer.

import type { WireRecord } from '../../../server/protocol/index.ts'

/** Which records of a type, and in which order. */
export interface ListQuery {
  /** Declared columns and their values. */
  where?: Record<string, string>
  /** A declared column, `-` before it for descending. */
  sort?: string
  /** Words to find in the type's search fields, where it declares some. */
  search?: string
  limit?: number
  after?: string
  /** The delta since this cursor instead of the list. */
  cursor?: string
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
}
