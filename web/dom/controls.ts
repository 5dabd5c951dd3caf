// The inputs of a page's form: which of them may be of a field, and what somebody has chosen in them.

export type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement

const CONTROLS = new Set(['input', 'select', 'textarea'])
const NO_FIELDS = new Set(['submit', 'reset', 'button', 'image', 'file', 'output', 'fieldset'])

/** By its name: one of another window, as of a frame, is of that window's classes. */
export const isControl = (element: unknown): element is Control => {
  const { localName = '', type = '' } = (element ?? {}) as Partial<Control>
  return CONTROLS.has(localName) && !NO_FIELDS.has(type)
}

export const isCheckbox = (control: Control): control is HTMLInputElement => control.type === 'checkbox'

export const isRadio = (control: Control): control is HTMLInputElement => control.type === 'radio'

export const isSelect = (control: Control): control is HTMLSelectElement => control.localName === 'select'

/** Somebody types in it. */
export const isText = (control: Control) => !isSelect(control) && !isCheckbox(control) && !isRadio(control)

export const isMultiple = (control: Control): control is HTMLSelectElement =>
  isSelect(control) && control.multiple

/**
 * What a browser makes of what the page came with: a colour without a value is black, a range has its middle, and addresses are
 * tidied.
 */
export function textAtFirst(control: HTMLInputElement | HTMLTextAreaElement): string {
  const fresh = control.ownerDocument.createElement(control.localName) as typeof control
  // The type is the last: a range is put in the middle of bounds that it has already.
  for (const name of ['min', 'max', 'step', 'multiple', 'value', 'type']) {
    const value = control.getAttribute(name)
    if (value !== null) fresh.setAttribute(name, value)
  }
  if (control.localName === 'textarea') fresh.defaultValue = control.defaultValue
  return fresh.value
}

/** As far as the input can show it: a time is invalid beyond thousandths of a second. */
export const textFor = ({ type }: Control, text: string): string =>
  type === 'time' ? text.replace(/(\.\d{3})\d+$/, '$1') : text

/** What a browser keeps to itself, as a half typed day, is in no value: without this it would stand for the next record. */
export function forgetHalfTyped(controls: Iterable<Control>): void {
  for (const control of controls) if (control.validity.badInput) control.value = ''
}

/** Something else stands in it than the page came with. */
export function isTypedIn(control: Control): boolean {
  if (isCheckbox(control)) return control.checked !== control.defaultChecked
  if (isRadio(control)) return control.checked && !control.defaultChecked
  if (!isSelect(control))
    return control.value !== control.defaultValue && control.value !== textAtFirst(control)
  const options = [...control.options]
  if (control.multiple) return options.some(({ selected, defaultSelected }) => selected !== defaultSelected)
  const first = options.findIndex(({ disabled }) => !disabled)
  const last = options.findLastIndex(({ defaultSelected }) => defaultSelected)
  return control.selectedIndex !== (last < 0 ? first : last)
}

/** What can be chosen in inputs for one list. */
const choicesOf = (controls: readonly Control[]) =>
  controls.flatMap((control) =>
    isMultiple(control)
      ? [...control.options].map(({ value, selected }) => ({ value, isChosen: selected }))
      : isCheckbox(control)
        ? [{ value: control.value, isChosen: control.checked }]
        : [],
  )

/** A list that inputs have a form for. */
export const isChoosable = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  (Array.isArray(value) && value.every((one) => typeof one === 'string' || typeof one === 'number'))

/** The record's list as it was chosen anew; what no input stands for stays in it. */
export function readList(controls: readonly Control[], base: unknown): unknown {
  const before: unknown[] = Array.isArray(base) ? base : []
  const choices = choicesOf(controls)
  const isLeft = (one: unknown) => choices.find(({ value }) => value === String(one))?.isChosen ?? true
  const isNumbers = before.length > 0 && before.every((one) => typeof one === 'number')
  const added = choices.flatMap(({ value, isChosen }) =>
    isChosen && !before.some((one) => String(one) === value) ? [isNumbers ? Number(value) : value] : [],
  )
  const list = [...before.filter(isLeft), ...added]
  return list.length === 0 && !Array.isArray(base) ? (base ?? null) : list
}

export function showList(control: Control, value: unknown): void {
  const chosen = new Set(Array.isArray(value) ? value.map(String) : [])
  if (isCheckbox(control)) control.checked = chosen.has(control.value)
  else if (isSelect(control)) for (const option of control.options) option.selected = chosen.has(option.value)
}

export function setFlag(element: Element, name: string, value: string | null): void {
  if (value === null) element.removeAttribute(name)
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value)
}
