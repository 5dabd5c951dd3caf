// One record's editor as one pure function, (state, event) → state. Read this first to know what an editor does.
// Invariant: typed text is never lost, and the shown version never goes back, unless the server's database did.
// Every cell of event × status is decided here; a table with a hole does not compile.

import { fade, ignore } from './edit-transitions.ts'
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
import { statusOf } from './state.ts'
import { userActions } from './user-transitions.ts'

/** The step for each event in each status. */
const recordSteps = {
  ...userActions,
  loaded: {
    loading: load,
    clean: load,
    dirty: load,
    saving: holdLoaded,
    behind: load,
    conflicted: load,
    gone: revive,
    offline: load,
    forbidden: regain,
    signed_out: load,
  },
  load_failed: {
    loading: failLoad,
    clean: failLoad,
    dirty: failLoad,
    saving: ignore,
    behind: failLoad,
    conflicted: failLoad,
    gone: ignore,
    offline: failLoad,
    forbidden: ignore,
    signed_out: failLoad,
  },
  saved: {
    loading: ignore,
    clean: ignore,
    dirty: ignore,
    saving: adoptSaved,
    behind: ignore,
    conflicted: ignore,
    gone: adoptSaved,
    offline: ignore,
    forbidden: adoptSaved,
    signed_out: ignore,
  },
  removed: {
    loading: ignore,
    clean: ignore,
    dirty: ignore,
    saving: adoptRemoved,
    behind: ignore,
    conflicted: ignore,
    gone: adoptRemoved,
    offline: ignore,
    forbidden: adoptRemoved,
    signed_out: ignore,
  },
  write_refused: {
    loading: ignore,
    clean: ignore,
    dirty: ignore,
    saving: refuseWrite,
    behind: ignore,
    conflicted: ignore,
    gone: refuseWrite,
    offline: ignore,
    forbidden: refuseWrite,
    signed_out: ignore,
  },
  version_received: {
    loading: hold,
    clean: receive,
    dirty: receive,
    saving: hold,
    behind: receive,
    conflicted: receive,
    gone: receiveWhenGone,
    offline: holdAndLoad,
    forbidden: holdAndLook,
    signed_out: receive,
  },
  revoked: {
    loading: refuse,
    clean: refuse,
    dirty: refuse,
    saving: refuse,
    behind: refuse,
    conflicted: refuse,
    gone: refuse,
    offline: refuse,
    forbidden: ignore,
    signed_out: refuse,
  },
  history_changed: {
    loading: doubt,
    clean: doubt,
    dirty: doubt,
    saving: doubt,
    behind: doubt,
    conflicted: doubt,
    gone: doubt,
    offline: doubt,
    forbidden: doubt,
    signed_out: ignore,
  },
  creation_lost: {
    loading: loseCreation,
    clean: loseCreation,
    dirty: loseCreation,
    saving: ignore,
    behind: loseCreation,
    conflicted: loseCreation,
    gone: loseCreation,
    offline: loseCreation,
    forbidden: loseCreation,
    signed_out: loseCreation,
  },
  saves_lost: {
    loading: offerLost,
    clean: offerLost,
    dirty: offerLost,
    saving: offerLost,
    behind: offerLost,
    conflicted: offerLost,
    gone: offerLost,
    offline: offerLost,
    forbidden: ignore,
    signed_out: offerLost,
  },
  faded: {
    loading: fade,
    clean: fade,
    dirty: fade,
    saving: fade,
    behind: fade,
    conflicted: fade,
    gone: fade,
    offline: fade,
    forbidden: fade,
    signed_out: fade,
  },
} as const satisfies StepTable

/**
 * The next state of a record, and what has to be done.
 *
 * Pure: it has no clock, no ids and no requests of its own.
 */
export function nextRecordState(state: RecordState, stateEvent: RecordStateEvent): Transition {
  const step = recordSteps[stateEvent.kind][state.status] as (
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
