// What the driver makes of PostgreSQL's values where no column's codec does (column-codec.ts), and which values PostgreSQL
// can't store at all. Invariant: a number that JavaScript can't hold exactly stays a string, whatever parsers the app has set.
import { exactNumber } from './exact-number.ts'
import { isoTimestamp } from './iso-time.ts'

interface Types {
  getTypeParser(oid: number, format?: string): (text: string) => unknown
}

const PARSERS = new Map<number, (text: string) => unknown>([
  [16, (text) => text === 't'],
  [20, exactNumber],
  [21, Number],
  [23, Number],
  [114, JSON.parse],
  [1184, isoTimestamp],
  [1700, exactNumber],
  [3802, JSON.parse],
])

const parsers = new WeakMap<object, Types>()

/** pg's own parsers with ours in front, as pg's `types` option wants them. */
export const parserOf = (driver: unknown): Types => {
  const { types } = driver as { types: Types }
  const known = parsers.get(types)
  if (known) return known
  const ours: Types = {
    getTypeParser: (oid, format) =>
      (format !== 'binary' && PARSERS.get(oid)) || types.getTypeParser(oid, format),
  }
  parsers.set(types, ours)
  return ours
}

const MAX_DEPTH = 64

const stringError = (text: string): string | null => {
  if (text.includes('\u0000')) return 'must not contain the character U+0000'
  return text.isWellFormed() ? null : 'is not well-formed Unicode'
}

/** Why PostgreSQL could not store a value, or `null`: NUL and lone surrogates have no place in its UTF-8. */
export const storageError = (value: unknown): string | null => {
  if (typeof value === 'string') return stringError(value)
  const waiting: [unknown, number][] = [[value, 0]]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [part, depth] = next
    if (depth > MAX_DEPTH) return 'is nested too deeply'
    if (typeof part === 'string') {
      const rowError = stringError(part)
      if (rowError) return rowError
    } else if (part && typeof part === 'object') {
      for (const [key, inner] of Object.entries(part)) waiting.push([key, depth + 1], [inner, depth + 1])
    }
  }
  return null
}
