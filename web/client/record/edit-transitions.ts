// User actions on an open record that a page has from the start: type, save, remove, reload, restore, revert. Each step is pure. No
// step drops a typed value: it is in the draft, in the write in flight, or kept for restoring.

import type { Fields, WireRecord } from '../../../server/protocol/index.ts'
import { differingFields, hasField, isEmpty, isSame, pick } from '../base/values.ts'
import { catchUp, stay, to } from './remote-versions.ts'
import type { Kept, MergedWith, Mutation, OwnSave, RecordState, StateEventOf, Transition } from './state.ts'
import { isNew, isReviewed } from './state.ts'

export const ignore = (state: RecordState): Transition => stay(state)

/** Opening, opening again and signing in again all ask for the record as it is now. */
export const open = (state: RecordState): Transition =>
  to(state, { kept: offered(state.kept) }, { kind: 'load', when: 'now' })

/** Edits that a form was closed over are offered by the next. */
const offered = (kept: Kept | null): Kept | null =>
  kept?.why === 'discarded' && kept.isHidden ? { ...kept, isHidden: false } : kept

/**
 * A value equal to the shown one is no edit, unless another value of that field is on its way to the server:
 * then it must outlive the answer.
 */
export function type(state: RecordState, { field, value }: StateEventOf<'typed'>): Transition {
  if (!state.record && !state.isRefused) return stay(state)
  const sent = (state.writing ?? state.unanswered)?.changes
  const draft = { ...state.draft, [field]: value }
  const isShown = state.record !== null && isSame(state.record.fields[field], value)
  if (isShown && !(sent && hasField(sent, field))) delete draft[field]
  const { [field]: _, ...errors } = state.errors
  return catchUp({ ...state, draft, errors })
}

/** Sends what is typed; a save that got no answer is sent again first, under its own id, and the rest follows it. */
export function save(
  state: RecordState,
  { mutationId, merged = null }: { mutationId: string; merged?: MergedWith | null },
): Transition {
  const { record, draft, unanswered } = state
  if (!record || (isEmpty(draft) && !isNew(state))) return stay(state)
  const changes = isNew(state) ? { ...record.fields, ...draft } : draft
  const isRetry = unanswered?.kind === 'save' && unanswered.clientVersion === record.version
  const fresh: Mutation = {
    kind: 'save',
    mutationId,
    clientVersion: record.version,
    changes,
    ...(merged && { merged }),
  }
  const mutation = isRetry ? unanswered : fresh
  return write(
    state,
    mutation,
    isRetry && !isSame(unanswered.changes, changes) ? { kind: 'save', mutationId } : null,
  )
}

/** A text that was put together of two people's is not taken back as a whole, nor what more than this save has written. */
export function undoableOf(
  record: WireRecord,
  { changes, clientVersion }: Mutation,
  answer: StateEventOf<'saved'>,
): RecordState['undoable'] {
  const isTogether = answer.mergedFields.some((field) => hasField(changes, field))
  const isJump = answer.mergedFields.length === 0 && answer.record.version > clientVersion + 1
  if (isTogether || isJump || record.version === 0) return null
  const changed = (fields: Fields) => pick(fields, (field) => hasField(changes, field))
  return { before: changed(record.fields), after: changed(answer.record.fields) }
}

const MOST_SAVES = 20

/** Remembers an answered save. */
export const withOwnSave = (saves: readonly OwnSave[], save: OwnSave): readonly OwnSave[] => [
  ...saves.filter(({ version }) => version !== save.version).slice(1 - MOST_SAVES),
  save,
]

/** The values that undo the last save here; `null` where something is typed, or somebody else has changed them since. */
export function undoOf({ record, draft, undoable, status }: RecordState): Fields | null {
  if (!record || !undoable || !isEmpty(draft) || (status !== 'clean' && status !== 'behind')) return null
  const isMine = ([field, value]: [string, unknown]) => isSame(record.fields[field], value)
  return Object.entries(undoable.after).every(isMine) ? undoable.before : null
}

/** A second click changes nothing; text typed since the first goes out after its answer. */
export function saveNext(state: RecordState, { mutationId }: StateEventOf<'save_asked'>): Transition {
  const sent = state.writing?.changes ?? {}
  if (state.writing?.kind !== 'save' || isEmpty(beyond(state.draft, sent))) return stay(state)
  return to(state, { next: { kind: 'save', mutationId } })
}

/** After a save without an answer, that save goes first: else the removal could be refused for a version of one's own. */
export function remove(
  state: RecordState,
  { mutationId, clientVersion }: { mutationId: string; clientVersion?: number },
): Transition {
  const { record, unanswered } = state
  if (!record) return stay(state)
  const fresh = removalOf(mutationId, clientVersion ?? record.version)
  if (unanswered?.clientVersion !== record.version || unanswered.kind === 'propose')
    return write(state, fresh, null)
  return write(state, unanswered, unanswered.kind === 'save' ? { kind: 'remove', mutationId } : null)
}

export const removalOf = (mutationId: string, clientVersion: number): Mutation => ({
  kind: 'remove',
  mutationId,
  clientVersion,
  changes: {},
})

/** The removal that was asked for, of the version that it was asked for: as it was, or after a save that is refused too. */
export const removalIn = (sent: Mutation, next: RecordState['next']): Mutation | null => {
  if (sent.kind === 'remove') return sent
  return next?.kind === 'remove' ? removalOf(next.mutationId, sent.clientVersion) : null
}

/** The version that a removal after a save is of: none that somebody else has made meanwhile. */
export const removedVersion = (saved: Mutation, { version }: WireRecord): number =>
  Math.min(version, saved.clientVersion + 1)

export function write(state: RecordState, mutation: Mutation, next: RecordState['next']): Transition {
  const patch = {
    writing: mutation,
    unanswered: null,
    next,
    reloading: false,
    merging: false,
    trouble: null,
    notice: null,
    errors: {},
  }
  return to(state, patch, { kind: 'write', mutation })
}

/** Edits that differ from what was sent. */
export const beyond = (draft: Fields, sent: Fields): Fields =>
  pick(draft, (field, value) => !(hasField(sent, field) && isSame(value, sent[field])))

/** Shows the newest version; until it is here, everything stays as it is. */
export function reload(state: RecordState): Transition {
  const { latest, newer } = state
  if (latest && latest.version >= (newer?.version ?? 0)) return showLatest(state, latest)
  return to(state, { reloading: true, merging: false }, { kind: 'load', when: 'now' })
}

/** The form shows the record, and the edits are set aside. */
export function showLatest(state: RecordState, record: WireRecord): Transition {
  const highlighted = state.record ? differingFields(state.record.fields, record.fields) : []
  const shown: RecordState = {
    ...state,
    record,
    draft: {},
    kept: setAside(state, 'reloaded'),
    conflict: null,
    reviewing: false,
    unanswered: null,
    next: null,
    reloading: false,
    merging: false,
    trouble: null,
    errors: {},
    notice: { kind: 'loaded', version: record.version },
    highlighted,
  }
  const { state: current, effects } = catchUp(forgetOlder(shown))
  return to(current, {}, ...effects, { kind: 'fade', what: 'highlight' }, { kind: 'fade', what: 'notice' })
}

/** Sets what is typed aside, over what was set aside before. */
export function setAside(state: RecordState, why: Kept['why']): Kept | null {
  if (isEmpty(state.draft)) return state.kept
  return { fields: { ...state.kept?.fields, ...state.draft }, why, isHidden: false }
}

/** Drops what is not newer than the shown version. */
export function forgetOlder(state: RecordState): RecordState {
  const version = state.record?.version ?? 0
  return {
    ...state,
    newer: state.newer && state.newer.version > version ? state.newer : null,
    latest: state.latest && state.latest.version > version ? state.latest : null,
  }
}

/** Kept edits, all or some, go over what is shown now. Where something else was typed meanwhile, the two change places. */
export function restore(state: RecordState, { fields }: { fields?: readonly string[] }): Transition {
  const { record, kept } = state
  if (!kept || !record) return stay(state)
  const wanted = fields ? pick(kept.fields, (field) => fields.includes(field)) : kept.fields
  const displaced = pick(
    state.draft,
    (field, value) => hasField(wanted, field) && !isSame(value, wanted[field]),
  )
  const rest = { ...pick(kept.fields, (field) => !hasField(wanted, field)), ...displaced }
  const sent = (state.writing ?? state.unanswered)?.changes ?? {}
  const draft = pick(
    { ...state.draft, ...wanted },
    (field, value) => hasField(sent, field) || !isSame(value, record.fields[field]),
  )
  return catchUp({ ...state, draft, kept: isEmpty(rest) ? null : { ...kept, fields: rest }, notice: null })
}

/** Back to the shown version; what was typed can be restored. Both sides of a conflict are put away by a discard alone. */
export function revert(state: RecordState, { isDiscard = false }: StateEventOf<'revert_asked'>): Transition {
  if (isReviewed(state) && !isDiscard) return stay(state)
  const kept = setAside(state, isDiscard ? 'discarded' : 'reverted')
  const nothing = { draft: {}, errors: {}, unanswered: null, next: null, notice: null }
  const closed = { conflict: null, reviewing: false, merging: false }
  return catchUp({ ...state, ...nothing, ...closed, kept: kept && { ...kept, isHidden: isDiscard } })
}

/** Put away unresolved; that there is a newer version is still so, and the banner says it. */
export function closeConflict(state: RecordState): Transition {
  return catchUp(
    forgetOlder({
      ...state,
      conflict: null,
      reviewing: false,
      merging: false,
      reloading: false,
      unanswered: state.conflict ? null : state.unanswered,
    }),
  )
}

/** The highlight and the notice end by themselves. */
export function fade(state: RecordState, { what }: StateEventOf<'faded'>): Transition {
  return to(state, what === 'highlight' ? { highlighted: [] } : { notice: null })
}
