// The wire of lists: a page, and what became of a list since a cursor.
import type { WireRecord } from './record.ts'

/** `GET /records/:type`: one page of a list. */
export interface ListAnswer {
  /** Records in the list's order. */
  data: WireRecord[]
  /** What was committed after this is not in the page: the delta begins here. Of several pages the first one's counts. */
  cursor: string
  /** Send it as `after` for the next page; `null` on the last. */
  next: string | null
  /** The cursor sent can't be gone on from: this is the list anew. */
  reset?: true
  /** Permission depends on the record: ask `POST /records/versions` for what you hold and may have lost. */
  recheck?: true
  /** Of a part of the list (`window[…]`): the position of each record of `data`. */
  positions?: string[]
  /** Of the rows before a position: send it as `window[before]` for those before them; `null` where there are none. */
  previous?: string | null
  /** There are too many records to be authorized and sorted at once: each part of the list is sorted for itself. */
  in_parts?: true
}

/** `GET /records/:type?cursor=…`: what became of a list since then. */
export interface ListDelta {
  /** Records that changed and belong to the list, as they are now. In no order. */
  data: WireRecord[]
  /** Ids of records that changed and don't belong to it, or are gone. Some may never have belonged to it. */
  removed: string[]
  /** Send it with the next request. */
  cursor: string
  /** There is more already: ask again at once. */
  more: boolean
  /** As of a page: ask for what you hold and may have lost. */
  recheck?: true
  /** Of a part of the list: the position of each record of `data`, which is in the list's order. */
  positions?: string[]
  /** Of a part of the list: the id of the row right before each record of `data`; `null`: it is the part's first one. */
  behind?: (string | null)[]
}

/** Beside a list or its delta, where they were asked for: what all of its records come to. */
export interface ListTotals {
  /** How many there are; `null`: there are too many to be authorized. */
  count: number | null
  /** By field: a number, its digits where JavaScript can't hold it, `null` where no record has a value. */
  sums?: Record<string, number | string | null>
}

/** A type, and the position since which its changes are counted; without one there is nothing to count yet. */
export interface CountedType {
  /** The record type's name. */
  type: string
  /** Of the last answer, or of a list's. */
  cursor?: string
}

/** How many records of a type have changed since a position, as far as the caller may read them and has not changed them. */
export interface ChangedCount {
  /** The record type's name. */
  type: string
  /** `null`: unknown. The log reaches back no further, there is too much to look through, or there is no such type. */
  count: number | null
  /** There are more: `count` is the most that was asked for. */
  more?: true
  /** The position up to which it was counted; `null` where there is no such type. */
  cursor: string | null
  /** The cursor sent is none, or of another history of the database: counting begins anew at this one. */
  reset?: true
}
