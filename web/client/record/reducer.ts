// One record's editor as one pure function, (state, event) → state. Read this first to know what an editor does.
// Invariant: typed text is never lost, and the shown version never goes back, unless the server's database did.
// Every cell of event × status is decided here; a table with a hole does not compile.

import { closeConflict, discard, merge, recall, recreated, resolve, review } from './conflict-transitions.ts'
import {
  dismiss,
  fade,
  ignore,
  open,
  reload,
  remove,
  restore,
  resume,
  revert,
  save,
  saveNext,
  sendAsked,
  show,
  type,
  undo,
} from './edit-transitions.ts'
import { hold, holdAndLoad, holdAndLook, receive, receiveWhenGone } from './remote-versions.ts'
import { doubt, offerLost } from './restored.ts'
import {
  adoptRemoved,
  adoptSaved,
  failLoad,
  holdLoaded,
  load,
  loseCreation,
  refuse,
  refuseWrite,
  regain,
  revive,
} from './server-transitions.ts'
import type { RecordState, RecordStateEvent, StepTable, Transition } from './state.ts'
import { STATUSES, statusOf } from './state.ts'

/** The step for each event in each status, a column for each: first what the user does, then answers, versions and time. */
// biome-ignore format: a table
const recordSteps: StepTable = {
  //                 loading       clean         dirty         saving        behind        conflicted     gone             offline       forbidden     signed_out
  opened:           [open,         open,         open,         ignore,       open,         open,          open,            open,         open,         open],
  typed:            [ignore,       type,         type,         type,         type,         type,          type,            type,         type,         type],
  save_asked:       [ignore,       save,         save,         saveNext,     save,         ignore,        ignore,          save,         ignore,       save],
  undo_asked:       [ignore,       undo,         ignore,       ignore,       undo,         ignore,        ignore,          ignore,       ignore,       ignore],
  write_asked:      [ignore,       sendAsked,    sendAsked,    ignore,       sendAsked,    ignore,        ignore,          sendAsked,    ignore,       sendAsked],
  resume_asked:     [ignore,       resume,       resume,       ignore,       resume,       ignore,        ignore,          resume,       ignore,       resume],
  remove_asked:     [ignore,       remove,       remove,       ignore,       remove,       ignore,        ignore,          remove,       ignore,       remove],
  reload_asked:     [ignore,       reload,       reload,       ignore,       reload,       reload,        open,            reload,       open,         reload],
  restore_asked:    [ignore,       restore,      restore,      restore,      restore,      ignore,        restore,         restore,      ignore,       restore],
  revert_asked:     [ignore,       ignore,       revert,       ignore,       revert,       revert,        ignore,          revert,       ignore,       revert],
  dismissed:        [ignore,       dismiss,      dismiss,      ignore,       dismiss,      ignore,        ignore,          dismiss,      ignore,       ignore],
  show_asked:       [ignore,       ignore,       ignore,       ignore,       show,         ignore,        ignore,          show,         ignore,       ignore],
  conflict_closed:  [ignore,       ignore,       ignore,       ignore,       ignore,       closeConflict, ignore,          ignore,       ignore,       ignore],
  merge_asked:      [ignore,       ignore,       ignore,       ignore,       merge,        ignore,        ignore,          merge,        ignore,       ignore],
  review_asked:     [ignore,       ignore,       ignore,       ignore,       review,       ignore,        ignore,          review,       ignore,       ignore],
  resolved:         [ignore,       ignore,       ignore,       ignore,       ignore,       resolve,       ignore,          ignore,       ignore,       ignore],
  recalled:         [recall,       recall,       recall,       recall,       recall,       recall,        recall,          recall,       recall,       recall],
  recreated:        [ignore,       ignore,       ignore,       ignore,       ignore,       ignore,        recreated,       ignore,       ignore,       ignore],
  discarded:        [discard,      discard,      discard,      ignore,       discard,      discard,       discard,         discard,      discard,      discard],

  //                 loading       clean         dirty         saving        behind        conflicted     gone             offline       forbidden     signed_out
  loaded:           [load,         load,         load,         holdLoaded,   load,         load,          revive,          load,         regain,       load],
  load_failed:      [failLoad,     failLoad,     failLoad,     ignore,       failLoad,     failLoad,      ignore,          failLoad,     ignore,       failLoad],
  saved:            [ignore,       ignore,       ignore,       adoptSaved,   ignore,       ignore,        adoptSaved,      ignore,       adoptSaved,   ignore],
  removed:          [ignore,       ignore,       ignore,       adoptRemoved, ignore,       ignore,        adoptRemoved,    ignore,       adoptRemoved, ignore],
  write_refused:    [ignore,       ignore,       ignore,       refuseWrite,  ignore,       ignore,        refuseWrite,     ignore,       refuseWrite,  ignore],
  version_received: [hold,         receive,      receive,      hold,         receive,      receive,       receiveWhenGone, holdAndLoad,  holdAndLook,  receive],
  revoked:          [refuse,       refuse,       refuse,       refuse,       refuse,       refuse,        refuse,          refuse,       ignore,       refuse],
  history_changed:  [doubt,        doubt,        doubt,        doubt,        doubt,        doubt,         doubt,           doubt,        doubt,        ignore],
  creation_lost:    [loseCreation, loseCreation, loseCreation, ignore,       loseCreation, loseCreation,  loseCreation,    loseCreation, loseCreation, loseCreation],
  saves_lost:       [offerLost,    offerLost,    offerLost,    offerLost,    offerLost,    offerLost,     offerLost,       offerLost,    ignore,       offerLost],
  faded:            [fade,         fade,         fade,         fade,         fade,         fade,          fade,            fade,         fade,         fade],
}

/**
 * The next state of a record, and what has to be done.
 *
 * Pure: it has no clock, no ids and no requests of its own.
 */
export function nextRecordState(state: RecordState, stateEvent: RecordStateEvent): Transition {
  const step = recordSteps[stateEvent.kind][STATUSES.indexOf(state.status)] as (
    state: RecordState,
    stateEvent: RecordStateEvent,
  ) => Transition
  const { state: next, effects } = step(state, stateEvent)
  const status = statusOf(next)
  const isFree = next.isUnsure && state.writing !== null && next.writing === null
  return {
    state: next.status === status ? next : { ...next, status },
    effects: isFree ? [...effects, { kind: 'load', when: 'now' }] : effects,
  }
}
