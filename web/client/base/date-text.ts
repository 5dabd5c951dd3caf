// Days and points in time as an input has them. Invariant: what is kept is what is shown, to the last digit that can be
// typed; what is not shown (microseconds) stays the record's. A day in the middle of being typed is none yet.

/** `value`: what was typed; `unfinished`: it may become one yet, or is one already (`meant`) for the user who insists. */
export type ReadDate =
  | { kind: 'value'; value: string }
  | { kind: 'unfinished'; meant?: string }
  | { kind: 'unreadable' }

const DAY = /^\d{4,6}-\d\d-\d\d$/
const TIME = /^(\d{4,6}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d(?::?\d\d)?)?$/
/** While a year is typed it is 2, 20 and 202 first, and with a key too many 20261. */
const isWholeYear = (text: string) => /^[1-9]\d{3}-/.test(text)

/** ISO 8601 has a sign and six digits for years beyond 9999. */
const isoDay = (day: string) => (day.length > 10 ? `+${day.padStart(12, '0')}` : day)

const two = (number: number) => String(number).padStart(2, '0')
const withoutZeros = (fraction: string) => fraction.replace(/0+$/, '').replace(/^\.$/, '')

/** A point in time, as far as an input can show it: to the millisecond. */
function inputTime(day: string, minutes: string, seconds = '00', fraction = ''): string {
  const millis = withoutZeros(fraction.slice(0, 4))
  const rest = millis === '' ? '' : millis.padEnd(4, '0')
  return `${day}T${minutes}${seconds === '00' && rest === '' ? '' : `:${seconds}${rest}`}`
}

/** The same in the zone of this machine. */
function localTime(at: Date): string {
  const day = `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const fraction = `.${String(at.getMilliseconds()).padStart(3, '0')}`
  return inputTime(day, `${two(at.getHours())}:${two(at.getMinutes())}`, two(at.getSeconds()), fraction)
}

const isoOf = (zoned: RegExpExecArray) => {
  const [, day = '', minutes, seconds = '00', fraction = '', zone = 'Z'] = zoned
  const offset = /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone
  return `${isoDay(day)}T${minutes}:${seconds}${fraction.slice(0, 4)}${offset}`
}

/** A day in a column of times: midnight, in no zone. */
const MIDNIGHT = /[T ]00:00(:00(\.0+)?)?$/

/** An input of days would lose its time, and one of times would give it one. */
export const isShownInPart = (value: unknown, kind: string): boolean => {
  const text = String(value)
  return kind === 'date' ? TIME.test(text) && !MIDNIGHT.test(text) : kind === 'datetime' && DAY.test(text)
}

/** A record's value as `<input type="date">` shows it: the day, of a time too; `''` for what is none. */
export const dayText = (value: unknown): string => timeText(value).replace(/T.*/, '')

/** A record's value as `<input type="datetime-local">` shows it: in this machine's zone where the value has one. */
export function timeText(value: unknown): string {
  const text = String(value ?? '')
  if (DAY.test(text)) return `${text}T00:00`
  const parts = TIME.exec(text)
  if (!parts) return ''
  const [, day = '', minutes = '', seconds, fraction, zone] = parts
  if (zone === undefined) return inputTime(day, minutes, seconds, fraction)
  const at = new Date(isoOf(parts))
  return Number.isNaN(at.getTime()) ? '' : localTime(at)
}

/** One that the calendar has. */
function isDay(text: string): boolean {
  const at = new Date(`${isoDay(text)}T00:00Z`)
  return DAY.test(text) && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(isoDay(text))
}

/** `base`: the record's value, whose midnight stays with the day. */
export function readDay(text: string, base: unknown): ReadDate {
  if (!isDay(text)) return { kind: 'unreadable' }
  const value = text + (typeof base === 'string' ? (MIDNIGHT.exec(base)?.[0] ?? '') : '')
  return isWholeYear(text) ? { kind: 'value', value } : { kind: 'unfinished', meant: value }
}

/** `base`: the record's value, which says whether there is a zone, and which of two same hours of a night is meant. */
export function readTime(text: string, base: unknown): ReadDate {
  const parts = TIME.exec(text)
  if (!parts || parts[5] !== undefined) return { kind: 'unreadable' }
  const value = timeOf(parts, typeof base === 'string' ? TIME.exec(base) : null)
  if (value === null) return { kind: 'unreadable' }
  return isWholeYear(text) ? { kind: 'value', value } : { kind: 'unfinished', meant: value }
}

/** As the server writes it, with six digits of a second; `null` for an hour that this zone leaves out. */
function timeOf(typed: RegExpExecArray, base: RegExpExecArray | null): string | null {
  const [, day = '', minutes = '', seconds = '00', fraction = ''] = typed
  const shown = inputTime(day, minutes, seconds, fraction)
  if (base && timeText(base[0]) === shown) return base[0]
  const micros = unshown(typed, base)
  if (base && base[5] === undefined) return `${day}T${minutes}:${seconds}${micros}`
  const wall = Date.parse(`${isoDay(day)}T${minutes}:${seconds}${fraction.slice(0, 4)}Z`)
  const candidates = [new Date(isoOf(base ?? typed)), new Date(wall)].map(
    (near) => new Date(wall + near.getTimezoneOffset() * 60_000),
  )
  const offsets = candidates.flatMap((near) => [near, new Date(wall + near.getTimezoneOffset() * 60_000)])
  const at = offsets.find((one) => localTime(one) === shown)
  return at ? `${at.toISOString().slice(0, -5).replace(/^\+0*/, '')}${micros}Z` : null
}

/** The digits of a second: of the record where the second is still its own, else those that were typed. */
function unshown(
  [, , , seconds = '00', fraction = '']: RegExpExecArray,
  base: RegExpExecArray | null,
): string {
  const [, , , known = '00', micros = ''] = base ?? []
  const isKept =
    base !== null && known === seconds && withoutZeros(micros.slice(0, 4)) === withoutZeros(fraction)
  return (isKept ? micros : fraction).padEnd(7, '0').replace(/^0/, '.')
}
