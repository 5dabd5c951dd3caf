// Saves a form by itself, and never in the middle of a word that an input method puts together.

import { useEffect } from 'react'
import { systemClock } from '../../client/base/clock.ts'
import { autosave } from '../../client/record/autosave.ts'
import type { RecordStore } from '../../client/record/store.ts'
import { watchComposition } from '../../dom/focus.ts'

/** `afterMs`: `undefined` for never. */
export function useAutosave<F extends object>(store: RecordStore<F>, afterMs: number | undefined): void {
  useEffect(() => {
    if (afterMs === undefined) return
    const composition = watchComposition()
    const stop = autosave(store, afterMs, systemClock, composition.isComposing)
    return () => {
      stop()
      composition.stop()
    }
  }, [store, afterMs])
}
