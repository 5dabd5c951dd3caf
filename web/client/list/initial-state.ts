// The state of a list, and what it is before the first answer.

import type { WireRecord } from '../../../server/protocol/index.ts'

/** Why there is nothing newer to show. */
export type ListTrouble = 'unreachable' | 'signed_out' | 'refused'

/** What is new of a row, for a few seconds: the fields that changed, or that it has come. */
export type RowHighlight = 'arrived' | readonly string[]

/** The part of a long list that is here. */
export interface ListWindow {
  /** There is no row before it. */
  isStart: boolean
  /** There is no row after it. */
  isEnd: boolean
  /** Rows are being loaded at this end, or elsewhere. */
  loading: 'before' | 'after' | 'elsewhere' | null
}

/** What of a row is not on the server yet. `isRefused`: it waits for its person. */
export interface UnsentRow {
  /** What was done to it here. */
  what: 'created' | 'changed' | 'removed'
  /** The server has refused it. */
  isRefused: boolean
}

/** A live list as it is shown now. */
export interface ListState {
  /** `loading` and `failed`: there are no rows to show yet. */
  status: 'loading' | 'ready' | 'failed'
  /** In order. */
  rows: readonly WireRecord[]
  /** The rows that are shown, by id. */
  byId: ReadonlyMap<string, WireRecord>
  /** Fetched and not shown: records as they are now, `null` for those that leave. */
  staged: ReadonlyMap<string, WireRecord | null>
  /** Changed at once and not fetched: how many; `null` where unknown. */
  imported: { count: number | null } | null
  /** The user works in the list: nothing moves. */
  isHeld: boolean
  /** Too much would move: the refresh waits for the user. */
  isOffered: boolean
  /** The user has chosen to go on editing: the bar asks no more. */
  isKept: boolean
  /** `false`: the list is longer than what was fetched. */
  isWhole: boolean
  /** Of a list with a `window`; `null`: it has none, or no rows yet. */
  window: ListWindow | null
  /** Why the last request of it failed; `null`: it didn't. */
  trouble: ListTrouble | null
  /** Rows that others have just changed, by id, with the fields. */
  highlighted: ReadonlyMap<string, RowHighlight>
  /** Rows that were changed here and keep their place until the next refresh. */
  misplaced: ReadonlySet<string>
  /** Rows with writes that wait for the server, by id. `byId` has the server's. */
  unsent: ReadonlyMap<string, UnsentRow>
}

const NONE = new Map<string, never>()

export const initialListState: ListState = {
  status: 'loading',
  rows: [],
  byId: NONE,
  staged: NONE,
  imported: null,
  isHeld: false,
  isOffered: false,
  isKept: false,
  isWhole: true,
  window: null,
  trouble: null,
  highlighted: NONE,
  misplaced: new Set(),
  unsent: NONE,
}
