// CSV (RFC 4180) as rows: the first line names the fields, every further one is a record.
// Invariant: a row's line is the line in the file where it begins, whatever line breaks are inside its quotes.

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CsvError, parse } from 'csv-parse'
import { type ImportRow, MAX_ROW_BYTES } from './row.ts'

interface Parsed {
  at: number
  /** Nothing but delimiters and spaces: no value, and no quotes around none. */
  isBare: boolean
  record: string[]
}

const lineBreaks = (record: string[]) => {
  let count = 0
  for (const value of record)
    if (value.includes('\n') || value.includes('\r')) count += value.split(/\r\n|\n|\r/).length - 1
  return count
}

const headerError = (names: string[], delimiter: string): string | null => {
  if (names.length === 0 || names.some((name) => name === ''))
    return 'every column needs a name in the first line'
  if (delimiter === ',' && names.length === 1 && /[;\t]/.test(names[0] ?? ''))
    return 'commas must stand between the values, not semicolons or tabs; or begin the file with the line sep=;'
  const seen = new Set<string>()
  const twice = names.find((name) => seen.size === seen.add(name).size)
  return twice === undefined ? null : `the first line names ${twice.slice(0, 100)} twice`
}

/** Without empty texts at the end: a comma at the end of a line is no column. */
const withoutEnd = (texts: string[]): string[] =>
  texts.slice(0, texts.findLastIndex((text) => text !== '') + 1)

/** Could the line `sep=;` begin so? */
const mayBeSeparator = (head: Buffer): boolean => {
  if (head.length < 3 && head[0] === 0xef) return true
  const text = head.toString().replace(/^\uFEFF/, '')
  return text.length < 5
    ? 'sep='.startsWith(text.slice(0, 4))
    : text.startsWith('sep=') && text.length < 8 && !text.includes('\n')
}

const SEPARATOR = /^(?:\uFEFF)?sep=(.)\r?\n/

/** What stands between the values, as spreadsheets say it in a line of its own, and the file without that line. */
const readSeparator = async (pieces: AsyncIterable<Buffer>, delimiter: string) => {
  const iterator = pieces[Symbol.asyncIterator]()
  const { value: first = Buffer.alloc(0), done } = await iterator.next()
  let head: Buffer = first
  while (!done && mayBeSeparator(head)) {
    const next = await iterator.next()
    if (next.done) break
    head = Buffer.concat([head, next.value])
  }
  const [line, separator] = SEPARATOR.exec(head.subarray(0, 16).toString()) ?? []
  async function* rest() {
    try {
      yield line === undefined ? head : head.subarray(Buffer.byteLength(line))
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
    } finally {
      await iterator.return?.()
    }
  }
  return { delimiter: separator ?? delimiter, lines: line === undefined ? 0 : 1, rest: rest() }
}

/**
 * Rows with texts as values. Where the file stops being CSV, the last row says so. A row of delimiters alone is none; one of
 * quoted empty values is.
 */
export async function* csvRows(file: AsyncIterable<Buffer>, between = ','): AsyncGenerator<ImportRow> {
  const { delimiter, lines, rest } = await readSeparator(file, between)
  let line = 1 + lines
  let empty = 0
  let bytes = 0
  const isBare = (record: string[], size: number) =>
    record.length > 1 &&
    record.every((text) => text.trim() === '') &&
    size <=
      (record.length - 1) * Buffer.byteLength(delimiter) + Buffer.byteLength(record.join('')) + '\r\n'.length
  const placed = (record: string[], info: { empty_lines: number; bytes: number }): Parsed => {
    const size = info.bytes - bytes
    bytes = info.bytes
    const at = line + info.empty_lines - empty
    empty = info.empty_lines
    line = at + 1 + lineBreaks(record)
    return { at, record, isBare: isBare(record, size) }
  }
  const parser = parse({
    bom: true,
    delimiter,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_BYTES,
    // csv-parse's types allow no other shape of a record than what was read; its code does.
    on_record: placed as never,
  })
  const feeding = pipeline(Readable.from(rest, { objectMode: true, highWaterMark: 1 }), parser)
  // Its failure is the parser's too, and is thrown where that is read.
  feeding.catch(() => {})
  let header: string[] | null = null
  try {
    for await (const { at, record, isBare } of parser as AsyncIterable<Parsed>) {
      if (!header) {
        header = withoutEnd(record.map((name) => name.trim()))
        const rowError = headerError(header, delimiter)
        yield { line: at, header, ...(rowError && { rowError }) }
        if (rowError) return
        continue
      }
      if (isBare) continue
      const isLonger = record.length > header.length && withoutEnd(record).length <= header.length
      if (record.length !== header.length && !isLonger) {
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
