// A form of the page bound to an open record: named inputs show its fields, and what is typed in them is edited. Invariant: an
// input keeps what is typed in it while that stands for the field's value; text that is no value is kept, said and never saved.

import type { Fields, WireRecord } from '../../server/protocol/index.ts'
import type { Stop } from '../client/base/clock.ts'
import {
  type InputKind,
  inputText,
  isChecked,
  isShownOnly,
  kindOf,
  type ReadText,
  readCheckbox,
  readInput,
} from '../client/base/field-text.ts'
import { isReadOnly, isSame } from '../client/base/values.ts'
import { canSave } from '../client/record/state.ts'
import type { RecordStore } from '../client/record/store.ts'
import { createWords, type Words } from '../client/words/messages.ts'

/** What {@link bindForm} takes beside the form. */
export interface BindFormOptions {
  /** The texts of errors, and the language that numbers are typed in. Default: English. */
  words?: Words
  /** Called after each save of the record. */
  onSaved?: (record: WireRecord) => void
}

/** An editor by texts: which of them are its fields is known once the record is there. */
interface BoundEditor extends Pick<RecordStore, 'get' | 'subscribe' | 'revert' | 'onSaved' | 'type' | 'id'> {
  change(field: string, value: unknown): void
  values(): object
  save(): Promise<{ outcome: string } | null>
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement

interface Typed {
  value: unknown
  read: ReadText
  kind: InputKind
}

const KINDS: Record<string, InputKind> = {
  number: 'number',
  date: 'date',
  'datetime-local': 'datetime',
  'select-one': 'select',
  radio: 'select',
}
const NO_FIELDS = new Set([
  'submit',
  'reset',
  'button',
  'image',
  'file',
  'select-multiple',
  'output',
  'fieldset',
])

/**
 * Binds a form to `client.editor(type, id)`: each input, select and textarea whose name is a field of the record shows it and
 * edits it; Enter, Ctrl+S and a submit button save, a reset button sets the edits aside. A refused field has `aria-invalid`, its
 * error stands in `[data-nc-error="name"]`, and `data-nc-highlight` marks what somebody else has just changed. Inputs with other
 * names are left alone.
 *
 * @returns what unbinds it. Edits that aren't saved stay with the record.
 * @example
 * const stop = bindForm(document.querySelector('form'), client.editor('project', '1'))
 */
export function bindForm<F extends object = Fields>(
  form: HTMLFormElement,
  editor: RecordStore<F>,
  { words = createWords(), onSaved = () => {} }: BindFormOptions = {},
): Stop {
  const store: BoundEditor = editor
  const typed = new Map<string, Typed>()
  /** A column's values are of one type, in whatever record. */
  const types = new Map<string, string>()
  /** The names of the record's fields, while one was shown. */
  const fields = new Set<string>()
  /** Made read-only here, and not by the page. */
  const fixed = new Set<Control>()
  const hadNoValidate = form.noValidate
  let isLoaded = false

  const isField = (control: Control) => {
    const { record } = store.get()
    return (
      control.name !== '' && !NO_FIELDS.has(control.type) && record !== null && control.name in record.fields
    )
  }
  const controls = () => [...form.elements].filter(isControl)
  const kindOfControl = (control: Control) => kindOf(KINDS[control.type], types.get(control.name) ?? '')
  const fieldOf = (name: string) => ({
    ...{ name, base: store.get().record?.fields[name], type: types.get(name) ?? '', locale: words.locale },
  })

  function take(control: Control) {
    if (!isField(control) || fixed.has(control)) return
    const { name } = control
    const field = fieldOf(name)
    if (control instanceof HTMLInputElement && control.type === 'checkbox')
      return store.change(name, readCheckbox(control, field))
    if (control instanceof HTMLInputElement && control.type === 'radio' && !control.checked) return
    const kind = kindOfControl(control)
    const read = readInput(control, kind, field)
    const { writing, unanswered } = store.get()
    const unread = { ...(writing ?? unanswered)?.changes }[name] ?? field.base ?? null
    const value = read.kind === 'value' ? read.value : unread
    typed.set(name, { value, read, kind })
    store.change(name, value)
    show()
  }

  const errorsNow = (): Record<string, string> => {
    const unreadable = [...typed].filter(([, { read }]) => read.kind === 'unreadable')
    const { notANumber, notADate } = words.messages
    const texts = unreadable.map(([name, { kind }]) => [
      name,
      kind === 'date' || kind === 'datetime' ? notADate : notANumber,
    ])
    return { ...store.get().errors, ...Object.fromEntries(texts) }
  }

  function show() {
    const state = store.get()
    const { record } = state
    if (!record) typed.clear()
    if (!record && isLoaded) empty()
    for (const [name, value] of Object.entries(record?.fields ?? {})) {
      fields.add(name)
      if (value !== null && value !== undefined) types.set(name, typeof value)
    }
    if (record && !isLoaded) {
      isLoaded = true
      // What was typed before this script was here is typed.
      const early = controls().filter(isTypedIn)
      for (const control of early) fix(control, false)
      for (const control of early) take(control)
      show()
      return
    }
    const values: Fields = { ...store.values() }
    const errors = errorsNow()
    const highlighted = new Set(state.highlighted)
    for (const control of controls()) {
      const { name } = control
      const isOurs = isField(control)
      if (isOurs) showValue(control, values[name])
      if (isOurs || !record)
        fix(
          control,
          !record || state.status === 'gone' || isReadOnly(record, name) || isObject(control, values[name]),
        )
      if (!isOurs) continue
      setFlag(control, 'aria-invalid', name in errors ? 'true' : null)
      setFlag(control, 'data-nc-highlight', highlighted.has(name) ? '' : null)
    }
    for (const place of form.querySelectorAll<HTMLElement>('[data-nc-error]')) {
      const text = errors[place.dataset.ncError ?? ''] ?? ''
      if (place.textContent !== text) place.textContent = text
    }
    const isIdle = !canSave(state) && ![...typed.values()].some(({ read }) => read.kind !== 'value')
    for (const button of form.querySelectorAll('button:not([type]), [type="submit"]'))
      setFlag(button, 'aria-disabled', isIdle ? 'true' : null)
  }

  /** Of a record that isn't shown any more, or not to this person, nothing stays in the form. */
  function empty() {
    for (const control of controls()) {
      if (!fields.has(control.name) || NO_FIELDS.has(control.type)) continue
      if (control instanceof HTMLInputElement && /^(checkbox|radio)$/.test(control.type))
        control.checked = false
      else control.value = ''
    }
  }

  function showValue(control: Control, value: unknown) {
    const { name } = control
    if (control instanceof HTMLInputElement && control.type === 'checkbox') {
      control.checked = isChecked(value)
      return
    }
    const text = inputText(name, value, kindOfControl(control))
    if (control instanceof HTMLInputElement && control.type === 'radio') {
      control.checked = control.value === text
      return
    }
    const last = typed.get(name)
    const isStanding = last && (last.read.kind !== 'value' || isSame(last.value, value))
    if (isStanding) return
    typed.delete(name)
    if (control.value !== text) control.value = text
  }

  const isObject = (control: Control, value: unknown) => control.type !== 'checkbox' && isShownOnly(value)

  function fix(control: Control, isFixed: boolean) {
    if (control.type === 'hidden' || NO_FIELDS.has(control.type) || fixed.has(control) === isFixed) return
    const property = isText(control) ? 'readOnly' : 'disabled'
    if (isFixed && Reflect.get(control, property)) return
    Reflect.set(control, property, isFixed)
    if (isFixed) fixed.add(control)
    else fixed.delete(control)
  }

  /** What is a value for the user who insists is one; other texts are said from now on. */
  function insist() {
    for (const control of controls())
      if (control.validity.badInput || typed.get(control.name)?.read.kind === 'unfinished') take(control)
    for (const [name, one] of typed) {
      if (one.read.kind !== 'unfinished') continue
      const { meant } = one.read
      typed.set(name, {
        ...one,
        read: meant === undefined ? { kind: 'unreadable' } : { kind: 'value', value: meant },
      })
      if (meant !== undefined) {
        typed.set(name, { ...one, value: meant, read: { kind: 'value', value: meant } })
        store.change(name, meant)
      }
    }
  }

  async function save() {
    insist()
    show()
    const isUnread = [...typed.values()].some(({ read }) => read.kind === 'unreadable')
    const outcome = isUnread ? null : await store.save()
    show()
    if (isUnread || outcome?.outcome === 'invalid')
      form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }

  const listeners: [string, (event: Event) => void][] = [
    ['input', ({ target }) => isControl(target) && take(target)],
    ['change', ({ target }) => isControl(target) && take(target)],
    [
      'submit',
      (event) => {
        event.preventDefault()
        void save()
      },
    ],
    [
      'reset',
      (event) => {
        event.preventDefault()
        typed.clear()
        store.revert()
        show()
      },
    ],
    ['keydown', (event) => event instanceof KeyboardEvent && press(event)],
  ]

  function press(event: KeyboardEvent) {
    const { key, isComposing, keyCode, ctrlKey, metaKey } = event
    // The key belongs to an input method.
    if (key === 'Enter' && (isComposing || keyCode === 229)) return event.preventDefault()
    if (!(ctrlKey || metaKey) || (key !== 'Enter' && key.toLowerCase() !== 's')) return
    event.preventDefault()
    void save()
  }

  for (const [name, listener] of listeners) form.addEventListener(name, listener)
  // The browser's own checks would block a save without a message of ours.
  form.noValidate = true
  form.dataset.ncForm = `${store.type}/${store.id}`
  const stops = [store.subscribe(show), store.onSaved(onSaved)]
  show()
  return () => {
    for (const stop of stops) stop()
    for (const [name, listener] of listeners) form.removeEventListener(name, listener)
    for (const control of [...fixed]) fix(control, false)
    form.noValidate = hadNoValidate
    delete form.dataset.ncForm
  }
}

const isControl = (element: unknown): element is Control =>
  element instanceof HTMLInputElement ||
  element instanceof HTMLSelectElement ||
  element instanceof HTMLTextAreaElement

const isText = (control: Control) =>
  control instanceof HTMLTextAreaElement ||
  (control instanceof HTMLInputElement && control.type !== 'checkbox' && control.type !== 'radio')

const isTypedIn = (control: Control) =>
  control instanceof HTMLInputElement && control.type === 'checkbox'
    ? control.checked !== control.defaultChecked
    : !(control instanceof HTMLSelectElement) && isText(control) && control.value !== control.defaultValue

function setFlag(element: Element, name: string, value: string | null) {
  if (value === null) element.removeAttribute(name)
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}
