// The one place where PostgreSQL's values become the wire's, and the other way round.
// Invariant: no value is silently altered. A number that JavaScript can't hold exactly stays a string; a timestamp
// keeps its microseconds.

interface Types {
  getTypeParser(oid: number, format?: string): (text: string) => unknown
}

const INT8 = 20
const FLOAT4 = 700
const FLOAT8 = 701
const NUMERIC = 1700
const DATE = 1082
const DATE_ARRAY = 1182
const TIMESTAMP = 1114
const TIMESTAMPTZ = 1184
const INTERVAL = 1186
const TEXT_ARRAY = 1009

const asText = (text: string) => text

/** As many as a double always holds. */
const EXACT_DIGITS = 15

/** A number where that is exact (15 significant digits and less), else the digits as they are. */
export const exactNumber = (text: string): number | string => {
  if (text.length <= EXACT_DIGITS) return finiteNumber(text)
  const digits = text.replace(/^-?0*|\./g, '')
  const number = Number(text)
  return digits.length <= EXACT_DIGITS && Number.isFinite(number) ? number : text
}

/** JSON has no NaN and no Infinity: these stay text. */
const finiteNumber = (text: string): number | string => {
  const number = Number(text)
  return Number.isFinite(number) ? number : text
}

const TIMESTAMP_TEXT =
  /^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?$/

/** The form that nearly all have where the session's zone is UTC. */
const UTC_TEXT = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00$/

/** ISO 8601 of PostgreSQL's text form: UTC with a Z where it has a zone, microseconds kept. `infinity` stays itself. */
export const isoTimestamp = (text: string): string => {
  if (UTC_TEXT.test(text)) return `${text.slice(0, 10)}T${text.slice(11, 26)}Z`
  const parts = TIMESTAMP_TEXT.exec(text)
  if (!parts) return text
  const [, date, time, fraction = '', sign, hours, minutes = '00', seconds = '00'] = parts
  const micros = `.${fraction.slice(1).padEnd(6, '0')}`
  if (!sign) return `${date}T${time}${micros}`
  if (hours === '00' && minutes === '00' && seconds === '00') return `${date}T${time}${micros}Z`
  const offset = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
  const utc = new Date(Date.parse(`${date}T${time}Z`) - (sign === '+' ? offset : -offset) * 1_000)
  return Number.isNaN(utc.getTime()) ? text : `${utc.toISOString().slice(0, 19)}${micros}Z`
}

const PARSERS = new Map<number, (text: string) => unknown>([
  [INT8, exactNumber],
  [NUMERIC, exactNumber],
  [FLOAT4, finiteNumber],
  [FLOAT8, finiteNumber],
  [DATE, asText],
  [INTERVAL, asText],
  [TIMESTAMP, isoTimestamp],
  [TIMESTAMPTZ, isoTimestamp],
])

/** Column types whose values would lose something in jsonb, and how their text is read. */
export const INEXACT_IN_JSON: Record<string, (text: string) => unknown> = {
  int8: exactNumber,
  numeric: exactNumber,
  timestamp: isoTimestamp,
  timestamptz: isoTimestamp,
}

const parsers = new WeakMap<object, Types>()

/** pg's own parsers with ours in front, as pg's `types` option wants them. */
export const parserOf = (driver: unknown): Types => {
  const { types } = driver as { types: Types }
  const known = parsers.get(types)
  if (known) return known
  const ours: Types = {
    getTypeParser: (oid, format) =>
      (format !== 'binary' && PARSERS.get(oid)) ||
      types.getTypeParser(oid === DATE_ARRAY ? TEXT_ARRAY : oid, format),
  }
  parsers.set(types, ours)
  return ours
}

/** A value of the wire as a parameter for a column of this type. */
export const toParameter = (value: unknown, columnType: string): unknown => {
  if (value === null || value === undefined) return null
  if (columnType === 'json' || columnType === 'jsonb') return JSON.stringify(value)
  return value
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
