// Both sides of a record, field by field. It always shows the newest version here, so a further change appears in it by itself.

import type { WireRecord } from '../../../server/protocol/index.ts'
import { mergeValues } from '../base/merge-values.ts'
import { isSame } from '../base/values.ts'
import type { RecordState } from '../record/state.ts'
import { labelOf, type Words } from '../words/messages.ts'
import { type ConflictField, type ConflictView, conflictSummary, keyOf, newestOf } from './conflict-view.ts'

/** What there is to decide, or `null` where there is nothing. */
export function conflictFor(state: RecordState, words: Words): ConflictView | null {
  const view = conflictSummary(state, words)
  const newest = newestOf(state)
  return view && state.record && newest
    ? { ...view, fields: fieldsOf(state, state.record, newest, words) }
    : view
}

function fieldsOf(
  { draft }: RecordState,
  record: WireRecord,
  newest: WireRecord,
  words: Words,
): ConflictField[] {
  const names = Object.keys({ ...record.fields, ...newest.fields, ...draft })
  return names.flatMap((field): ConflictField[] => {
    const original = record.fields[field]
    const theirs = newest.fields[field]
    const isMine = field in draft
    const mine = isMine ? draft[field] : original
    const isTheirs = !isSame(theirs, original)
    if (!isTheirs && !isMine) return []
    const isOne = !isMine || !isTheirs || isSame(mine, theirs)
    const both = isOne ? null : mergeValues(original, mine, theirs)
    const side = isOne ? (isTheirs ? 'theirs' : 'mine') : both ? 'both' : null
    const of = keyOf(record)
    return [{ of, field, label: labelOf(field, words), original, theirs, mine, isTheirs, isMine, both, side }]
  })
}
