// Inputs that are made read-only here, and not by the page: what the page has fixed itself stays so.

import { type Control, isText } from './controls.ts'

export function createFixed() {
  const fixed = new Set<Control>()

  function fix(control: Control, isFixed: boolean) {
    if (control.type === 'hidden' || fixed.has(control) === isFixed) return
    const property = isText(control) ? 'readOnly' : 'disabled'
    if (isFixed && Reflect.get(control, property)) return
    Reflect.set(control, property, isFixed)
    if (isFixed) fixed.add(control)
    else fixed.delete(control)
  }

  return {
    has: (control: Control) => fixed.has(control),
    fix,
    release() {
      for (const control of [...fixed]) fix(control, false)
    },
  }
}
