// One row of a file. Invariant: each row knows its line; what can't be read is a row with an error.

/** The longest row, in bytes: after an unclosed quote one row would take in the rest of the file. */
export const MAX_ROW_BYTES = 1_000_000

export interface ImportRow {
  /** From 1, the line in which it begins. */
  line: number
  /** The names in a CSV file's first line. */
  header?: string[]
  fields?: Record<string, unknown>
  /** Fields that stand as numbers in NDJSON which JavaScript can't hold; `fields` has their digits. No record is found by one. */
  inexact?: string[]
  rowError?: string
  /** What follows could not be read. */
  isLast?: boolean
}
