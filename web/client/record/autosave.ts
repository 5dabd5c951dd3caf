// Saves by itself a little after the last keystroke, and only from status `dirty`. A newer version, a refusal or a lost
// connection need the user's decision; then it waits.

import { type Clock, type Stop, systemClock } from '../base/clock.ts'
import { isEmpty } from '../base/values.ts'
import type { RecordState } from './state.ts'
import type { RecordStore } from './store.ts'

/** Follows one open record and saves it `afterMs` after its draft last changed. An edit that was refused waits for the next. */
export function autosave<F extends object>(
  store: Pick<RecordStore<F>, 'get' | 'subscribe' | 'save'>,
  afterMs: number,
  clock: Clock = systemClock,
): Stop {
  let seen: RecordState['draft'] = store.get().draft
  let stopTimer: Stop = () => {}

  const look = () => {
    const { draft, status } = store.get()
    if (draft === seen && status !== 'behind') return
    seen = draft
    stopTimer()
    if (isEmpty(draft) || status !== 'dirty') return
    stopTimer = clock.after(afterMs, () => {
      const now = store.get()
      if (now.status === 'dirty' && isEmpty(now.errors)) void store.save()
    })
  }
  const stop = store.subscribe(look)
  return () => {
    stopTimer()
    stop()
  }
}
