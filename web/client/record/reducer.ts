// One record's editor as one pure function, (state, event) → state. Read this first to know what an editor does.
// Invariant: typed text is never lost, and the shown version never goes back, unless the server's database did.
// Every cell of event × status is decided here and in first-steps.ts, which a page has from the start; a table with a hole does not
// compile.

import type { RemoteVersion } from '../transport/transport.ts'
import {
  discard,
  dismiss,
  merge,
  recall,
  recreated,
  removeNext,
  resolve,
  resume,
  review,
  sendAsked,
  show,
  undo,
} from './conflict-transitions.ts'
import { beyond, ignore, remove, setAside } from './edit-transitions.ts'
import { firstSteps, type StepTable, stepOf } from './first-steps.ts'
import { catchUp, newestKnown, stay, to, weighHeld } from './remote-versions.ts'
import { changesOf, doubt, goBack, offerLost, withLostTyped, withoutNewer } from './restored.ts'
import {
  adoptSaved,
  failLoad,
  holdLoaded,
  load as loadFirst,
  refuse,
  refuseWrite,
  showFirst,
  showLoaded,
  withLoaded,
  withoutWrite,
} from './server-transitions.ts'
import type { RecordState, RecordStateEvent, StateEventOf, Transition } from './state.ts'

// What a record's store does now and then comes with it.
export { propose, restoreVersion } from '../history/ask.ts'
export { placesIn } from '../text/places.ts'
export { createLostSearch } from './lost-saves.ts'
export { mergedByItself } from './merged-by-itself.ts'
export { createRecreation } from './recreate.ts'

/** The step for each event in each status, a column for each: first what the user does, then answers, versions and time. */
// biome-ignore format: a table
const recordSteps: StepTable = {
  ...firstSteps,
  //                 loading       clean         dirty         saving        behind        conflicted     gone             offline       forbidden     signed_out
  undo_asked:       [ignore,       undo,         ignore,       ignore,       undo,         ignore,        ignore,          ignore,       ignore,       ignore],
  write_asked:      [ignore,       sendAsked,    sendAsked,    ignore,       sendAsked,    ignore,        ignore,          sendAsked,    ignore,       sendAsked],
  resume_asked:     [ignore,       resume,       resume,       ignore,       resume,       ignore,        ignore,          resume,       ignore,       resume],
  remove_asked:     [ignore,       remove,       remove,       removeNext,   remove,       ignore,        ignore,          remove,       ignore,       remove],
  dismissed:        [ignore,       dismiss,      dismiss,      ignore,       dismiss,      ignore,        ignore,          dismiss,      ignore,       ignore],
  show_asked:       [ignore,       ignore,       ignore,       ignore,       show,         ignore,        ignore,          show,         ignore,       ignore],
  merge_asked:      [ignore,       ignore,       ignore,       ignore,       merge,        ignore,        ignore,          merge,        ignore,       ignore],
  review_asked:     [ignore,       ignore,       ignore,       ignore,       review,       ignore,        ignore,          review,       ignore,       ignore],
  resolved:         [ignore,       ignore,       ignore,       ignore,       ignore,       resolve,       ignore,          ignore,       ignore,       ignore],
  recalled:         [recall,       recall,       recall,       recall,       recall,       recall,        recall,          recall,       recall,       recall],
  recreated:        [ignore,       ignore,       ignore,       ignore,       ignore,       ignore,        recreated,       ignore,       ignore,       ignore],
  discarded:        [discard,      discard,      discard,      ignore,       discard,      discard,       discard,         discard,      discard,      discard],

  //                 loading       clean         dirty         saving        behind        conflicted     gone             offline       forbidden     signed_out
  loaded:           [load,         load,         load,         holdOrLoad,   load,         load,          revive,          load,         regain,       load],
  load_failed:      [fail,         fail,         fail,         ignore,       fail,         fail,          ignore,          fail,         ignore,       fail],
  saved:            [ignore,       ignore,       ignore,       adopt,        ignore,       ignore,        adopt,           ignore,       adopt,        ignore],
  write_refused:    [ignore,       ignore,       ignore,       refused,      ignore,       ignore,        refused,         ignore,       refused,      ignore],
  history_changed:  [doubt,        doubt,        doubt,        doubt,        doubt,        doubt,         doubt,           doubt,        doubt,        ignore],
  creation_lost:    [loseCreation, loseCreation, loseCreation, ignore,       loseCreation, loseCreation,  loseCreation,    loseCreation, loseCreation, loseCreation],
  saves_lost:       [offerLost,    offerLost,    offerLost,    offerLost,    offerLost,    offerLost,     offerLost,       offerLost,    ignore,       offerLost],
}

/**
 * The next state of a record, and what has to be done.
 *
 * Pure: it has no clock, no ids and no requests of its own.
 */
export const nextRecordState = (state: RecordState, stateEvent: RecordStateEvent): Transition =>
  stepOf(recordSteps[stateEvent.kind], state, stateEvent) as Transition

/** A load that shows an older version than is known is late, or the record has gone back. */
function load(before: RecordState, loaded: StateEventOf<'loaded'>): Transition {
  const { record, since = 0 } = loaded
  const { state, known } = withLoaded(before, loaded)
  const { record: shown } = state
  const wasBack = shown !== null && since > record.version
  if (wasBack && shown.version > record.version)
    return since >= shown.version ? goBack(state, record) : stay(known)
  const reachable = wasBack && since >= newestKnown(state) ? withoutNewer(known) : known
  return loadFirst(before, loaded) ?? showLoaded(state, reachable, loaded, state.merging ? merge : undefined)
}

function holdOrLoad(state: RecordState, loaded: StateEventOf<'loaded'>): Transition {
  return holdLoaded(state, loaded) ?? load(state, loaded)
}

/** Access is back. Edits were built on a version that is no longer known, so they are set aside. */
function regain(state: RecordState, { record }: StateEventOf<'loaded'>): Transition {
  return showFirst(
    { ...state, isRefused: false, lostCreation: null, kept: setAside(state, 'access'), draft: {} },
    record,
  )
}

/** A record that was deleted comes back only in a later version. */
function revive(state: RecordState, loaded: StateEventOf<'loaded'>): Transition {
  if (!state.deletion) return stay(state)
  if (loaded.record.version <= state.deletion.version)
    return (loaded.since ?? 0) >= state.deletion.version ? goBack(state, loaded.record) : stay(state)
  return load({ ...state, deletion: null }, loaded)
}

/** It is not there, and may have been lost: what was saved and lost is with what is typed. */
function fail(state: RecordState, failed: StateEventOf<'load_failed'>): Transition {
  return failLoad(state, failed) ?? refuse(withLostTyped({ ...state, reloading: false, merging: false }))
}

/** Access went while the save was in flight: its content stays out of sight, its version is remembered for later. */
function adopt(state: RecordState, answer: StateEventOf<'saved'>): Transition {
  const { version, updated_by: by } = answer.record
  const remote: RemoteVersion = { version, changedFields: null, by, at: 0, isOwn: true, deleted: false }
  const held = [...state.held, remote]
  const draft = beyond(state.draft, state.writing?.changes ?? {})
  return adoptSaved(state, answer) ?? to(state, { writing: null, next: null, draft, held })
}

/** A refusal that is none: it is proposed; or the record has gone back. */
function refused(state: RecordState, answer: StateEventOf<'write_refused'>): Transition {
  const first = refuseWrite(state, answer)
  if (first) return first
  if (answer.refusal.outcome === 'conflict')
    return goBack(weighHeld(withoutWrite(state)), answer.refusal.problem.current)
  const draft = beyond(state.draft, state.writing?.changes ?? {})
  const notice = { kind: 'proposed' as const }
  const { state: current, effects } = catchUp(
    weighHeld({ ...state, writing: null, next: null, draft, notice }),
  )
  return to(current, {}, ...effects, { kind: 'fade', what: 'notice' })
}

/** The record was created in this tab, and is not there: what was entered can be copied, and created again. */
function loseCreation(state: RecordState, { save }: StateEventOf<'creation_lost'>): Transition {
  const entered = { ...save.changes, ...changesOf(state.ownSaves) }
  return refuse({
    ...state,
    draft: { ...entered, ...state.draft },
    isUnsure: false,
    lostCreation: { at: save.at, fields: entered },
  })
}
