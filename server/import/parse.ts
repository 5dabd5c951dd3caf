// A file as rows, whatever its format.
import { csvRows } from './csv.ts'
import { ndjsonRows } from './ndjson.ts'
import type { ImportRow } from './row.ts'

export type ImportFormat = 'csv' | 'ndjson'

export const rowsOf = (format: ImportFormat, pieces: AsyncIterable<Buffer>): AsyncGenerator<ImportRow> =>
  format === 'csv' ? csvRows(pieces) : ndjsonRows(pieces)
