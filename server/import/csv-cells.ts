// Turns the text of a CSV cell into a value for its column and schema.
// Invariant: no cell is guessed at: what isn't a plain number stays text, for the schema to refuse. An empty cell is "no
// value": null if the schema takes null, else the empty text of a text column.

import { fromDateFormat } from '../base/date-format.ts'
import { exactNumber, finiteNumber } from '../db/exact-number.ts'
import { parseJson } from '../db/json-text.ts'
import type { KnownType } from '../tables/database.ts'
import { canonicalId, type KeyKind, keyKindOf } from '../tables/record-id.ts'

const NUMBERS = new Set(['int2', 'int4', 'int8', 'numeric'])
const FLOATS = new Set(['float4', 'float8'])
const TEXTS = new Set(['text', 'varchar', 'bpchar', 'citext', 'name'])
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/
const BOOLEANS: Record<string, boolean> = { true: true, false: false, t: true, f: false }

const parsedJson = (text: string): unknown => {
  try {
    return parseJson(text)
  } catch {
    return text
  }
}

/** JSON's `[1,2]`; what isn't that is PostgreSQL's own `{1,2}`. */
const parsedArray = (text: string): unknown => (text.trimStart().startsWith('[') ? parsedJson(text) : text)

/** Makes values of texts, by field. */
export const cellReader = (known: KnownType): ((name: string, text: string) => unknown) => {
  const takesNull = new Map<string, boolean>()
  const isNullable = (name: string) => {
    const found = takesNull.get(name)
    if (found !== undefined) return found
    const result = known.type.fields[name]?.['~standard'].validate(null)
    const nullable = result !== undefined && 'value' in result
    takesNull.set(name, nullable)
    return nullable
  }
  return (name, text) => {
    const { type = 'text', element = null } = known.columns.get(name) ?? {}
    if (text === '') return TEXTS.has(type) && !isNullable(name) ? '' : null
    const format = known.type.dateFormats[name]
    if (format !== undefined) return fromDateFormat(format, text)
    if (NUMBERS.has(type)) return NUMBER.test(text) ? exactNumber(text) : text
    if (type === 'bool') return BOOLEANS[text.toLowerCase()] ?? text
    if (FLOATS.has(type)) return NUMBER.test(text) ? finiteNumber(text) : text
    if (element) return parsedArray(text)
    if (type === 'json' || type === 'jsonb') return parsedJson(text)
    return text
  }
}

/** By what records are found: for `id` the table's own key, even if another column has that name. `null`: by nothing. */
export const findingKind = ({ key: own, columns }: KnownType, key: string | null): KeyKind | null => {
  if (key === null || key === 'id') return own.kind
  const type = columns.get(key)?.type ?? ''
  return type === 'citext' ? 'text' : keyKindOf(type)
}

/** Is it a whole number that records are found by? */
export const isWholeNumber = (kind: KeyKind): boolean => typeof kind === 'string' && kind.startsWith('int')

/**
 * A key's text form, or `null` where this value can't be one. A text key is a text: 1.10 as a number would name "1.1". A
 * number beyond 2^53 was rounded when it was parsed, and may name another record than the file does.
 */
export const keyText = (kind: KeyKind, value: unknown): string | null => {
  if (typeof value === 'string') return canonicalId(kind, value)
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value)
  return isWhole && isWholeNumber(kind) ? canonicalId(kind, String(value)) : null
}
