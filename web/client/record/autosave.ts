// Saves by itself a little after the last keystroke, or with the page being left, and only from status `dirty`. A newer version, a
// refusal or a lost connection need the user's decision; then it waits.

import { browserPage, type Clock, type Page, type Stop, systemClock } from '../base/clock.ts'
import { isEmpty } from '../base/values.ts'
import type { RecordState } from './state.ts'
import type { RecordStore } from './store.ts'

/** A year in the middle of being typed is 2, 20 and 202 first. */
const isHalfTyped = (draft: RecordState['draft']) =>
  Object.values(draft).some((value) => typeof value === 'string' && /^0\d{3}-\d\d-\d\d(T|$)/.test(value))

/**
 * Follows one open record and saves it `afterMs` after its draft last changed, and at once what still waits when the page is hidden or
 * left, or when it is stopped. An edit that was refused waits for the next, and so does a day before the year 1000. While
 * `isComposing()`, as of an input method's word, it waits as long again.
 */
export function autosave<F extends object>(
  store: Pick<RecordStore<F>, 'get' | 'subscribe' | 'save'>,
  afterMs: number,
  clock: Clock = systemClock,
  isComposing: () => boolean = () => false,
  page: Pick<Page, 'isVisible' | 'onChange'> = browserPage(),
): Stop {
  let seen: RecordState['draft'] = store.get().draft
  let stopTimer: Stop = () => {}
  /** Something is typed that no save has. */
  let isWaiting = false

  const look = () => {
    const { draft, status } = store.get()
    if (draft === seen && status !== 'behind') return
    seen = draft
    stopTimer()
    isWaiting = !isEmpty(draft) && (status === 'dirty' || status === 'saving')
    if (isWaiting && status === 'dirty') later()
  }
  function later() {
    stopTimer = clock.after(afterMs, () => (isComposing() ? later() : saveNow()))
  }
  function saveNow() {
    const { status, errors, draft } = store.get()
    stopTimer()
    if (!isWaiting || (status !== 'dirty' && status !== 'saving')) return
    isWaiting = false
    if (isEmpty(errors) && !isHalfTyped(draft)) void store.save()
  }
  const stop = store.subscribe(look)
  const stopPage = page.onChange(() => page.isVisible() || saveNow())
  return () => {
    stop()
    stopPage()
    saveNow()
  }
}
