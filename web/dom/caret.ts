// The cursor in a text that changes under it. Invariant: it stands at the same place of the text afterwards, so that what is typed
// next goes where it was meant to. A page whose later code can't be had leaves it where the browser puts it.

import { reducerCode } from '../client/record/store.ts'
import { activeAt } from './focus.ts'

/** `active`: what has the focus. Call it before the text changes, and what it returns afterwards. */
export function holdCaret(active: Element | null): () => void {
  const input = active as HTMLInputElement | null
  const { value: before = '', selectionStart: start, selectionEnd: end } = input ?? {}
  return () => {
    if (typeof start !== 'number' || typeof end !== 'number' || !input || activeAt(input) !== input) return
    const now = input.value
    if (now === before) return
    const [from = start, to = end] = reducerCode.now()?.placesIn(before, now, [start, end]) ?? []
    input.setSelectionRange(from, to)
  }
}
