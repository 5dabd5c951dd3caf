// NDJSON as rows: one JSON object a line, empty lines skipped.
import { hasInexactNumbers, parseJson } from '../db/json-text.ts'
import { type ImportRow, MAX_ROW_BYTES } from './row.ts'

const inexactIn = (text: string, value: object): string[] => {
  if (!hasInexactNumbers(text)) return []
  const rounded: Record<string, unknown> = JSON.parse(text)
  return Object.entries(value).flatMap(([name, exact]) =>
    typeof exact === 'string' && typeof rounded[name] === 'number' ? [name] : [],
  )
}

const toRow = (line: number, bytes: Buffer): ImportRow | null => {
  const text = bytes.toString().replace(/^\uFEFF/, '')
  if (text.trim() === '') return null
  try {
    const value = parseJson(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { line, fields: value as Record<string, unknown>, inexact: inexactIn(text, value) }
    return { line, rowError: 'is not a JSON object' }
  } catch {
    return { line, rowError: 'is not JSON' }
  }
}

export async function* ndjsonRows(pieces: AsyncIterable<Buffer>): AsyncGenerator<ImportRow> {
  let line = 1
  let held: Buffer[] = []
  let size = 0
  for await (const piece of pieces) {
    let from = 0
    for (let at = piece.indexOf(10); at !== -1; at = piece.indexOf(10, from)) {
      const row = toRow(line, Buffer.concat([...held, piece.subarray(from, at)]))
      if (row) yield row
      held = []
      size = 0
      line += 1
      from = at + 1
    }
    const left = piece.subarray(from)
    size += left.length
    if (size > MAX_ROW_BYTES) {
      yield {
        line,
        rowError: `is longer than ${MAX_ROW_BYTES} bytes; nothing after it was read`,
        isLast: true,
      }
      return
    }
    if (left.length > 0) held.push(left)
  }
  const row = toRow(line, Buffer.concat(held))
  if (row) yield row
}
