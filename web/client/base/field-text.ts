// A field's value as the text of an input, and back. Invariant: an input that nobody typed in changes nothing, and typing
// back what was there is no edit, down to the ends of lines.

import { dayText, isShownInPart, readDay, readTime, timeText } from './date-text.ts'
import { likeBase, readNumber } from './number-text.ts'

/** The kind of the input; `text` suits a textarea too, `datetime` an `<input type="datetime-local">`. */
export type InputKind = 'text' | 'number' | 'checkbox' | 'date' | 'datetime' | 'select'

/** What an input says: its text, and whether the browser has more of it than it gives away. */
export interface InputText {
  value: string
  checked?: boolean
  validity?: { badInput: boolean }
  /** What the element calls itself; parts of design systems don't. */
  type?: string
}

/** What the page's own inputs are, where it says no more of them. */
export const INPUT_KINDS: Readonly<Record<string, InputKind>> = {
  number: 'number',
  range: 'number',
  date: 'date',
  'datetime-local': 'datetime',
  'select-one': 'select',
  radio: 'select',
  checkbox: 'checkbox',
}

export interface FieldOfRecord {
  name: string
  /** The shown record's value, `undefined` without a record. */
  base: unknown
  /** What the field is now: what is typed, or the record's. */
  now: unknown
  /** What the field's values are: of the record's, the last one that was there. */
  type: string
  /** The language that numbers are typed in. */
  locale: string
}

/** `meant`: what an unfinished text already is for the user who insists on it. */
export type ReadText =
  | { kind: 'value'; value: unknown }
  | { kind: 'unfinished'; meant?: unknown }
  | { kind: 'unreadable' }

/** What stands in an input. */
export interface TypedText {
  text: string
  /** What the field is while the text stands. */
  value: unknown
  /** `unfinished` is not reported before a save is requested. */
  read: ReadText
  kind: InputKind
}

/** It would be lost with its input. Of what a browser keeps to itself there is nothing to keep. */
export const isUnread = ({ text, read }: TypedText): boolean => read.kind !== 'value' && text !== ''

/** The kind that suits the field's values, and the input that they are typed in, where the page names none. */
export function kindOf(asked: InputKind | undefined, type: string, inputType = ''): InputKind {
  const own = INPUT_KINDS[inputType]
  const isOfText = type === 'string' && own !== 'date' && own !== 'datetime'
  return asked ?? (isOfText ? undefined : own) ?? (type === 'number' ? 'number' : 'text')
}

/** A value that this input has no form for is shown, and not changed. */
export const isShownOnly = (value: unknown, kind: InputKind, type = ''): boolean =>
  kind === 'checkbox'
    ? !['undefined', 'boolean', 'number'].includes(value === null ? type || 'undefined' : typeof value)
    : isObject(value) || isShownInPart(value, kind)

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/**
 * The texts of one form's inputs, each made once for a value. Line ends are as inputs have them: of others a browser makes these, and
 * the whole text would be put in again at each key.
 */
export function createInputTexts() {
  const made = new Map<string, { value: unknown; kind: InputKind; text: string }>()
  return (name: string, value: unknown, kind: InputKind): string => {
    const before = made.get(name)
    if (before && before.value === value && before.kind === kind) return before.text
    const text = inputText(value, kind)
    made.set(name, { value, kind, text })
    return text
  }
}

function inputText(value: unknown, kind: InputKind): string {
  if (kind === 'date') return dayText(value)
  if (kind === 'datetime') return timeText(value)
  if (value === null || value === undefined) return ''
  return isObject(value) ? JSON.stringify(value) : String(value).replace(/\r\n?/g, '\n')
}

export const isYesOrNo = (type?: string): boolean => type === 'boolean' || type === 'number'

export const isChecked = (value: unknown): boolean => value === true || value === 1

/** A click and another one leave the record as it is, though it says neither yes nor no. */
export function readCheckbox({ checked = false }: InputText, { base, type }: FieldOfRecord): unknown {
  if (!checked && (base === null || base === undefined)) return base ?? null
  return type === 'number' ? Number(checked) : checked
}

export function readInput(input: InputText, kind: InputKind, field: FieldOfRecord): ReadText {
  const { base, now, type, locale } = field
  if (input.validity?.badInput) return { kind: 'unfinished' }
  const text = input.value
  if (text === '') return { kind: 'value', value: emptyValue(kind, input.type, base) }
  if (kind === 'number') return numberOf(text, locale, base)
  if (kind === 'date') return readDay(text, base)
  if (kind === 'datetime') return readTime(text, base)
  if (kind === 'select' && type === 'number') return numberOf(text, 'en', base)
  if (kind === 'select' && type === 'boolean') return { kind: 'value', value: text === 'true' }
  if (isSameTime(text, base, input.type)) return { kind: 'value', value: base }
  const isOneLine = ONE_LINE.test(input.type ?? '')
  return { kind: 'value', value: isOneLine ? withHiddenEnds(text, now) : withLineEnds(text, base) }
}

/** Empty they are no text. */
const NO_TEXT = new Set<string | undefined>(['time', 'month', 'week', 'number', 'date', 'datetime-local'])

/** The input leaves out seconds that are none, and what is finer than it shows. */
const isSameTime = (text: string, base: unknown, inputType?: string) =>
  inputType === 'time' && typeof base === 'string' && /^(:00(\.0*)?|\d*)$/.test(base.replace(text, ''))

/** An empty input is `null` where the record has none, so that typing and clearing is no edit. */
export const emptyValue = (kind: InputKind, inputType: string | undefined, base: unknown): '' | null =>
  (kind === 'text' && !NO_TEXT.has(inputType) && base !== null) || base === '' ? '' : null

function numberOf(text: string, locale: string, base: unknown): ReadText {
  const read = readNumber(text, locale)
  return read.kind === 'value' ? { kind: 'value', value: likeBase(read.value, base, text) } : read
}

/** A textarea has line feeds alone, whatever the record has. */
function withLineEnds(text: string, base: unknown): string {
  if (typeof base !== 'string' || !base.includes('\r')) return text
  if (base.replace(/\r\n?/g, '\n') === text) return base
  return /(^|[^\r])\n|\r(?!\n)/.test(base) ? text : text.replaceAll('\n', '\r\n')
}

const ONE_LINE = /^(text|search|tel|url|email)$/

/** One line shows no line ends: those before and after what was changed stay where they are. */
function withHiddenEnds(text: string, base: unknown): string {
  if (typeof base !== 'string' || !/[\r\n]/.test(base)) return text
  const isHidden = (at: number) => base[at] === '\r' || base[at] === '\n'
  let [from, end] = [0, base.length]
  let [first, last] = [0, text.length]
  for (let at = 0; first < last && (isHidden(at) || base[at] === text[first]); at += 1)
    if (!isHidden(at)) {
      first += 1
      from = at + 1
    }
  for (
    let at = end - 1;
    at >= from && (isHidden(at) || (last > first && base[at] === text[last - 1]));
    at -= 1
  ) {
    if (!isHidden(at)) last -= 1
    end = at
  }
  return base.slice(0, from) + text.slice(first, last) + base.slice(end)
}
