// What either side of a record changed, field by field. Pages load it on use, so it imports nothing of what they have from the start
// but how values are compared: what a later chunk shares with the first becomes a chunk of its own.

import type { WireRecord } from '../../../server/protocol/index.ts'
import { mergeValues } from '../base/merge-values.ts'
import { hasField, isSame } from '../base/values.ts'
import type { RecordState } from '../record/state.ts'
import type { ConflictRow } from './conflict-view.ts'

export function conflictRows({ draft }: RecordState, record: WireRecord, newest: WireRecord): ConflictRow[] {
  const names = Object.keys({ ...record.fields, ...newest.fields, ...draft })
  return names.flatMap((field): ConflictRow[] => {
    const original = record.fields[field]
    const theirs = newest.fields[field]
    const isMine = hasField(draft, field)
    const mine = isMine ? draft[field] : original
    const isTheirs = !isSame(theirs, original)
    if (!isTheirs && !isMine) return []
    const isOne = !isMine || !isTheirs || isSame(mine, theirs)
    const both = isOne ? null : mergeValues(original, mine, theirs)
    const side = isOne ? (isTheirs ? 'theirs' : 'mine') : both ? 'both' : null
    return [{ field, original, theirs, mine, isTheirs, isMine, both, side }]
  })
}
