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
  /** Called a few times a second. */
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
  /** What it is at: sent by the browser, then read and written by the server. */
  phase: 'sending' | 'reading' | 'writing'
  /** Sent, or read by the server. */
  bytes: number
  /** Of the whole file; null of a stream. */
  totalBytes: number | null
  /** Read so far; during `writing`, all. */
  rows: number
  /** Of the rows read, without an error. */
  valid: number
  /** Of these, with one. */
  invalid: number
  /** Of these, written. */
  written: number
}

/** What was done, or in a dry run what would be. */
export interface FileImported {
  /** The one that `RecordsImported` has. */
  import_id: string
  /** Nothing was written. */
  dry_run: boolean
  /** Rows of the file, without the head. */
  rows: number
  /** Records that were not there. */
  created: number
  /** Records that were found, and have changed. */
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
  /** Of a `stale_record`: the version that the record has. */
  current_version?: number
}

/** Why a file was refused. Nothing was written. */
export interface FileProblem extends InvalidProblem {
  /** The first 100, by line. */
  errors: RowError[]
  /** Rows read. */
  rows: number
  /** Rows with errors; of them `stale` because the record has changed. */
  invalid: number
  /** Of the rows with errors, those whose record has changed. */
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
