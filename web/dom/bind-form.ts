// A form of the page bound to an open record: named inputs show its fields, and what is typed in them is edited. Invariant: an
// input keeps what is typed in it while that stands for the field's value; text that is no value is kept, said and never saved.

import type { Fields, WireRecord } from '../../server/protocol/index.ts'
import type { Stop } from '../client/base/clock.ts'
import {
  createInputTexts,
  INPUT_KINDS,
  isChecked,
  isShownOnly,
  isYesOrNo,
  kindOf,
  readCheckbox,
  readInput,
  type TypedText,
} from '../client/base/field-text.ts'
import { hasField, isReadOnly, isSame } from '../client/base/values.ts'
import { canSave, valuesOf } from '../client/record/state.ts'
import type { RecordStore } from '../client/record/store.ts'
import { warn } from '../client/words/development.ts'
import { createWords, type Words } from '../client/words/messages.ts'
import { write } from './banner-element.ts'
import { holdCaret } from './caret.ts'
import {
  type Control,
  forgetHalfTyped,
  isCheckbox,
  isChoosable,
  isControl,
  isMultiple,
  isRadio,
  isSelect,
  isTypedIn,
  readList,
  setFlag,
  showList,
  textFor,
} from './controls.ts'
import { createFixed } from './fixed-inputs.ts'
import { activeAt, focusRefused, ofForm, watchTyping } from './focus.ts'
import { listenToForm } from './form-events.ts'
import { isAsLeft, isChangedSince, isPutBack, leave, standsIn, takeLeft } from './left-inputs.ts'

/** What {@link bindForm} takes beside the form. */
export interface BindFormOptions {
  /** The texts of errors, and the language that numbers are typed in. Default: English. */
  words?: Words
  /** Called after each save of the record. */
  onSaved?: (record: WireRecord) => void
}

/** An editor by texts: which of them are its fields is known once the record is there. */
interface BoundEditor
  extends Pick<RecordStore, 'get' | 'subscribe' | 'revert' | 'onSaved' | 'type' | 'id' | 'unread'> {
  change(field: string, value: unknown): void
  save(): Promise<{ outcome: string } | null>
}

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
  const typed = new Map<string, TypedText>()
  /** The control that each text was typed in: another one of its name shows it too. */
  const typedIn = new Map<string, Control>()
  /** What stands in a control as far as is known here: an extension, or a script of the page, that changes it sends no event. */
  const known = new WeakMap<Control, string>()
  /** A column's values are of one type, in whatever record. */
  const types = new Map<string, string>()
  const { fix, ...fixed } = createFixed()
  const textOf = createInputTexts()
  /** They have shown a value of the record. */
  const shown = new WeakSet<Control>()
  const hadNoValidate = ofForm(form, 'noValidate')
  const isCopy = form.hasAttribute('data-nc-form')
  let isLoaded = false
  let isReading = false

  const isField = ({ name }: Control) => {
    const { record } = store.get()
    return name !== '' && record !== null && hasField(record.fields, name)
  }
  const controls = () => [...ofForm(form, 'elements')].filter(isControl)
  const shownControls = () => controls().filter((control) => shown.has(control))
  const kindOfControl = (control: Control) => kindOf(INPUT_KINDS[control.type], types.get(control.name) ?? '')
  const fieldOf = (name: string) => ({
    name,
    base: store.get().record?.fields[name],
    now: valuesOf(store.get())[name],
    type: types.get(name) ?? '',
    locale: words.locale,
  })
  const ofName = (name: string) => controls().filter((control) => control.name === name)
  /** Of a yes or no, two checkboxes of one name are two places for it. */
  const isList = (control: Control) =>
    isMultiple(control) ||
    (isCheckbox(control) &&
      (Array.isArray(fieldOf(control.name).base) ||
        (!isYesOrNo(types.get(control.name)) && ofName(control.name).filter(isCheckbox).length > 1)))

  function take(control: Control) {
    if (!isField(control) || fixed.has(control)) return
    const { name } = control
    const field = fieldOf(name)
    known.set(control, standsIn(control))
    if (isList(control)) return store.change(name, readList(ofName(name), field.base))
    if (isCheckbox(control)) return store.change(name, readCheckbox(control, field))
    if (isRadio(control) && !control.checked) return
    const kind = kindOfControl(control)
    const read = readInput(control, kind, field)
    const { writing, unanswered } = store.get()
    const sent = (writing ?? unanswered)?.changes ?? {}
    const unread = (hasField(sent, name) ? sent[name] : field.base) ?? null
    const value = read.kind === 'value' ? read.value : unread
    typed.set(name, { text: control.value, value, read, kind })
    typedIn.set(name, control)
    store.change(name, value)
    show()
  }

  const takeUnknown = () => {
    for (const control of controls()) if (isChangedSince(known.get(control), control)) take(control)
  }

  const errorsNow = (): Record<string, string> => {
    const unreadable = [...typed].filter(([, { read }]) => read.kind === 'unreadable')
    const { notANumber, notADate } = words.messages
    const texts = unreadable.map(([name, { kind }]) => [name, /^date/.test(kind) ? notADate : notANumber])
    return { ...store.get().errors, ...Object.fromEntries(texts) }
  }

  function show() {
    if (isReading) return
    const state = store.get()
    const { record } = state
    if (!record) typed.clear()
    for (const [name, value] of Object.entries(record?.fields ?? {}))
      if (value !== null && value !== undefined) types.set(name, typeof value)
    if (record && !isLoaded) {
      isLoaded = true
      // What was typed before this script was here is typed: all of it is read before anything is shown.
      const early = controls().filter((control) => isTypedIn(control) && !isAsLeft(control))
      isReading = true
      for (const control of early) fix(control, false)
      for (const control of early) if (!isPutBack(control, isCopy)) take(control)
      forgetHalfTyped(controls().filter(isAsLeft))
      takeLeft(store, typed, controls())
      isReading = false
      show()
      return
    }
    takeUnknown()
    const values = valuesOf(store.get())
    const errors = errorsNow()
    const highlighted = new Set(state.highlighted)
    for (const control of controls()) {
      const { name } = control
      const isOurs = isField(control)
      if (isOurs) shown.add(control)
      // Of a record that is gone for this person, or of another's, nothing stays.
      if (isOurs || (!record && shown.has(control))) showValue(control, values[name])
      fix(
        control,
        !record ||
          (isOurs &&
            (state.status === 'gone' || isReadOnly(record, name) || !hasForm(control, values[name]))),
      )
      if (!isOurs) continue
      setFlag(control, 'aria-invalid', hasField(errors, name) ? 'true' : null)
      setFlag(control, 'data-nc-highlight', highlighted.has(name) ? '' : null)
    }
    for (const place of form.querySelectorAll<HTMLElement>('[data-nc-error]')) {
      const name = place.dataset.ncError ?? ''
      write(place, (hasField(errors, name) && errors[name]) || '')
    }
    const isIdle = !canSave(state) && ![...typed.values()].some(({ read }) => read.kind !== 'value')
    for (const button of form.querySelectorAll('button:not([type]), [type="submit"]'))
      setFlag(button, 'aria-disabled', isIdle ? 'true' : null)
  }

  function showValue(control: Control, value: unknown) {
    putIn(control, value)
    known.set(control, standsIn(control))
  }

  function putIn(control: Control, value: unknown) {
    const { name } = control
    if (isList(control)) return showList(control, value)
    if (isCheckbox(control)) {
      control.checked = isChecked(value)
      return
    }
    const own = textFor(control, textOf(name, value, kindOfControl(control)))
    if (isRadio(control)) {
      control.checked = control.value === own
      return
    }
    const last = typed.get(name)
    const typist = typedIn.get(name) ?? control
    const isTyped = last !== undefined && isStanding(typist, last, value)
    // A select whose options were put in anew shows one of the browser's choice.
    if (isTyped && typist === control && !isSelect(control)) return
    if (!isTyped) typed.delete(name)
    const text = isTyped ? last.text : own
    if (control.value !== text) {
      const moveCaret = activeAt(control) === control ? holdCaret(control) : null
      control.value = text
      moveCaret?.()
    }
  }

  /** What was typed stands for the value; while the cursor is there, also for what the server has made of it. */
  function isStanding(control: Control, { read, value: typedValue }: TypedText, value: unknown): boolean {
    if (read.kind !== 'value' || isSame(typedValue, value)) return true
    const { record, ownSaves, draft } = store.get()
    const last = ownSaves.at(-1)
    const isAnswer = last !== undefined && last.version === record?.version && !hasField(draft, control.name)
    return isAnswer && isSame(last.changes[control.name], typedValue) && activeAt(control) === control
  }

  /** The control can show such a value. */
  const hasForm = (control: Control, value: unknown) => {
    const kind = isCheckbox(control) ? 'checkbox' : kindOfControl(control)
    const isWhole = isList(control) ? isChoosable(value) : !isShownOnly(value, kind, types.get(control.name))
    if (!isWhole) warn({ kind: 'input', name: control.name })
    return isWhole
  }

  /** What is a value for the user who insists is one; other texts are said from now on. */
  function insist() {
    takeUnknown()
    for (const control of controls())
      if (control.validity.badInput || typed.get(control.name)?.read.kind === 'unfinished') take(control)
    for (const [name, one] of typed) {
      if (one.read.kind !== 'unfinished') continue
      const { meant } = one.read
      if (meant === undefined) typed.set(name, { ...one, read: { kind: 'unreadable' } })
      else {
        typed.set(name, { ...one, value: meant, read: { kind: 'value', value: meant } })
        store.change(name, meant)
      }
    }
  }

  async function save() {
    insist()
    show()
    const isUnread = [...typed.values()].some(({ read }) => read.kind === 'unreadable')
    const isBusy = watchTyping(form)
    const outcome = isUnread ? null : await store.save()
    show()
    const isLeft = isBusy()
    if (!isLeft && (isUnread || outcome?.outcome === 'invalid')) focusRefused(form)
  }

  const stopListening = listenToForm(form, {
    edit: take,
    save: () => void save(),
    reset() {
      takeUnknown()
      typed.clear()
      forgetHalfTyped(controls())
      store.revert()
      show()
    },
    show,
  })
  // The browser's own checks would block a save without a message of ours.
  form.setAttribute('novalidate', '')
  form.setAttribute('data-nc-form', `${store.type}/${store.id}`)
  const stops = [store.subscribe(show), store.onSaved(onSaved)]
  show()
  return () => {
    for (const stop of stops) stop()
    stopListening()
    if (!store.get().record) typed.clear()
    leave(store, typed, shownControls())
    fixed.release()
    setFlag(form, 'novalidate', hadNoValidate ? '' : null)
    form.removeAttribute('data-nc-form')
  }
}
