// A field of the record as props of an input: which values go in, and what comes back from what was typed
// (field-text.ts); and the form around it as props, so that no page leaves its place on Enter.

import type { RecordAddress } from '../../../server/protocol/index.ts'
import {
  type InputKind,
  type InputText,
  isChecked,
  isShownOnly,
  kindOf,
  readCheckbox,
  readInput,
} from '../../client/base/field-text.ts'
import { warn } from '../../client/words/development.ts'
import type { Messages } from '../../client/words/messages.ts'
import { textAtFirst } from '../../dom/controls.ts'
import {
  enter,
  focusRefused,
  formOf,
  isSaveKey,
  type KeyPressed,
  ofForm,
  watchTyping,
} from '../../dom/focus.ts'
import type { TypedTexts, Unread } from './useTypedTexts.ts'

export type { InputKind }

/** The part of React's change events that is read. */
export interface InputChange {
  /** The input. */
  target: InputText
}

/** Props for an `input`, `textarea` or `select`. */
export interface FieldProps {
  /** The field's. */
  name: string
  /** Of a text, a number or a choice, as text; empty for `null`. */
  value?: string
  /** Of a checkbox or a radio button. */
  checked?: boolean
  /** Types the value into the editor. */
  onChange: (event: InputChange) => void
  /** Of texts that are no value React takes one for the other, and for none: only this comes for each key. */
  onInput?: (event: { currentTarget: InputText }) => void
  'aria-invalid'?: true
  /** Present while the field is highlighted because someone else changed it. */
  'data-nc-highlight'?: ''
  /** Nothing can be typed: not loaded yet, deleted, or out of sight. A select and a checkbox are `disabled` instead. */
  readOnly?: true
  /** Nothing can be chosen: as `readOnly`, for a select and a checkbox. */
  disabled?: true
}

export interface FieldView {
  name: string
  value: unknown
  /** The shown record's value, `undefined` without a record. */
  base: unknown
  /** What the field is while its text is no value: the record's value, or the one on its way to the server. */
  unread: unknown
  /** What was saved where the record's value is the server's answer to it. */
  sent?: unknown
  isInvalid: boolean
  isHighlighted: boolean
  isFixed: boolean
  texts: TypedTexts
  /** The language that numbers are typed in. */
  locale: string
  change: (value: unknown) => void
}

/** An input that would lose a part of the value is read-only. */
export function fieldProps(view: FieldView, asked: InputKind | undefined): FieldProps {
  const { name, value, base, texts, locale, change } = view
  const field = { name, base, now: value, type: texts.typeOf(name, base), locale }
  const kind = kindOf(asked, field.type)
  const common = {
    name,
    ...(view.isInvalid ? { 'aria-invalid': true as const } : {}),
    ...(view.isHighlighted ? { 'data-nc-highlight': '' as const } : {}),
  }
  const hasForm = !isShownOnly(value, kind, field.type)
  if (!hasForm) warn({ kind: 'input', name })
  const isFixed = view.isFixed || !hasForm
  texts.asked.set(name, asked)
  if (kind === 'checkbox') {
    const onChange = ({ target }: InputChange) => isFixed || change(readCheckbox(target, field))
    return { ...common, checked: isChecked(value), onChange, ...(isFixed ? { disabled: true } : {}) }
  }
  /**
   * The input keeps what is typed. Text that is no value reverts the edit. Radio buttons, selects and design systems' inputs may
   * know nothing of `readOnly`.
   */
  const take = (input: InputText) => {
    enter(input)
    if (isFixed) return
    const own = kindOf(asked, field.type, input.type)
    if (own === 'checkbox') return change(readCheckbox(input, field))
    const read = readInput(input, own, field)
    const typed = read.kind === 'value' ? read.value : view.unread
    change(typed)
    texts.note(name, { text: input.value, value: typed, read, kind: own })
  }
  const isText = kind === 'text' || kind === 'select'
  const shown = texts.of(name, value, view.sent) ?? texts.textOf(name, value, kind)
  if (kind === 'select') texts.selects.set(name, shown)
  return {
    ...common,
    value: shown,
    onChange: ({ target }) => take(target),
    ...(isText ? {} : { onInput: ({ currentTarget }) => take(currentTarget) }),
    ...(isFixed ? (kind === 'select' ? { disabled: true } : { readOnly: true }) : {}),
  }
}

/** Where an event comes from, and where it is handled. */
interface Arrival {
  target?: unknown
  currentTarget?: unknown
}

/** The part of a keyboard event that is read. */
interface KeyPress extends Arrival, KeyPressed {
  keyCode?: number
  nativeEvent?: { isComposing?: boolean }
  preventDefault(): void
}

/** The part of a submit event that is read: the form's inputs. */
interface Submission extends Arrival {
  preventDefault(): void
}

/** Props for a `form`. */
export interface FormProps {
  noValidate: true
  /** Whose form it is: a cursor in another one is not at this record. */
  'data-nc-form'?: string
  /** Saves, and stays on the page. */
  onSubmit: (event: Submission) => void
  /** Sets the edits aside. */
  onReset: (event: Submission) => void
  /** Ctrl+S or ⌘S saves. */
  onKeyDown: (event: KeyPress) => void
  /** Takes what a browser or a password manager has filled in. */
  onInput: (event: Arrival) => void
  /** Takes what was filled in without an event, and keeps where the cursor is. */
  onFocus: (event: Arrival) => void
}

/** The key belongs to an input method, as Enter does that takes a half written word: it does nothing else. */
export const isComposing = ({ keyCode, nativeEvent }: Pick<KeyPress, 'keyCode' | 'nativeEvent'>): boolean =>
  nativeEvent?.isComposing === true || keyCode === 229

type NamedInput = HTMLInputElement | HTMLTextAreaElement

const TYPED_IN = /^(text|textarea|search|email|tel|url)$/

/** React writes what it shows into `defaultValue` too: something else stands there, which no event has reported. */
const isFilled = (input: NamedInput) =>
  input.value !== input.defaultValue && TYPED_IN.test(input.type) && input.value !== textAtFirst(input)

const inputsOf = (form: HTMLFormElement | null): NamedInput[] =>
  form ? [...(ofForm(form, 'elements') as Iterable<NamedInput>)] : []

/**
 * An input whose text is no value reports not every key, and a password manager may report nothing: both are read again before
 * a save, and the latter before the page is drawn. `unread`: the names whose text is known to be none; `asked`: the record's
 * fields, with the kinds that the page gave; `except`: the input that reports by itself.
 */
export function rereadForm(
  form: HTMLFormElement | null,
  unread: readonly Unread[],
  asked: ReadonlyMap<string, InputKind | undefined>,
  propsOf: (name: string, kind: InputKind | undefined) => FieldProps,
  except?: unknown,
): void {
  const known = new Map(unread.map((one) => [one[0], one]))
  for (const input of inputsOf(form)) {
    const { name } = input
    if (input === except) continue
    const isBad = input.validity?.badInput === true
    const [, kind, text] = known.get(name) ?? []
    // A text that was left here by another form may be none that this input can show.
    const isHidden = text !== undefined && text !== '' && input.value === '' && !isBad
    if (isHidden) continue
    if (kind || (asked.has(name) && (isBad || isFilled(input))))
      propsOf(name, kind ?? asked.get(name)).onChange({ target: input })
  }
}

/** What a record's forms are marked with. */
export const formKey = ({ type, id }: RecordAddress): string => `${type}/${id}`

/**
 * Props for the button that saves. It stays in the tab order while there is nothing to save, so that the focus on it is not
 * lost when a save begins.
 */
export interface SaveButtonProps {
  type: 'submit'
  'aria-disabled'?: true
  'aria-keyshortcuts': string
  /** Does nothing while there is nothing to save. */
  onClick: (event: Submission) => void
}

export const saveButtonProps = (canSave: boolean): SaveButtonProps => ({
  type: 'submit',
  ...(canSave ? {} : { 'aria-disabled': true }),
  'aria-keyshortcuts': 'Control+S Control+Enter',
  onClick(event) {
    if (!canSave && !inputsOf(formOf(event.currentTarget)).some(isFilled)) event.preventDefault()
  },
})

/** After a refusal the first field whose value was refused has the focus, once the page shows it. */
async function focusAfter(saved: unknown, form: HTMLFormElement | null) {
  if (!form) return
  const isBusy = watchTyping(form)
  const answer = (await saved) as { outcome?: unknown } | null | undefined
  setTimeout(() => {
    const isLeft = isBusy()
    if (answer?.outcome === 'invalid' && !isLeft) focusRefused(form)
  })
}

/** The form that an event is handled for: also where an input outside of it, that belongs to it, has the handler. */
const handlingForm = ({ currentTarget }: Arrival): HTMLFormElement | null => formOf(currentTarget)

/** React passes on what happens in a portal: it may be another form's. */
const isOfAnother = (event: Arrival): boolean => {
  const own = formOf(event.target)
  return own !== null && own !== handlingForm(event)
}

/** The browser's own checks are off: they would block a save without a message of ours. Ctrl+S and Ctrl+Enter save. */
export const formProps = (
  save: (form: HTMLFormElement | null) => unknown,
  revert: () => void,
  reread: (form: HTMLFormElement | null, except: unknown) => void = () => {},
): FormProps => ({
  noValidate: true,
  onFocus: ({ target }) => enter(target),
  onInput(event) {
    if (!isOfAnother(event)) reread(handlingForm(event), event.target)
  },
  onSubmit(event) {
    if (isOfAnother(event)) return
    event.preventDefault()
    const form = handlingForm(event)
    void focusAfter(save(form), form)
  },
  onReset(event) {
    if (isOfAnother(event)) return
    event.preventDefault()
    revert()
  },
  onKeyDown(event) {
    if (isOfAnother(event)) return
    if (event.key === 'Enter' && isComposing(event)) return event.preventDefault()
    if (!isSaveKey(event)) return
    event.preventDefault()
    const form = handlingForm(event)
    void focusAfter(save(form), form)
  },
})

/** What is said of texts that are no value. */
export const unreadErrors = (
  unread: readonly Unread[],
  { notANumber, notADate }: Pick<Messages, 'notANumber' | 'notADate'>,
): Record<string, string> =>
  Object.fromEntries(
    unread.map(([name, kind]) => [name, kind === 'date' || kind === 'datetime' ? notADate : notANumber]),
  )
