// What is wrong with a file: the first row errors with their lines, and how many rows have errors.
import { problem } from '../base/problems.ts'
import {
  type ImportProblem,
  type ImportRowError,
  MAX_IMPORT_ROW_ERRORS,
} from '../protocol/bulk-and-import.ts'

export interface RowErrors {
  /** Adds the errors of one row; those beyond the limit are counted only. */
  add(line: number | null, rowErrors: Omit<ImportRowError, 'line'>[]): void
  /** Counts rows with errors that aren't listed. */
  addUnlisted(count: number): void
  /** Rows with errors. */
  count(): number
  isFull(): boolean
  toProblem(rows: number, isComplete: boolean): ImportProblem
}

export const createRowErrors = (): RowErrors => {
  const listed: ImportRowError[] = []
  let count = 0
  let stale = 0
  const isFull = () => listed.length >= MAX_IMPORT_ROW_ERRORS
  return {
    add: (line, rowErrors) => {
      count += 1
      if (rowErrors.some(({ code }) => code === 'stale_record')) stale += 1
      for (const rowError of rowErrors) if (!isFull()) listed.push({ line, ...rowError })
    },
    addUnlisted: (more) => {
      count += more
    },
    count: () => count,
    isFull,
    toProblem: (rows, isComplete) => ({
      ...problem('invalid', `${count} of ${rows} rows can't be imported, so none was.`),
      code: 'invalid',
      errors: listed.sort((one, other) => (one.line ?? 0) - (other.line ?? 0)),
      rows,
      invalid: count,
      stale,
      complete: isComplete,
    }),
  }
}
