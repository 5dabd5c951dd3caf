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
  const text = typed
    .normalize('NFKC')
    .replace(/\u2212/g, '-')
    .trim()
  if (text === '') return { kind: 'value', value: null }
  const plain = withoutMarks(text, locale)
  if (UNFINISHED.test(plain)) return { kind: 'unfinished' }
  return PLAIN.test(plain) ? { kind: 'value', value: exact(plain) } : { kind: 'unreadable' }
}

function withoutMarks(text: string, locale: string): string {
  if (PLAIN.test(text)) return text
  const { group, decimal } = marksOf(locale)
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
  const digits = plain
    .replace(/e.*$/i, '')
    .replace(/^[+-]?0*|\./g, '')
    .replace(/^0+/, '')
  if (digits.length <= EXACT_DIGITS && Number.isFinite(number)) return number === 0 ? 0 : number
  return plain
    .replace(/^\+/, '')
    .replace(/^(-?)\./, '$10.')
    .replace(/\.$/, '')
}

const digitsOf = (plain: string) =>
  plain
    .replace(/e.*$/i, '')
    .replace(/^[+-]?0*|\./g, '')
    .replace(/^0+/, '').length

/** The same number as text where the record has such numbers as text. */
export const likeBase = (value: number | string | null, base: unknown): number | string | null =>
  typeof base === 'string' && typeof value === 'number' && digitsOf(String(value)) > EXACT_DIGITS
    ? String(value)
    : value
