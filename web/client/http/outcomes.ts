// The outcomes of a request as values: an expected refusal is an outcome, never an exception.

import type {
  DeletedProblem,
  FieldError,
  Problem,
  StaleProblem,
  WireRecord,
  Writer,
} from '../../../server/protocol/index.ts'

/** Why a request got no useful answer; the same six for every request. */
export type Refusal =
  /** 401: sign in again; nothing typed is lost. */
  | { outcome: 'unauthenticated' }
  /** 403: may read it, may not do this. */
  | { outcome: 'forbidden'; problem: Problem }
  /** 404: it does not exist, or may not be read; one answer for both. */
  | { outcome: 'not_found' }
  /** 410: it was deleted. */
  | { outcome: 'gone'; problem: DeletedProblem }
  /** No answer (network, time-out) or one that asks to come back: 429, 5xx. */
  | { outcome: 'unreachable'; retryAfterMs: number | null; detail: string }
  /** Any other refusal; a program switches on `problem.code`. */
  | { outcome: 'failed'; problem: Problem }

/** 422, with one entry for each field. */
export type ClientInvalid = { outcome: 'invalid'; errors: FieldError[] }

/** 409 or 412: the record has a newer version; the problem holds all that is needed to resolve the conflict. */
export type ClientConflict<F extends object> = {
  outcome: 'conflict'
  problem: StaleProblem & { current: WireRecord<F> }
}

/** The record as it is now. */
export type ClientReadOutcome<F extends object> = { outcome: 'found'; record: WireRecord<F> } | Refusal

/**
 * `mergedFields`: what others had changed since the client's version, where the type allows merging; `mergedBy`: who wrote the
 * version before this one.
 */
export type ClientSaveOutcome<F extends object> =
  | { outcome: 'saved'; record: WireRecord<F>; mergedFields: string[]; mergedBy?: Writer | null }
  | ClientConflict<F>
  | ClientInvalid
  | Refusal

/** What `client.create` answers. */
export type ClientCreateOutcome<F extends object> =
  | { outcome: 'created'; record: WireRecord<F> }
  | ClientInvalid
  | Refusal

/** What became of one record of a bulk edit: `saved`, the code that a save of it alone would have had, or `held_back`. */
export interface BulkRecord {
  id: string
  outcome: 'saved' | 'stale_record' | 'deleted' | 'not_found' | 'forbidden' | 'invalid' | 'held_back'
  /** Where it was saved or deleted. */
  version?: number
  /** Where it is stale. */
  current?: WireRecord
}

/** `aborted`: at least one record could not be saved, so none was. */
export type ClientSaveManyOutcome =
  | { outcome: 'saved'; records: BulkRecord[] }
  | { outcome: 'aborted'; records: BulkRecord[] }
  | ClientInvalid
  | Refusal

/**
 * What became of one record whose save was undone: as of a bulk edit; `no_values`: its history doesn't say what was there
 * before; or why the server gave no answer about it.
 */
export type UndoneRecord =
  | BulkRecord
  | { id: string; outcome: 'no_values' | 'unauthenticated' | 'unreachable' | 'failed' }

/** What `client.remove` answers. */
export type ClientRemoveOutcome = { outcome: 'removed' } | ClientConflict<object> | Refusal

/** The answer's `data` and what stands beside it. */
type FoundOutcome<T> = { outcome: 'found' } & T

/** An answer with what it holds, or why there is none. */
export type FetchOutcome<T> = FoundOutcome<T> | Refusal
