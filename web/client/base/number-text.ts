// A number as somebody types it. Invariant: what comes out is what the digits say. Digits that a JavaScript number can't
// hold stay text, as the server sends such numbers too; a text that is no number is no value, never a part of it.

/** From here on the server sends a number as text (15 digits are exact in every double). */
const EXACT_DIGITS = 15

/** `value`: what was typed; `unfinished`: it may become a number yet (`-`, `.`, `1e`); `unreadable`: it won't. */
export type ReadNumber =
  | { kind: 'value'; value: number | string | null }
  | { kind: 'unfinished' }
  | { kind: 'unreadable' }

const PLAIN = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const UNFINISHED = /^[+-]?\.?$|^[+-]?(?:\d+\.?\d*|\.\d+)e[+-]?$/i

/** What a language writes between thousands, and before the fraction. */
function marksOf(locale: string) {
  const parts = new Intl.NumberFormat(locale).formatToParts(1234567.5)
  const mark = (type: string) => parts.find((part) => part.type === type)?.value
  return { group: mark('group') ?? ',', decimal: mark('decimal') ?? '.' }
}

/**
 * Reads what is typed. A point is before the fraction in every language, as fields show it; a language's own comma is too.
 * Thousands may be marked where it can be meant in one way alone: `1,234.5` in English, `1.234,5` in German.
 */
export function readNumber(typed: string, locale: string): ReadNumber {
  const text = inAscii(typed)
  if (text === '') return { kind: 'value', value: null }
  const plain = withoutMarks(text, locale)
  if (UNFINISHED.test(plain)) return { kind: 'unfinished' }
  return PLAIN.test(plain) ? { kind: 'value', value: exact(plain) } : { kind: 'unreadable' }
}

const ARABIC = { group: '\u066c', decimal: '.' }

/** Arabic, Persian and Indian digits are digits, and marks of direction are none. */
const inAscii = (typed: string) =>
  typed
    .normalize('NFKC')
    .replace(/[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g, '')
    .replace(/\u2212/g, '-')
    .replace(/\u066b/g, '.')
    .replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) % 16))
    .replace(/[\u0966-\u096f\u09e6-\u09ef]/g, (digit) => String((digit.charCodeAt(0) - 6) % 16))
    .trim()

function withoutMarks(text: string, locale: string): string {
  if (PLAIN.test(text)) return text
  const { group, decimal } = text.includes(ARABIC.group) ? ARABIC : marksOf(locale)
  const [whole = '', ...fractions] = text.split(decimal)
  if (fractions.length > 1) return text
  const mark = /\s/.test(group) ? '\\s' : group.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const isGrouped = new RegExp(`^[+-]?\\d{1,3}(?:${mark}\\d{2,3})*${mark}\\d{3}$`).test(whole)
  const digits = isGrouped ? whole.replace(new RegExp(mark, 'g'), '') : whole
  return fractions.length === 0 ? digits : `${digits}.${fractions[0]}`
}

/** As a number where it can be held to the last digit, else the digits, written plainly. */
function exact(plain: string): number | string {
  const number = Number(plain)
  const { digits } = partsOf(plain)
  if (digits.length <= EXACT_DIGITS && isSameNumber(plain, String(number))) return number === 0 ? 0 : number
  return plain
    .replace(/^\+/, '')
    .replace(/^(-?)0+(?=\d)/, '$1')
    .replace(/^(-?)\./, '$10.')
    .replace(/\.(?=$|e)/i, '')
}

/** Its digits without zeros around them, and the power of ten that the last one stands for. */
function partsOf(plain: string) {
  const [number = '', power = '0'] = plain.toLowerCase().split('e')
  const [whole = '', fraction = ''] = number.split('.')
  const written = `${whole}${fraction}`.replace(/^[+-]?0*/, '')
  const digits = written.replace(/0+$/, '')
  return { digits, power: Number(power) - fraction.length + written.length - digits.length }
}

function isSameNumber(a: string, b: string): boolean {
  const [one, other] = [partsOf(a), partsOf(b)]
  return one.digits === other.digits && (one.digits === '' || one.power === other.power)
}

/** The text as it was typed where the record has numbers as text that need not be: its column is one for text. */
export const likeBase = (value: number | string | null, base: unknown, typed: string): unknown =>
  typeof base === 'string' && PLAIN.test(base) && partsOf(base).digits.length <= EXACT_DIGITS ? typed : value
