// What a form leaves behind that is bound to another record, or to none: texts that are no value yet stay with their record, and
// what it has shown is not taken for something that was typed into the next one.

import { isUnread, type TypedText } from '../client/base/field-text.ts'
import type { RecordStore } from '../client/record/store.ts'
import { type Control, isCheckbox, isRadio, isSelect, isText } from './controls.ts'

type Left = Pick<RecordStore, 'unread'>

/** As they were left. */
const left = new WeakMap<Control, string>()

const standsIn = (control: Control): string =>
  isCheckbox(control) || isRadio(control)
    ? String(control.checked)
    : isSelect(control)
      ? [...control.selectedOptions].map(({ value }) => value).join('\n')
      : control.value

/** Nobody has touched it since another record was shown in it. */
export const isAsLeft = (control: Control): boolean => left.get(control) === standsIn(control)

export function leave(store: Left, typed: ReadonlyMap<string, TypedText>, controls: readonly Control[]) {
  for (const [name, one] of typed) if (isUnread(one)) store.unread().set(name, one)
  for (const control of controls) left.set(control, standsIn(control))
}

/** Into inputs that can show them. */
export function takeLeft(store: Left, typed: Map<string, TypedText>, controls: readonly Control[]) {
  for (const [name, one] of store.unread())
    for (const control of controls) {
      if (control.name !== name || !isText(control) || typed.has(name)) continue
      control.value = one.text
      if (control.value === one.text) typed.set(name, one)
    }
  store.unread().clear()
}
