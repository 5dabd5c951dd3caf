// Both sides of a record, field by field. It always shows the newest version here, so a further change appears in it by itself.

import type { RecordState } from '../record/state.ts'
import type { Words } from '../words/messages.ts'
import { conflictRows } from './conflict-rows.ts'
import { type ConflictView, conflictWith } from './conflict-view.ts'

/** What there is to decide, or `null` where there is nothing. */
export const conflictFor = (state: RecordState, words: Words): ConflictView | null =>
  conflictWith(conflictRows, state, words)
