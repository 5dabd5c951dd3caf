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
  /** What a 410 would say: who deleted it, and when. */
  problem: DeletedProblem
}

/** Not there, another tenant's, or not readable: one answer for all three. */
export interface Missing {
  outcome: 'missing'
  /** What a 404 would say. */
  problem: Problem
}

export const MISSING: Missing = { outcome: 'missing', problem: problem('not_found') }

/** Readable, but this may not be done with it. */
export interface Forbidden {
  outcome: 'forbidden'
  /** What a 403 would say. */
  problem: Problem
}

/** Somebody saved a newer version; nothing was written. */
export interface Conflict {
  outcome: 'conflict'
  /** What a 409 would say: both versions, the changed fields, the record as it is now. */
  problem: StaleProblem
}

/** Unknown or protected fields, or values that the schema or the database refuses; nothing was written. */
export interface Invalid {
  outcome: 'invalid'
  /** What a 422 would say: `errors`, one for each field; without them where the request itself was malformed. */
  problem: InvalidProblem | Problem
}

/** The mutation id was used for other content; nothing was written. */
export interface Reused {
  outcome: 'reused'
  /** What a 409 `mutation_reused` would say. */
  problem: Problem
}

/** Asked wrongly: nobody is signed in, or no version was given that could be one. Nothing was looked at. */
export interface Refused {
  outcome: 'refused'
  /** What a 401, 400 or 428 would say. */
  problem: Problem
}

/** Written, or what the first of several equal writes wrote. */
export interface Saved {
  outcome: 'saved'
  /** At its new version; at the one of before where nothing differed. */
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
  /** At version 1, or above its tombstone where the id was used before. */
  record: WireRecord
  /** A replay of a mutation that was written before. */
  replayed?: boolean
}

/** The record is deleted. */
export interface Removed {
  outcome: 'removed'
  /** A replay of a removal that was made before. */
  replayed?: boolean
}

/** The record as it is now. */
export interface Found {
  outcome: 'found'
  /** With the fields that the caller may see. */
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
  /** With the time and the writer's name; `deleted` for a record that is gone. */
  version: WireVersion
}

/** Entries of the history, the newest first. */
export interface FoundHistory {
  outcome: 'found'
  /** The newest first. */
  entries: WireHistoryEntry[]
  /** Pass as `before` for the next page; `null` on the last. */
  next: string | null
  /** The fields that the caller may write now, and so bring back. */
  writable: string[]
}

/** What the record was then isn't known any more, or not to the caller. */
export interface NoLongerKnown {
  outcome: 'unknown'
  /** What a 410 `no_longer_known` would say. */
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
