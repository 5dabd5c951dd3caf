// How edits and a newer version are combined: merged where they don't overlap, reviewed side by side where they do; and how edits
// come back. What the user decides against is set aside, never dropped; a decision made on a version that is
// no longer the newest one here changes nothing. Loaded with reducer.ts.

import type { Fields, WireRecord } from '../../../server/protocol/index.ts'
import { mergeValues } from '../base/merge-values.ts'
import { differingFields, hasField, isEmpty, isSame, pick } from '../base/values.ts'
import { forgetOlder, save, undoOf, write } from './edit-transitions.ts'
import { askedOfGone, catchUp, stay, to, weighHeld } from './remote-versions.ts'
import {
  type Kept,
  type RecordState,
  type Resolution,
  type StateEventOf,
  type Transition,
  topicOf,
  type UnsentEdits,
} from './state.ts'

const newestAtHand = ({ latest, newer }: RecordState): WireRecord | null =>
  latest && latest.version >= (newer?.version ?? 0) ? latest : null

/** The newest version goes under what is typed, as soon as it is here; edits that overlap with it are reviewed instead. */
export function merge(state: RecordState): Transition {
  const { record, newer, draft } = state
  if (!record || !newer || isEmpty(draft)) return catchUp({ ...state, merging: false })
  const latest = newestAtHand(state)
  if (!latest) return to(state, { merging: true, reloading: false }, { kind: 'load', when: 'now' })
  const edits = { ...draft }
  for (const field of differingFields(record.fields, latest.fields)) {
    if (!hasField(draft, field)) continue
    const both = mergeValues(record.fields[field], draft[field], latest.fields[field])
    if (!both) return review(state)
    edits[field] = both.value
  }
  return rebase(state, latest, edits)
}

/** Both sides side by side, before a save is refused. */
export function review(state: RecordState): Transition {
  if (!state.newer || isEmpty(state.draft)) return stay(state)
  const asked = { ...state, reviewing: true, merging: false, reloading: false }
  return newestAtHand(state) ? stay(asked) : to(asked, {}, { kind: 'load', when: 'now' })
}

/** The decision, as edits on top of the version that was looked at; then a guarded save like any other. */
export function resolve(state: RecordState, resolution: Resolution): Transition {
  const { latest, draft, kept } = state
  const { version, theirs, edited, mutationId, merged } = resolution
  if (latest?.version !== version) return stay(state)
  const decided = { ...pick(draft, (field) => !theirs.includes(field)), ...edited }
  const dropped = pick(draft, (field, value) => !(hasField(decided, field) && isSame(decided[field], value)))
  const aside =
    merged || isEmpty(dropped)
      ? kept
      : {
          fields: { ...kept?.fields, ...dropped },
          why: kept?.why ?? ('resolved' as const),
          isHidden: kept?.isHidden ?? true,
        }
  const rebased = rebase({ ...state, kept: aside }, latest, decided)
  if (mutationId === null || isEmpty(rebased.state.draft)) return rebased
  const saved = save(rebased.state, { mutationId, merged: merged ?? null })
  return { state: saved.state, effects: [...rebased.effects, ...saved.effects] }
}

function rebase(state: RecordState, record: WireRecord, edits: Fields): Transition {
  const draft = pick(edits, (field, value) => !isSame(value, record.fields[field]))
  const changed = differingFields(state.record?.fields ?? {}, record.fields)
  const { state: current, effects } = catchUp(
    forgetOlder({
      ...state,
      record,
      draft,
      conflict: null,
      reviewing: false,
      merging: false,
      reloading: false,
      unanswered: null,
      next: null,
      trouble: null,
      errors: {},
      notice: { kind: 'merged', version: record.version },
      highlighted: changed.filter((field) => !hasField(draft, field)),
    }),
  )
  return to(current, {}, ...effects, { kind: 'fade', what: 'highlight' }, { kind: 'fade', what: 'notice' })
}

/** The values from before the last save are edits like any other, and are saved: guarded, merged or reviewed. */
export function undo(state: RecordState, { mutationId }: StateEventOf<'undo_asked'>): Transition {
  const draft = undoOf(state)
  return draft ? save({ ...state, draft }, { mutationId }) : stay(state)
}

/** Sends what somebody else has put together of the state as it is. */
export const sendAsked = (state: RecordState, { mutation, form }: StateEventOf<'write_asked'>): Transition =>
  write({ ...state, ...form }, mutation, null)

/**
 * Sends again what got no answer, and what was asked for after it. What was only typed stays typed. A removal shows no text
 * of its own, so a newer version may be on the screen by then: it is compared with the one that it was asked on.
 */
export function resume(state: RecordState): Transition {
  const { record, unanswered, next } = state
  const isRetry = unanswered?.kind === 'remove' || unanswered?.clientVersion === record?.version
  return unanswered && record && isRetry ? write(state, unanswered, next) : stay(state)
}

/** What is being saved is deleted after that. */
export function removeNext(state: RecordState, { mutationId }: { mutationId: string }): Transition {
  return state.writing?.kind === 'save' ? to(state, { next: { kind: 'remove', mutationId } }) : stay(state)
}

/** Dismisses the banner for this version; the save stays guarded. */
export function dismiss(state: RecordState): Transition {
  switch (topicOf(state)) {
    case 'newer':
      return to(state, { dismissed: state.newer?.version ?? state.dismissed })
    case 'kept':
      return to(state, { kept: state.kept && { ...state.kept, isHidden: true } })
    case 'trouble':
      return state.record === null ? stay(state) : catchUp(withoutRefusal(state))
    case 'notice':
      return to(state, { notice: null })
    default:
      return stay(state)
  }
}

/** A removal that was refused is no longer wanted then; a write without an answer is. */
const withoutRefusal = ({ trouble, unanswered, ...state }: RecordState): RecordState => ({
  ...state,
  trouble: null,
  unanswered: trouble?.kind === 'failed' || trouble?.kind === 'not_allowed' ? null : unanswered,
})

/** The banner of a version that was dismissed comes back. */
export const show = (state: RecordState): Transition => to(state, { dismissed: 0 })

/**
 * Nothing else is typed, and the version that they were built on is the shown one, or none is shown yet. A removal shows no text
 * that another version could replace.
 */
export function isAtHome(state: RecordState, { base, draft, unanswered }: UnsentEdits): boolean {
  const isUntouched = isEmpty(state.draft) && !state.writing && !state.unanswered && !state.isRefused
  const isRemoval = unanswered?.kind === 'remove' && isEmpty(draft)
  return (
    base !== null &&
    isUntouched &&
    (state.record === null || state.record.version === base.version || isRemoval)
  )
}

/** Edits from before the page was left, on the version that they were built on: a newer version is handled as usual. */
export function recall(
  state: RecordState,
  { edits, isNewest = false }: StateEventOf<'recalled'>,
): Transition {
  const { base, draft, next } = edits
  const unanswered = state.deletion ? askedOfGone(edits) : edits.unanswered
  const kept = bothKept(state.kept, edits.kept)
  if (state.isRefused) return to(state, { draft: { ...draft, ...state.draft }, kept })
  if (!isAtHome(state, edits)) return recallAside(state, { ...edits.kept?.fields, ...draft }, isNewest)
  const recalled: RecordState = {
    ...state,
    record: state.record ?? base,
    draft,
    unanswered,
    next,
    kept,
    notice: isEmpty(draft) ? state.notice : { kind: 'recalled' },
  }
  const { state: current, effects } = catchUp(weighHeld(recalled))
  return to(current, {}, ...effects, { kind: 'fade', what: 'notice' })
}

const bothKept = (kept: Kept | null, other: Kept | null): Kept | null =>
  kept && other ? { ...kept, fields: { ...other.fields, ...kept.fields } } : (kept ?? other)

function recallAside(state: RecordState, fields: Fields, isNewest: boolean): Transition {
  const unshown = pick(fields, (field, value) => {
    const isShown = hasField(state.draft, field) ? state.draft[field] : state.record?.fields[field]
    return !isSame(isShown, value)
  })
  if (isEmpty(unshown)) return stay(state)
  const before = state.kept?.fields
  const aside = isNewest ? { ...before, ...unshown } : { ...unshown, ...before }
  return to(state, { kept: { fields: aside, why: 'recalled', isHidden: false } })
}

/** Discarded by the user. A write in flight is left to its answer. */
export function discard(state: RecordState): Transition {
  const isOfSave = state.record !== null && isSaveTrouble(state.trouble)
  const nothing = { draft: {}, kept: null, unanswered: null, next: null, errors: {} }
  const closed = {
    conflict: null,
    reviewing: false,
    merging: false,
    trouble: isOfSave ? null : state.trouble,
  }
  return catchUp(forgetOlder({ ...state, ...nothing, ...closed }))
}

const isSaveTrouble = (trouble: RecordState['trouble']): boolean =>
  trouble !== null &&
  trouble.kind !== 'signed_out' &&
  !(trouble.kind === 'unreachable' && trouble.during === 'load')

/** What was typed lives on in a record of its own. */
export function recreated(state: RecordState): Transition {
  return to(state, { draft: {}, kept: null, unanswered: null })
}
