// The outcomes of operations on one record, as values. Whatever is not a success carries its problem document.
import type {
  DeletedProblem,
  InvalidProblem,
  Problem,
  StaleProblem,
  WireHistoryEntry,
  WireRecord,
  WireVersion,
  Writer,
} from '../protocol/index.ts'
import { problem } from './problems.ts'

/** The record was deleted, and the caller could read it. */
export interface Gone {
  outcome: 'gone'
  problem: DeletedProblem
}

/** Not there, another tenant's, or not readable: one answer for all three. */
export interface Missing {
  outcome: 'missing'
  problem: Problem
}

export const MISSING: Missing = { outcome: 'missing', problem: problem('not_found') }

/** Readable, but this may not be done with it. */
export interface Forbidden {
  outcome: 'forbidden'
  problem: Problem
}

/** Somebody saved a newer version; nothing was written. */
export interface Conflict {
  outcome: 'conflict'
  problem: StaleProblem
}

/** Unknown or protected fields, or values that the schema or the database refuses; nothing was written. */
export interface Invalid {
  outcome: 'invalid'
  problem: InvalidProblem | Problem
}

/** The mutation id was used for other content; nothing was written. */
export interface Reused {
  outcome: 'reused'
  problem: Problem
}

/** Asked wrongly: nobody is signed in, or no version was given that could be one. Nothing was looked at. */
export interface Refused {
  outcome: 'refused'
  problem: Problem
}

/** Written, or what the first of several equal writes wrote. */
export interface Saved {
  outcome: 'saved'
  record: WireRecord
  /** After a merge: what the others changed since `clientVersion`. */
  mergedFields?: string[]
  /** After a merge: who wrote the version before this one. */
  mergedBy?: Writer | null
  /** A replay of a mutation that was written before. */
  replayed?: boolean
}

/** The record as it was created. */
export interface Created {
  outcome: 'created'
  record: WireRecord
  replayed?: boolean
}

/** The record is deleted. */
export interface Removed {
  outcome: 'removed'
  replayed?: boolean
}

/** The record as it is now. */
export interface Found {
  outcome: 'found'
  record: WireRecord
}

/** The record as it was. */
export interface FoundPast extends Found {
  /** The fields that the caller may write now, and so bring back. */
  writable: string[]
}

/** The version that the record has now. */
export interface FoundVersion {
  outcome: 'found'
  version: WireVersion
}

/** Entries of the history, the newest first. */
export interface FoundHistory {
  outcome: 'found'
  entries: WireHistoryEntry[]
  /** Pass as `before` for the next page; `null` on the last. */
  next: string | null
  /** The fields that the caller may write now, and so bring back. */
  writable: string[]
}

/** What the record was then isn't known any more, or not to the caller. */
export interface NoLongerKnown {
  outcome: 'unknown'
  problem: Problem
}

/** What `readPast` answers. */
export type PastOutcome = FoundPast | Gone | Missing | NoLongerKnown
/** What `read` answers. */
export type ReadOutcome = Found | Gone | Missing
/** What `version` answers. */
export type VersionOutcome = FoundVersion | Missing
/** What `history` answers. */
export type HistoryOutcome = FoundHistory | Missing
/** What `save` answers. */
export type SaveOutcome = Saved | Conflict | Gone | Missing | Forbidden | Invalid | Reused
/** What `create` answers. */
export type CreateOutcome = Created | Missing | Forbidden | Invalid | Reused
/** What `remove` answers. */
export type RemoveOutcome = Removed | Conflict | Gone | Missing | Forbidden | Invalid | Reused
