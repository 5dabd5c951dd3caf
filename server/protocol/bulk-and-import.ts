// The wire of many records at once: bulk edits and imports. Types and constants only, like index.ts.
import type { FieldError, Fields, InvalidProblem, Problem, WireRecord, Writer } from './index.ts'

/** The most records that one bulk edit may name. */
export const MAX_BULK_RECORDS = 500

/** Body of `PATCH /records/:type`: the same changes to many records, each guarded by its own version. */
export interface BulkBody {
  /** New values by field, the same for each record. */
  changes: Fields
  /** Each record once, at most {@link MAX_BULK_RECORDS}. */
  records: { id: string; client_version: number }[]
  /** Default `abort`: all or none. `skip` saves those that can be saved. */
  on_stale?: 'abort' | 'skip'
  /** At most 200 characters. A replay of the same write gets its first answer back. */
  mutation_id?: string
}

/** What became of one record of a bulk edit. Where it was not saved: the code that a save of it alone would have had. */
export type BulkEntry =
  | { id: string; outcome: 'saved'; version: number; updated_at: string; updated_by: Writer | null }
  | {
      id: string
      outcome: 'stale_record'
      client_version: number
      current_version: number
      changed_fields: string[] | null
      updated_at: string
      updated_by: Writer | null
      /** `null` where the answer has no room for it, which is `pageBytes` for all together. */
      current: WireRecord | null
    }
  | { id: string; outcome: 'deleted'; version: number; updated_at: string; updated_by: Writer | null }
  | { id: string; outcome: 'not_found' | 'forbidden' }
  /** The database kept it from being written. */
  | { id: string; outcome: 'invalid'; errors: FieldError[] }
  /** Nothing was wrong with it; another record could not be saved. */
  | { id: string; outcome: 'held_back' }

/** A bulk edit with `abort` that saved nothing: status and code are those of the first record that could not be saved. */
export interface BulkProblem extends Problem {
  /** Of the first record that was in the way. */
  code: 'stale_record' | 'deleted' | 'not_found' | 'forbidden' | 'invalid'
  /** What became of each, in the order asked. */
  records: BulkEntry[]
}

/** The most row errors that the answer to an import lists. */
export const MAX_IMPORT_ROW_ERRORS = 100

/** `POST /records/:type/import`. */
export interface ImportAnswer {
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

/**
 * What became of one row of an import that is undone. `removed`: the import had created it. `restored`: it has the values of before. What
 * was changed or deleted since stays so: `stale_record`, `deleted`. `no_values`: what was before isn't known.
 */
export type UndoneRow =
  | { id: string; outcome: 'removed' | 'deleted' | 'forbidden' | 'no_values' }
  | { id: string; outcome: 'restored'; version: number }
  | { id: string; outcome: 'stale_record'; current_version?: number }
  | { id: string; outcome: 'invalid'; errors: FieldError[] }

/** `POST /records/:type/import/:import_id/undo`: a part of the import, its last row first. */
export interface UndoImportAnswer {
  /** Without rows that this person may not read. */
  data: UndoneRow[]
  /** Send it as `after` for the next part; `null`: all is undone that can be. */
  next: string | null
  /** Changes that the import made; `null` where this person may not read all records of the type. */
  total: number | null
}

/** How far an import is: a line of the answer where `application/x-ndjson` was asked for. */
export interface ImportProgress {
  /** What it is at: reading and checking rows, then writing them. */
  phase: 'reading' | 'writing'
  /** Bytes read. */
  bytes: number
  /** Rows read. */
  rows: number
  /** Of these, without an error. */
  valid: number
  /** Of these, with one. */
  invalid: number
  /** Of these, written. */
  written: number
}

/** One error in one row of a file. */
export interface ImportRowError extends FieldError {
  /** From 1; `null` where no single row is the cause. */
  line: number | null
  /** Where it isn't the row's own values: what a write of it alone would have been answered. */
  code?: 'stale_record' | 'forbidden' | 'not_found'
  /** Of a stale row. */
  current_version?: number
}

/** 422 of an import: nothing was written. */
export interface ImportProblem extends InvalidProblem {
  /** The first {@link MAX_IMPORT_ROW_ERRORS}, by line. */
  errors: ImportRowError[]
  /** Rows read. */
  rows: number
  /** Rows with errors; of them `stale` because the record has changed. */
  invalid: number
  /** Of the rows with errors, those whose record has changed. */
  stale: number
  /** `false`: the search ended early, there may be more. */
  complete: boolean
}
