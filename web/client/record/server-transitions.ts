// The server's answers applied to an open record. A loaded version older than the shown one is dropped, and so is the
// answer to a write that is no longer awaited; what was typed while a save was in flight stays typed.

import type { FieldError, Problem, StaleProblem, WireRecord } from '../../../server/protocol/index.ts'
import { differingFields, hasField, isEmpty, isSame, pick } from '../base/values.ts'
import type { RemoteVersion } from '../transport/transport.ts'
import {
  beyond,
  forgetOlder,
  removalIn,
  remove,
  removedVersion,
  save,
  showLatest,
  undoableOf,
  withOwnSave,
} from './edit-transitions.ts'
import { askedOfGone, catchUp, stay, to, weigh, weighHeld } from './remote-versions.ts'
import {
  isNew,
  type Mutation,
  type RecordState,
  type StateEventOf,
  type Transition,
  type Trouble,
} from './state.ts'

/** The first load, and every one after. `null`: the record may have gone back, or is to go under what is typed. */
export function load(before: RecordState, loaded: StateEventOf<'loaded'>): Transition | null {
  const { record, since = 0, isCreated = false } = loaded
  if (before.merging || (before.record && since > record.version)) return null
  const { state, known } = withLoaded(before, loaded)
  return isCreated && !state.record ? showCreated(known, record) : showLoaded(state, known, loaded)
}

/** Before the loaded record is compared: what its reader may see now, and without what it puts right by itself. */
export function withLoaded(before: RecordState, { record, since = 0 }: StateEventOf<'loaded'>) {
  const shown = before.record && withRightsOf(before.record, record)
  const state = shown === before.record ? before : { ...before, record: shown, latest: null }
  return { state, known: withoutLoadTrouble(since > 0 ? { ...state, isUnsure: false } : state) }
}

/** `known`: the state without what the answer refutes; `weighed`: a newer version, with something typed. */
export function showLoaded(
  state: RecordState,
  known: RecordState,
  { record, at, isOwn }: StateEventOf<'loaded'>,
  weighed: (state: RecordState) => Transition = catchUp,
): Transition {
  const { record: shown } = state
  if (!shown) return showFirst(known, record)
  if (record.version < shown.version) return catchUp({ ...known, reloading: false, merging: false })
  if (state.reloading) return showLatest(known, record)
  if (record.version === shown.version) return catchUp({ ...known, merging: false })
  const remote = remoteVersionOf(record, at, isOwn)
  if (isEmpty(state.draft) && !state.conflict) return showQuietly(known, record, remote)
  return weighed(weigh(known, remote))
}

/** The shown record without fields that its reader may not see any more; at one version, with those that they see now. */
function withRightsOf(shown: WireRecord, now: WireRecord): WireRecord {
  const { rights, read_only } = now
  if (shown.rights === rights) return shown
  const fields = pick(shown.fields, (name) => hasField(now.fields, name))
  return shown.version === now.version ? now : { ...shown, rights, read_only, fields }
}

/** While a write is in flight nothing is shown but its answer. */
export function holdLoaded(
  state: RecordState,
  { record, at, isOwn }: StateEventOf<'loaded'>,
): Transition | null {
  if (!state.record) return load(state, { kind: 'loaded', record, at, isOwn })
  return to(state, { held: [...state.held, remoteVersionOf(record, at, isOwn)] })
}

export function showFirst(state: RecordState, record: WireRecord): Transition {
  return catchUp(weighHeld({ ...state, record, reloading: false, trouble: null }))
}

function showCreated(state: RecordState, record: WireRecord): Transition {
  const shown = showFirst(state, record)
  const notice = { kind: 'saved' as const, version: record.version, merged: null }
  return to(shown.state, { notice }, ...shown.effects, { kind: 'fade', what: 'notice' })
}

function showQuietly(state: RecordState, record: WireRecord, remote: RemoteVersion): Transition {
  const fields = differingFields(state.record?.fields ?? {}, record.fields)
  const { version, by, at, isOwn } = state.newer?.version === record.version ? state.newer : remote
  const shown: RecordState = {
    ...state,
    record,
    conflict: null,
    reviewing: false,
    merging: false,
    notice: { kind: 'updated', version, by, at, isOwn, fields },
    highlighted: fields,
  }
  const { state: current, effects } = catchUp(forgetOlder(shown))
  return to(current, {}, ...effects, { kind: 'fade', what: 'highlight' }, { kind: 'fade', what: 'notice' })
}

const remoteVersionOf = (record: WireRecord, at: number, isOwn: boolean): RemoteVersion => ({
  version: record.version,
  changedFields: null,
  by: record.updated_by,
  at,
  isOwn,
  deleted: false,
  record,
})

function withoutLoadTrouble(state: RecordState): RecordState {
  const isOver =
    state.trouble?.kind === 'signed_out' ||
    (state.trouble?.kind === 'unreachable' && state.trouble.during === 'load')
  return isOver ? { ...state, trouble: null } : state
}

/** Nothing that is shown or typed changes; a reload that failed may be asked for again. */
export function failLoad(
  state: RecordState,
  { refusal, at }: StateEventOf<'load_failed'>,
): Transition | null {
  const still = { ...state, reloading: false, merging: false }
  // That a save waits, and whether it outlives the page, matters more than that nothing newer could be read.
  const isSaveWaiting = still.unanswered !== null && still.trouble?.kind === 'unreachable'
  switch (refusal.outcome) {
    case 'not_found':
    case 'forbidden':
      return state.isUnsure ? null : refuse(still)
    case 'gone':
      return to(still, {
        deletion: deletionOf(refusal.problem, at),
        conflict: null,
        reviewing: false,
        unanswered: askedOfGone(still),
      })
    case 'unauthenticated':
      return to(still, { trouble: { kind: 'signed_out' } })
    case 'unreachable':
      return to(still, isSaveWaiting ? {} : { trouble: { kind: 'unreachable', during: 'load' } })
    case 'failed':
      return to(still, isSaveWaiting ? {} : { trouble: failed(refusal.problem) })
  }
}

const deletionOf = (problem: { version: number; updated_by: RemoteVersion['by'] }, at: number) => ({
  version: problem.version,
  by: problem.updated_by,
  at,
  isOwn: false,
})

/** Access has gone: the content goes, what was typed stays and can be copied. */
export function refuse(state: RecordState): Transition {
  const nothing = { record: null, latest: null, newer: null, conflict: null, notice: null, trouble: null }
  return to(
    state,
    {
      ...nothing,
      held: [],
      highlighted: [],
      isRefused: true,
      reloading: false,
      merging: false,
      reviewing: false,
    },
    { kind: 'forget_loads' },
  )
}

/** The answer's version is adopted, where one is shown; what was typed meanwhile stays; then what was held is weighed. */
export function adoptSaved(state: RecordState, answer: StateEventOf<'saved'>): Transition | null {
  const { record, writing, next } = state
  if (writing?.mutationId !== answer.mutationId) return stay(state)
  if (!record) return null
  const isNewer = answer.record.version >= record.version
  const current = isNewer ? answer.record : record
  const draft = pick(
    beyond(state.draft, writing.changes),
    (field, value) => !isSame(value, current.fields[field]),
  )
  const isJump = answer.mergedFields.length === 0 && current.version > writing.clientVersion + 1
  const others = isJump ? differingFields(record.fields, current.fields) : answer.mergedFields
  const highlighted = others.filter((field) => !isJump || !hasField(writing.changes, field))
  const adopted: RecordState = {
    ...state,
    notice: { kind: 'saved', version: current.version, merged: mergedWith(writing, answer) },
    record: current,
    draft,
    writing: null,
    next: isNew(state) ? next : null,
    highlighted,
    undoable: undoableOf(record, writing, answer),
    ownSaves: withOwnSave(state.ownSaves, {
      version: answer.record.version,
      at: answer.at ?? 0,
      changes: writing.changes,
    }),
  }
  const settled = weighHeld(forgetOlder(adopted))
  const isOpen = !settled.deletion && !settled.isRefused
  const goOn = ({ kind, mutationId }: NonNullable<typeof next>) =>
    kind === 'remove'
      ? remove(settled, { mutationId, clientVersion: removedVersion(writing, current) })
      : save(settled, { mutationId })
  const transition = next && isOpen && !isNew(state) ? goOn(next) : catchUp(settled)
  const highlight = highlighted.length > 0 ? [{ kind: 'fade', what: 'highlight' } as const] : []
  const fades = [...highlight, { kind: 'fade', what: 'notice' } as const]
  return { state: transition.state, effects: [...transition.effects, ...fades] }
}

function mergedWith(writing: Mutation, { record, mergedFields, mergedBy = null }: StateEventOf<'saved'>) {
  if (mergedFields.length === 0) return writing.merged ?? null
  return { fields: mergedFields, by: mergedBy, isOne: record.version === writing.clientVersion + 2 }
}

export function adoptRemoved(state: RecordState, { mutationId, at }: StateEventOf<'removed'>): Transition {
  const { record, writing } = state
  if (writing?.mutationId !== mutationId) return stay(state)
  const deletion = { version: (record?.version ?? 0) + 1, by: null, at, isOwn: true }
  return to(state, { writing: null, next: null, held: [], newer: null, latest: null, deletion })
}

/**
 * Nothing of the write took effect, unless there was no answer at all; every typed value stays, and so does a removal: no text
 * shows that it was asked for. `null`: it is proposed, or the record has gone back.
 */
export function refuseWrite(state: RecordState, answer: StateEventOf<'write_refused'>): Transition | null {
  const { writing } = state
  if (writing?.mutationId !== answer.mutationId) return stay(state)
  const { refusal, at } = answer
  if (refusal.outcome === 'unreachable') {
    const trouble: Trouble = { kind: 'unreachable', during: 'save', isKept: answer.isKept ?? false }
    return catchUp(weighHeld({ ...state, writing: null, unanswered: writing, trouble }))
  }
  const tidy = withoutWrite(state)
  if (refusal.outcome === 'not_found') return refuse(tidy)
  const settled = weighHeld(tidy)
  switch (refusal.outcome) {
    case 'proposed':
      return null
    case 'conflict':
      if (refusal.problem.current_version < refusal.problem.client_version) return null
      return settled.deletion ? stay(settled) : conflict(settled, refusal.problem, at)
    case 'gone':
      return to(settled, { deletion: deletionOf(refusal.problem, at), newer: null, unanswered: null })
    case 'invalid':
      return catchUp({ ...settled, errors: errorsByField(refusal.errors) })
    case 'unauthenticated':
      return catchUp({ ...settled, ...sentAgain(state), trouble: { kind: 'signed_out' } })
    case 'forbidden':
      return catchUp({ ...settled, trouble: { kind: 'not_allowed' } })
    case 'failed':
      return catchUp({ ...settled, trouble: failed(refusal.problem) })
  }
}

/** What was typed and is as the record has it is no edit. */
export const withoutWrite = (state: RecordState): RecordState => ({
  ...state,
  writing: null,
  next: null,
  unanswered: state.writing && !isNew(state) ? removalIn(state.writing, state.next) : null,
  draft: pick(state.draft, (field, value) => !isSame(value, state.record?.fields[field])),
})

/** The request was not authenticated: whether an earlier try was written is as open as before. */
const sentAgain = ({ writing, next }: RecordState) => ({ unanswered: writing, next })

/** The refused save brings the current record along: reloading needs no other request. */
function conflict(state: RecordState, problem: StaleProblem, at: number): Transition {
  const { current, current_version: version, updated_by: by } = problem
  const remote: RemoteVersion = {
    version,
    changedFields: null,
    by,
    at,
    isOwn: false,
    deleted: false,
    record: current,
  }
  return to(weigh(state, remote), { conflict: problem, reviewing: false })
}

const failed = ({ detail, code }: Problem): Trouble => ({ kind: 'failed', detail, code })

function errorsByField(errors: FieldError[]): Record<string, string> {
  return Object.fromEntries([...errors].reverse().map(({ field, message }) => [field, message]))
}
