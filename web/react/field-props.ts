// A field of the record as props of an input: which values go in, and what comes back from what was typed; and the form
// around it as props, so that no page leaves its place on Enter.
// An empty input is `null` where the record has none, so that typing and clearing is no edit.

import { likeBase, readNumber } from '../client/base/number-text.ts'
import type { TypedTexts } from './useTypedTexts.ts'

/** The kind of the input; `text` suits a textarea too. */
export type InputKind = 'text' | 'number' | 'checkbox' | 'date' | 'select'

/** The part of React's change events that is read. */
export interface InputChange {
  target: { value: string; checked?: boolean; validity?: { badInput: boolean } }
}

/** Props for an `input`, `textarea` or `select`. */
export interface FieldProps {
  name: string
  value?: string
  checked?: boolean
  onChange: (event: InputChange) => void
  'aria-invalid'?: true
  /** Present while the field is highlighted because someone else changed it. */
  'data-nc-highlight'?: ''
  /** Nothing can be typed: not loaded yet, deleted, or out of sight. A select and a checkbox are `disabled` instead. */
  readOnly?: true
  disabled?: true
}

export interface FieldView {
  name: string
  value: unknown
  /** The shown record's value, `undefined` without a record. */
  base: unknown
  isInvalid: boolean
  isHighlighted: boolean
  isFixed: boolean
  texts: TypedTexts
  /** The language that numbers are typed in. */
  locale: string
  change: (value: unknown) => void
}

export function fieldProps(view: FieldView, kind: InputKind): FieldProps {
  const { name, value, base, change } = view
  const common = {
    name,
    ...(view.isInvalid ? { 'aria-invalid': true as const } : {}),
    ...(view.isHighlighted ? { 'data-nc-highlight': '' as const } : {}),
  }
  if (kind === 'checkbox') {
    const onChange = ({ target }: InputChange) => change(target.checked === true)
    return { ...common, checked: value === true, onChange, ...(view.isFixed ? { disabled: true } : {}) }
  }
  if (kind === 'number')
    return { ...common, ...numberProps(view), ...(view.isFixed ? { readOnly: true } : {}) }
  return {
    ...common,
    value: inputText(value, kind),
    onChange: ({ target }) => change(typedValue(target.value, kind, base)),
    ...(view.isFixed ? (kind === 'select' ? { disabled: true } : { readOnly: true }) : {}),
  }
}

function inputText(value: unknown, kind: InputKind): string {
  if (value === null || value === undefined) return ''
  return kind === 'date' ? String(value).slice(0, 10) : String(value)
}

/** The input keeps what is typed. Text that is not a number, for the browser or for us, reverts the edit. */
function numberProps({ name, value, base, texts, locale, change }: FieldView) {
  return {
    value: texts.of(name, value) ?? inputText(value, 'number'),
    onChange({ target }: InputChange) {
      const text = target.value
      const read = target.validity?.badInput ? ({ kind: 'unfinished' } as const) : readNumber(text, locale)
      const typed = read.kind === 'value' ? likeBase(read.value, base) : (base ?? null)
      change(typed)
      texts.note(name, { text, value: typed, kind: read.kind })
    },
  }
}

/** The empty choice of a select is no value; a choice for a number is one. */
function typedValue(text: string, kind: InputKind, base: unknown): unknown {
  if (text === '' && (kind !== 'text' || base === null) && base !== '') return null
  return kind === 'select' && typeof base === 'number' && String(Number(text)) === text ? Number(text) : text
}

/** The part of a keyboard event that is read. */
interface KeyPress {
  key: string
  keyCode?: number
  nativeEvent?: { isComposing?: boolean }
  preventDefault(): void
}

/** Props for a `form`. */
export interface FormProps {
  noValidate: true
  onSubmit: (event: { preventDefault(): void }) => void
  onReset: (event: { preventDefault(): void }) => void
  onKeyDown: (event: KeyPress) => void
}

/** The key belongs to an input method, as Enter does that takes a half written word: it does nothing else. */
export const isComposing = ({ keyCode, nativeEvent }: Pick<KeyPress, 'keyCode' | 'nativeEvent'>): boolean =>
  nativeEvent?.isComposing === true || keyCode === 229

/** The browser's own checks are off: they would block a save without a message of ours. */
export const formProps = (save: () => unknown, revert: () => void): FormProps => ({
  noValidate: true,
  onSubmit(event) {
    event.preventDefault()
    void save()
  },
  onReset(event) {
    event.preventDefault()
    revert()
  },
  onKeyDown(event) {
    if (event.key === 'Enter' && isComposing(event)) event.preventDefault()
  },
})
