// A file as rows, whatever its format.
import { csvRows } from './csv.ts'
import { ndjsonRows } from './ndjson.ts'
import type { ImportRow } from './row.ts'

/** `tsv` is CSV with tabs between its values. */
export type ImportFormat = 'csv' | 'tsv' | 'ndjson'

export const rowsOf = (format: ImportFormat, pieces: AsyncIterable<Buffer>): AsyncGenerator<ImportRow> =>
  format === 'ndjson' ? ndjsonRows(pieces) : csvRows(pieces, format === 'tsv' ? '\t' : ',')
