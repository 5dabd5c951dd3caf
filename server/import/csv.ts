// CSV (RFC 4180) as rows: the first line names the fields, every further one is a record.
// Invariant: a row's line is the line in the file where it begins, whatever line breaks are inside its quotes.

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CsvError, parse } from 'csv-parse'
import { type ImportRow, MAX_ROW_BYTES } from './row.ts'

interface Parsed {
  at: number
  record: string[]
}

const lineBreaks = (record: string[]) => {
  let count = 0
  for (const value of record)
    if (value.includes('\n') || value.includes('\r')) count += value.split(/\r\n|\n|\r/).length - 1
  return count
}

const headerError = (header: string[]): string | null => {
  const names = header.map((name) => name.trim())
  if (names.some((name) => name === '')) return 'every column needs a name in the first line'
  if (names.length === 1 && /[;\t]/.test(names[0] ?? ''))
    return 'commas must stand between the values, not semicolons or tabs'
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined ? null : `the first line names ${twice.slice(0, 100)} twice`
}

/** Rows with texts as values. Where the file stops being CSV, the last row says so. */
export async function* csvRows(pieces: AsyncIterable<Buffer>): AsyncGenerator<ImportRow> {
  let line = 1
  let empty = 0
  const placed = (record: string[], info: { empty_lines: number }): Parsed => {
    const at = line + info.empty_lines - empty
    empty = info.empty_lines
    line = at + 1 + lineBreaks(record)
    return { at, record }
  }
  const parser = parse({
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_BYTES,
    // csv-parse's types allow no other shape of a record than what was read; its code does.
    on_record: placed as never,
  })
  const feeding = pipeline(Readable.from(pieces, { objectMode: true, highWaterMark: 1 }), parser)
  feeding.catch(() => {})
  let header: string[] | null = null
  try {
    for await (const { at, record } of parser as AsyncIterable<Parsed>) {
      if (!header) {
        header = record.map((name) => name.trim())
        const rowError = headerError(record)
        yield { line: at, header, ...(rowError && { rowError }) }
        if (rowError) return
        continue
      }
      if (record.length !== header.length) {
        yield {
          line: at,
          rowError: `has ${record.length} values, where the first line names ${header.length}`,
        }
        continue
      }
      const fields: Record<string, unknown> = Object.create(null)
      for (const [index, name] of header.entries()) fields[name] = record[index]
      yield { line: at, fields }
    }
    await feeding
    if (!header) yield { line: 1, header: [], rowError: 'the first line must name the fields' }
  } catch (error) {
    // By its class: not every code begins with CSV_.
    if (!(error instanceof CsvError)) throw error
    const what =
      error.code === 'CSV_MAX_RECORD_SIZE'
        ? `is longer than ${MAX_ROW_BYTES} bytes`
        : 'is not CSV: look at its quotes'
    yield { line, rowError: `${what}; nothing after it was read`, isLast: true }
  }
}
