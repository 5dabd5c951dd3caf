// What waits on this device, as data. An entry belongs to one person and one page; the entries of a closed page go to the page
// that claims them first.

import type { ProblemCode, RecordAddress } from '../../../server/protocol/index.ts'
import type { RequestToQueue } from '../http/queued-request.ts'
import type { UnsentEdits } from '../record/state.ts'
import type { QueuedBulk } from './queued-bulk.ts'

/** Why a save was refused: it waits for its owner, and holds nothing else up. */
export type UnsentTrouble =
  | { kind: 'conflict' }
  | { kind: 'gone' }
  | { kind: 'forbidden' }
  | { kind: 'refused'; detail: string; code?: ProblemCode }

/** Why it waits for another record: that is not created yet, was refused, or was discarded. */
export type Waits = 'parent' | 'refused' | 'gone'

/** An answer that came after `client.fetch` had answered 202, perhaps on another page. */
export interface LateAnswer {
  /** As it was asked for. */
  request: QueuedRequest
  /** As `fetch` would have given it. */
  response: Response
}

/** One record's edits that are not on the server. */
export interface UnsentEntry extends RecordAddress {
  /** In the storage: what `discard` and `undoDiscard` take. */
  key: string
  /** Whose they are: nobody else ever gets, shows or sends them. */
  person: string
  /** The page load that has them. */
  tab: string
  /** What is not on the server, and what it is built on. */
  edits: UnsentEdits
  /** When they began, in this machine's milliseconds: they are sent in this order. */
  at: number
  /** When they last changed, in this machine's milliseconds. */
  changedAt: number
  /** Why they are not sent; `null`: they wait, and are sent by themselves. */
  trouble: UnsentTrouble | null
  /**
   * It names a new record that is not on the server, and is sent after it: `parent` waits too, was `refused`, or is `gone`: discarded.
   * Only in {@link UnsentState}.
   */
  waits?: Waits | null
}

/** A request of the app's own that has no answer yet, or was refused. */
export interface QueuedRequest extends RequestToQueue {
  /** Whose it is: nobody else ever gets, shows or sends it. */
  person: string
  /** The page load that has asked for it. */
  tab: string
  /** When, in this machine's milliseconds: it is sent in this order, between the saves. */
  at: number
  /** Why the server refused it: it waits for its owner, and holds nothing else up. */
  refusal: { status: number; detail: string } | null
  /** It is a bulk edit, of `offline.saveMany`. */
  bulk?: QueuedBulk
}

/** What is not on the server, as a panel shows it. */
export interface UnsentState {
  /** Of this person, on this device: this page's, other pages', and those of pages that are no more. */
  entries: readonly UnsentEntry[]
  /**
   * `unknown`: it has not answered yet, so there may be more entries. `full`: no room left; `barred`: the browser allows none. Then
   * edits are kept in this page's memory alone.
   */
  storage: 'unknown' | 'ok' | 'full' | 'barred'
  /** A write is on its way. */
  isSending: boolean
  /** What was discarded here, the latest first, for the life of this page: it can be restored. */
  discarded: readonly UnsentEntry[]
  /** Requests of the app's own, in order: see the option `queue` of `client.fetch`. */
  requests: readonly QueuedRequest[]
  /** As `discarded`. */
  discardedRequests: readonly QueuedRequest[]
}

export const NOTHING_UNSENT: UnsentState = {
  entries: [],
  storage: 'unknown',
  isSending: false,
  discarded: [],
  requests: [],
  discardedRequests: [],
}

/** A write was asked for, and has no answer. One that was refused has a `trouble`. */
export const isAsked = ({ edits, trouble }: UnsentEntry): boolean =>
  edits.unanswered !== null && trouble === null

export const entryKey = (person: string, { type, id }: RecordAddress, tab: string): string =>
  JSON.stringify([person, type, id, tab])
