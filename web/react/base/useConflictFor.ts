// A conflict as data, with the fields to decide about once their code is here: it is on its way with the editor's first render.

import { useMemo } from 'react'
import { lazyModule } from '../../client/base/lazy-module.ts'
import { type ConflictView, conflictSummary, conflictWith } from '../../client/conflict/conflict-view.ts'
import type { RecordState } from '../../client/record/state.ts'
import type { Words } from '../../client/words/messages.ts'
import { useCode } from './useCode.ts'

const conflictCode = lazyModule(() => import('../../client/conflict/conflict-rows.ts'))

export type ConflictFor = (state: RecordState, words: Words) => ConflictView | null

/** Nothing can be decided about fields that are not here. */
const undecidable: ConflictFor = (state, words) => {
  const view = conflictSummary(state, words)
  return view && { ...view, isLoading: true }
}

export function useConflictFor(): ConflictFor {
  const code = useCode(conflictCode)
  return useMemo(
    () => (code ? (state, words) => conflictWith(code.conflictRows, state, words) : undecidable),
    [code],
  )
}
