// A conflict as data, for any dialog: after a refused save, or on request before one. The fields to decide about are in
// conflict-rows.ts, which editors load on use.

import type { WireRecord } from '../../../server/protocol/index.ts'
import { isEmpty } from '../base/values.ts'
import { isReviewed, type RecordState } from '../record/state.ts'
import { fill, labelOf, type Words, whoWrote } from '../words/messages.ts'

/** Which side a field takes; `both` where the two changes fit together. */
export type Side = 'mine' | 'theirs' | 'both'

/** One field that either side changed. Values are as the record has them. */
export interface ConflictField {
  /** Which record and version the edits are of: a choice stands for no other. */
  of: string
  /** Its name on the wire. */
  field: string
  /** Its name on the screen: of `labels`, else the field's in words. */
  label: string
  /** What both sides began with. */
  original: unknown
  /** What the others made of it. */
  theirs: unknown
  /** What is typed. */
  mine: unknown
  /** The others have changed it. */
  isTheirs: boolean
  /** It was changed here. */
  isMine: boolean
  /** Both changes together, where the value has parts (keys, rows) and the two sides changed different ones. */
  both: { value: unknown } | null
  /** The side that changed it; `null` where both did, differently, and the user decides. */
  side: Side | null
}

/** Without their names on the screen, and what they are of. */
export type ConflictRow = Omit<ConflictField, 'of' | 'label'>

/** Both sides of a record, field by field, for a dialog of your own. */
export interface ConflictView {
  /** Another one for each record, and for each version that edits are built on. */
  key: string
  /** `refused`: a save was. `review`: nothing was sent yet. */
  reason: 'refused' | 'review'
  /** The others' version that is shown. */
  version: number
  /** Who saved, in the words of the provider. */
  sentence: string
  /** Each that either side changed; empty until their code is loaded. */
  fields: ConflictField[]
  /** A newer version is known and being loaded. */
  isLoading: boolean
  /** Loading it failed. */
  isReloadFailed: boolean
}

/** What was received whole of the others' side. */
const newestOf = ({ conflict, latest }: RecordState): WireRecord | null => latest ?? conflict?.current ?? null

/** What happened, without the fields to decide about: `conflictFor` has those too. `null` where there is nothing to decide. */
export function conflictSummary(state: RecordState, words: Words): ConflictView | null {
  const { conflict, record, newer } = state
  if (!record || !isReviewed(state) || state.status !== 'conflicted') return null
  const newest = newestOf(state)
  const version = newest?.version ?? newer?.version ?? record.version
  const by =
    newest && newest.version !== newer?.version
      ? newest.updated_by
      : (newer?.by ?? newest?.updated_by ?? null)
  const isOwn = newer?.version === version && newer.isOwn
  const texts = words.messages.conflict
  const saving = isOwn ? texts.sentenceOwn : texts.sentence
  const refused = isEmpty(state.draft) ? texts.sentenceRemoval : saving
  const reviewed = isOwn ? texts.reviewOwn : texts.review
  return {
    key: keyOf(record),
    reason: conflict ? 'refused' : 'review',
    version,
    sentence: fill(conflict ? refused : reviewed, { who: whoWrote(by, words, 'start'), version }),
    fields: [],
    isLoading: (newer?.version ?? 0) > (newest?.version ?? 0),
    isReloadFailed: state.trouble !== null,
  }
}

/** The same with the fields, by the code that finds them. */
export function conflictWith(
  rowsOf: (state: RecordState, record: WireRecord, newest: WireRecord) => ConflictRow[],
  state: RecordState,
  words: Words,
): ConflictView | null {
  const view = conflictSummary(state, words)
  const newest = newestOf(state)
  if (!view || !state.record || !newest) return view
  const fields = rowsOf(state, state.record, newest).map((row) => ({
    ...row,
    of: view.key,
    label: labelOf(row.field, words),
  }))
  return { ...view, fields }
}

const keyOf = ({ type, id, version }: WireRecord) => JSON.stringify([type, id, version])

/** A field's value in words, for reading: the app's own, where it has one. */
export function valueText(value: unknown, { messages, formatValue }: Words, field = ''): string {
  const own = formatValue?.(field, value)
  if (own !== null && own !== undefined) return own
  if (value === null || value === undefined || value === '') return messages.conflict.nothing
  if (typeof value === 'boolean') return value ? messages.yes : messages.no
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** The unsaved edits as plain text, for the clipboard: "Name: Harbour bridge", a line a field. */
export function editsAsText(state: Pick<RecordState, 'kept' | 'draft'>, words: Words): string {
  const edits = { ...state.kept?.fields, ...state.draft }
  return Object.entries(edits)
    .map(([field, value]) => `${labelOf(field, words)}: ${valueText(value, words, field)}`)
    .join('\n')
}
