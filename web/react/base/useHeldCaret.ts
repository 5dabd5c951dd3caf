// Somebody stands in a text that another person has changed: the cursor stays at its place of the text.

import { useEffect, useRef } from 'react'
import type { Readable } from '../../client/base/store.ts'
import { holdCaret } from '../../dom/caret.ts'
import { deepActive } from '../../dom/focus.ts'
import { useCommitEffect } from './useCommitEffect.ts'

/** From a change of the store to what is drawn of it. */
export function useHeldCaret(store: Pick<Readable<unknown>, 'subscribe'>): void {
  const moveBack = useRef<(() => void) | null>(null)
  useEffect(
    () =>
      store.subscribe(() => {
        moveBack.current ??= holdCaret(deepActive())
      }),
    [store],
  )
  useCommitEffect(() => {
    moveBack.current?.()
    moveBack.current = null
  })
}
