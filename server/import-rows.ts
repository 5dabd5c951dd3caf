// A file as rows, whatever its format.
import { csvRows } from './import-csv.ts'
import { ndjsonRows } from './import-ndjson.ts'
import type { ImportRow } from './import-row.ts'

export type ImportFormat = 'csv' | 'ndjson'

export const rowsOf = (format: ImportFormat, pieces: AsyncIterable<Buffer>): AsyncGenerator<ImportRow> =>
  format === 'csv' ? csvRows(pieces) : ndjsonRows(pieces)
