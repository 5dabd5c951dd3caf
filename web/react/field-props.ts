// A field of the record as props of an input: which values go in, and what comes back from what was typed.
// An empty input is `null` where the record has none, so that typing and clearing is no edit.

/** The kind of the input; `text` suits a textarea too. */
export type InputKind = 'text' | 'number' | 'checkbox' | 'date' | 'select'

/** The part of React's change events that is read. */
export interface InputChange {
  target: { value: string; checked?: boolean }
}

/** Props for an `input`, `textarea` or `select`. */
export interface FieldProps {
  name: string
  value?: string
  checked?: boolean
  onChange: (event: InputChange) => void
  'aria-invalid'?: true
  /** There while the field glows because somebody else changed it. */
  'data-nc-glow'?: ''
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
  change: (value: unknown) => void
}

export function fieldProps(view: FieldView, kind: InputKind): FieldProps {
  const { name, value, base, change } = view
  const common = {
    name,
    ...(view.isInvalid ? { 'aria-invalid': true as const } : {}),
    ...(view.isHighlighted ? { 'data-nc-glow': '' as const } : {}),
  }
  if (kind === 'checkbox') {
    const onChange = ({ target }: InputChange) => change(target.checked === true)
    return { ...common, checked: value === true, onChange, ...(view.isFixed ? { disabled: true } : {}) }
  }
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

function typedValue(text: string, kind: InputKind, base: unknown): unknown {
  if (kind === 'number') return text === '' ? null : Number(text)
  const isNothing = text === '' && (kind === 'date' || base === null)
  return isNothing ? null : text
}
