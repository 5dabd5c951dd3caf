// What a form leaves behind that is bound to another record, or to none: texts that are no value yet stay with their record, and
// what it has shown is not taken for something that was typed into the next one.

import { isUnread, type TypedText } from '../client/base/field-text.ts'
import type { RecordStore } from '../client/record/store.ts'
import { type Control, isCheckbox, isRadio, isSelect, isText, readList } from './controls.ts'
import { activeAt } from './focus.ts'

type Left = Pick<RecordStore, 'unread'>

/** As they were left. */
const left = new WeakMap<Control, string>()

/** What somebody has chosen or typed; of a select with what there is to choose from. */
export const standsIn = (control: Control): string =>
  isCheckbox(control) || isRadio(control)
    ? String(control.checked)
    : isSelect(control)
      ? JSON.stringify([optionsOf(control), control.multiple ? readList([control], []) : control.value])
      : control.value

const optionsOf = ({ options }: HTMLSelectElement) => [...options].map(({ value }) => value).join('\n')

/** Something else stands in it than was known. Of a select with other options it is the browser's choice. */
export const isChangedSince = (known: string | undefined, control: Control): boolean =>
  known !== undefined &&
  known !== standsIn(control) &&
  !(isSelect(control) && JSON.parse(known)[0] !== optionsOf(control))

/** Nobody has touched it since another record was shown in it. */
export const isAsLeft = (control: Control): boolean => left.get(control) === standsIn(control)

/**
 * A browser that reloads a page or goes back to it puts in what stood there: of an older version, maybe of another person; and so does a
 * copy of a form that was bound, as Turbo keeps. There only that is typed where somebody is or has been.
 */
export const isPutBack = (control: Control, isCopy: boolean): boolean => {
  const [come] = performance.getEntriesByType('navigation') as Partial<PerformanceNavigationTiming>[]
  return (
    (isCopy || /reload|back/.test(`${come?.type}`)) &&
    (activeAt(control) !== control || control.autofocus) &&
    !control.matches(':is(:user-valid, :user-invalid)')
  )
}

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
