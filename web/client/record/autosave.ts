// Saves by itself a little after the last keystroke, and only from status `dirty`. A newer version, a refusal or a lost
// connection need the user's decision; then it waits.

import { type Clock, type Stop, systemClock } from '../base/clock.ts'
import { isEmpty } from '../base/values.ts'
import type { RecordState } from './state.ts'
import type { RecordStore } from './store.ts'

/** A year in the middle of being typed is 2, 20 and 202 first. */
const isHalfTyped = (draft: RecordState['draft']) =>
  Object.values(draft).some((value) => typeof value === 'string' && /^0\d{3}-\d\d-\d\d(T|$)/.test(value))

/**
 * Follows one open record and saves it `afterMs` after its draft last changed. An edit that was refused waits for the next, and so
 * does a day before the year 1000. While `isComposing()`, as of an input method's word, it waits as long again.
 */
export function autosave<F extends object>(
  store: Pick<RecordStore<F>, 'get' | 'subscribe' | 'save'>,
  afterMs: number,
  clock: Clock = systemClock,
  isComposing: () => boolean = () => false,
): Stop {
  let seen: RecordState['draft'] = store.get().draft
  let stopTimer: Stop = () => {}

  const look = () => {
    const { draft, status } = store.get()
    if (draft === seen && status !== 'behind') return
    seen = draft
    stopTimer()
    if (isEmpty(draft) || status !== 'dirty') return
    const later = () => {
      stopTimer = clock.after(afterMs, saveNow)
    }
    const saveNow = () => {
      const now = store.get()
      if (now.status !== 'dirty' || !isEmpty(now.errors) || isHalfTyped(now.draft)) return
      if (isComposing()) later()
      else void store.save()
    }
    later()
  }
  const stop = store.subscribe(look)
  return () => {
    stopTimer()
    stop()
  }
}
