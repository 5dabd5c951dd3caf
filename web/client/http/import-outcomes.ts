// The options, the progress and the outcomes of an import.

import type { FieldError, InvalidProblem } from '../../../server/protocol/index.ts'
import type { Refusal } from './outcomes.ts'

/** What `client.importFile` takes beside the file. */
export interface ImportFileOptions {
  /** The field by which rows find the records that they update; `id`; null to create alone. Default: the type's own. */
  key?: string | null
  /** Runs the import and rolls it back: the outcome is what it would have been. */
  dryRun?: boolean
  /** Default: by the file's name and type, else `csv`. */
  format?: 'csv' | 'ndjson'
  /** Shown as the writer. Default: the file's name. */
  name?: string
  onProgress?: (progress: ImportFileProgress) => void
  /** Cancels the import. */
  signal?: AbortSignal
  /** Default: a new one. The same file sent again with the same id is imported once. */
  mutationId?: string
  /**
   * How the file is sent: `fetch`, the client's own (the default), or `xhr`, XMLHttpRequest, which also reports how
   * much was sent, but does not use a `fetch` that the client was given.
   */
  upload?: 'fetch' | 'xhr'
}

/** Reported a few times a second; `sending` by `xhr` only. */
export interface ImportFileProgress {
  phase: 'sending' | 'reading' | 'writing'
  /** Sent, or read by the server. */
  bytes: number
  /** Of the whole file; null of a stream. */
  totalBytes: number | null
  /** Read so far; during `writing`, all. */
  rows: number
  valid: number
  invalid: number
  written: number
}

/** What was done, or in a dry run what would be. */
export interface FileImported {
  import_id: string
  dry_run: boolean
  rows: number
  created: number
  updated: number
  /** Found, with the same values as in the file. */
  unchanged: number
}

/** What is wrong with a row. */
export interface RowError extends FieldError {
  /** The line in which the row begins, from 1; null where no single row is the cause. */
  line: number | null
  /** Where the cause is not its values. */
  code?: 'stale_record' | 'forbidden' | 'not_found'
  current_version?: number
}

/** Why a file was refused. Nothing was written. */
export interface FileProblem extends InvalidProblem {
  /** The first 100, by line. */
  errors: RowError[]
  rows: number
  /** Rows with errors; of them `stale` because the record has changed. */
  invalid: number
  stale: number
  /** `false`: the search ended early, there may be more. */
  complete: boolean
}

/** What `client.importFile` answers. */
export type ImportFileOutcome =
  | { outcome: 'imported'; answer: FileImported }
  | { outcome: 'invalid'; problem: FileProblem }
  /** `mayBeWritten`: writing had begun, and the cancel may have come too late. */
  | { outcome: 'cancelled'; mayBeWritten: boolean }
  /** After `unreachable` send it again with the same `mutationId`: then it is imported once. */
  | Refusal
