// What people do in a form, wherever its inputs stand: those that belong to it by their `form` attribute are outside of it.

import type { Stop } from '../client/base/clock.ts'
import { type Control, isControl } from './controls.ts'
import { isSaveKey, ofForm, watchTree } from './focus.ts'

export interface FormActions {
  edit(control: Control): void
  save(): void
  reset(): void
  /** Inputs or options came; or the cursor has left an input. */
  show(): void
}

export function listenToForm(form: HTMLFormElement, { edit, save, reset, show }: FormActions): Stop {
  const root = ofForm(form, 'isConnected') ? form.getRootNode() : form.ownerDocument
  function press(event: Event) {
    const { key, isComposing, keyCode } = event as KeyboardEvent
    // The key belongs to an input method; some extensions send none at all.
    if (key === 'Enter' && (isComposing || keyCode === 229)) return event.preventDefault()
    if (!key || !isSaveKey(event as KeyboardEvent)) return
    event.preventDefault()
    save()
  }

  const isOurs = (target: unknown): target is Control => isControl(target) && target.form === form
  const editBy = ({ target }: Event) => {
    if (isOurs(target)) edit(target)
  }
  const outside =
    (listener: (event: Event) => void): ((event: Event) => void) =>
    (event) => {
      if (isOurs(event.target) && !ofForm(form, 'contains').call(form, event.target)) listener(event)
    }
  const listeners: [EventTarget, string, (event: Event) => void][] = [
    [form, 'input', editBy],
    [form, 'change', editBy],
    [form, 'keydown', press],
    [form, 'focusout', () => queueMicrotask(show)],
    [root, 'input', outside(editBy)],
    [root, 'change', outside(editBy)],
    [root, 'keydown', outside(press)],
    [
      form,
      'submit',
      (event) => {
        // A button that sends the form to a place of its own.
        if ((event as Partial<SubmitEvent>).submitter?.hasAttribute('formaction')) return
        event.preventDefault()
        save()
      },
    ],
    [
      form,
      'reset',
      (event) => {
        event.preventDefault()
        reset()
      },
    ],
  ]
  const isOfInput = (node: Node) =>
    node.nodeType === 1 &&
    ((node as Element).matches(INPUTS) || (node as Element).querySelector(INPUTS) !== null)
  for (const [target, name, listener] of listeners) target.addEventListener(name, listener)
  const stopWatching = watchTree(form, (changes) => {
    if (changes.some(({ addedNodes }) => [...addedNodes].some(isOfInput))) show()
  })
  return () => {
    for (const [target, name, listener] of listeners) target.removeEventListener(name, listener)
    stopWatching()
  }
}

const INPUTS = 'input, select, textarea, option'
