// The wire of "ask to take over": a message instead of a lock.
import type { RecordAddress } from './record.ts'

/** `ask`: may I go on with this record? `handed_over` and `not_now` answer it. */
export type TakeOverWord = 'ask' | 'handed_over' | 'not_now'

/** Client → server: says this to a person at a record that this socket watches. */
export interface TakeOverMessage extends RecordAddress {
  /** Who is asked, or is answered. */
  to: string
  /** A request, or the answer to one. */
  say: TakeOverWord
}

/** The acknowledgement of `take_over`: it was passed on. */
export interface TakeOverAnswer {
  ok: true
}

/** `TakeOver`: somebody says this to you. An `ask` goes to the tabs in which you edit, an answer to all that watch. */
export interface TakeOverEvent extends RecordAddress {
  /** Who says it. */
  from: { id: string; name: string }
  /** A request, or the answer to one. */
  say: TakeOverWord
}

/** How long an `ask` may be answered, in milliseconds. */
export const TAKE_OVER_MS = 60_000
