// PostgreSQL's dates and times as ISO 8601, and which texts are taken for them.

const TIMESTAMP_TEXT =
  /^(\d{4,}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?(?:(Z)|([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?$/

/** The form that nearly all have where the session's zone is UTC. */
const UTC_TEXT = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00$/

/** ISO 8601 has no years before 1 that people write: these stay as PostgreSQL has them. */
const BEFORE_CHRIST = /^(\d{4,}-\d\d-\d\d)T(.*) BC$/

/**
 * ISO 8601 of PostgreSQL's text form: UTC with a Z where it has a zone, microseconds kept. `infinity` and years before Christ
 * stay themselves.
 */
export const isoTimestamp = (text: string): string => {
  if (UTC_TEXT.test(text)) return `${text.slice(0, 10)}T${text.slice(11, 26)}Z`
  const parts = TIMESTAMP_TEXT.exec(text)
  if (!parts) return text.replace(BEFORE_CHRIST, '$1 $2 BC').replace('+00:00 BC', '+00 BC')
  const [, date, time, fraction = '', z = '', sign, hours, minutes = '00', seconds = '00'] = parts
  const micros = `.${fraction.slice(1).padEnd(6, '0')}`
  if (!sign) return `${date}T${time}${micros}${z}`
  if (hours === '00' && minutes === '00' && seconds === '00') return `${date}T${time}${micros}Z`
  const offset = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
  const utc = new Date(Date.parse(`${date}T${time}Z`) - (sign === '+' ? offset : -offset) * 1_000)
  return Number.isNaN(utc.getTime()) ? text : `${utc.toISOString().slice(0, 19)}${micros}Z`
}

/** Times of four-digit years, which can be compared as texts. */
const FIRST_TIME = Date.parse('0001-01-01T00:00:00Z')
const LAST_TIME = Date.parse('9999-12-31T23:59:59Z')

/**
 * A time in UTC with microseconds; `null` for none, and for one of a year without four digits.
 *
 * @param at Milliseconds since 1970, of which the second counts.
 * @param fraction The digits of its fraction; finer ones are cut off.
 */
export const utcMoment = (at: number, fraction: string): string | null =>
  at > FIRST_TIME && at < LAST_TIME
    ? `${new Date(at).toISOString().slice(0, 19)}.${fraction.padEnd(6, '0').slice(0, 6)}Z`
    : null

/** The form that a time in UTC has as JSON, unless its microseconds end with a zero. */
const WHOLE_TEXT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/

/** The same of a time in UTC whose text says no zone. */
export const isoUtc = (text: string): string => {
  if (WHOLE_TEXT.test(text)) return `${text}Z`
  const iso = isoTimestamp(text)
  if (iso.endsWith('Z')) return iso
  if (/T[\d:.]+$/.test(iso)) return `${iso}Z`
  return iso.replace(/(:[\d.]+) BC$/, '$1+00 BC')
}

const ISO_DATE = /^[+-]?\d{4,}-\d\d?-\d\d?(?!\d)/
const ENDLESS = /^[+-]?infinity$/i
const HAS_ZONE = /(?:z|[+-]\d\d(?::?\d\d){0,2})(?: bc)?$/i

/** `true`: a zone that isn't UTC. PostgreSQL drops it where the column has none, and keeps the hour. */
const isElsewhere = (trimmed: string): boolean => {
  const [zone] = HAS_ZONE.exec(trimmed.replace(/^[+-]?\d+-\d+-\d+/, '')) ?? []
  return zone !== undefined && !/^(?:z|[+-]00(?::?00){0,2})(?: bc)?$/i.test(zone)
}

/** Why a text is no date or time that means the same to everybody, or `null`. */
export const dateError = (text: string, type: string): string | null => {
  const trimmed = text.trim()
  if (type === 'timestamp' && isElsewhere(trimmed))
    return 'must be a time in UTC (Z) or without a zone, as its column has none'
  if (ISO_DATE.test(trimmed) || ENDLESS.test(trimmed)) return null
  return type === 'date' ? 'must be a date like 2026-11-21' : 'must be a time like 2026-11-21T09:30:00Z'
}

/** A time for a column with time zone: one that names no zone is meant in UTC, whatever the session's is. */
export const withZone = (text: string): string => {
  const trimmed = text.trim()
  if (!ISO_DATE.test(trimmed) || HAS_ZONE.test(trimmed.replace(/^[+-]?\d+-\d+-\d+/, ''))) return text
  const [, head = trimmed, era = ''] = /^(.*?)( bc)?$/i.exec(trimmed) ?? []
  return /[T ]\d/i.test(head) ? `${head}Z${era}` : `${head} 00:00:00Z${era}`
}

/** SQL of a time with zone as a text for {@link isoUtc}, whatever the session's settings are. */
export const utcText = (column: string): string =>
  `(pg_catalog.to_json(${column} at time zone 'UTC') #>> '{}'::text[])`
