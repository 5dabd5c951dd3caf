// The steps of an editor that a page has from the start: what is typed, saved, loaded, received and refused. The others come with
// reducer.ts, which has these too, soon after a record is shown. Invariant: where a step is here, it is the reducer's; where
// none is (`null`), nothing is decided before the reducer is here.

import {
  closeConflict,
  fade,
  ignore,
  open,
  reload,
  remove,
  restore,
  revert,
  save,
  saveNext,
  type,
} from './edit-transitions.ts'
import { hold, holdAndLoad, holdAndLook, receive, receiveWhenGone } from './remote-versions.ts'
import {
  adoptRemoved,
  adoptSaved,
  failLoad,
  holdLoaded,
  load,
  refuse,
  refuseWrite,
} from './server-transitions.ts'
import {
  type RecordState,
  type RecordStateEvent,
  STATUSES,
  type StateEventOf,
  statusOf,
  type Transition,
} from './state.ts'

type Step<K extends RecordStateEvent['kind']> = (
  state: RecordState,
  stateEvent: StateEventOf<K>,
) => Transition
type Row<Columns extends readonly unknown[], Cell> = { [Column in keyof Columns]: Cell }
/** A step for each event in each status. */
export type StepTable = { [K in RecordStateEvent['kind']]: Row<typeof STATUSES, Step<K>> }

/** Those that a page has from the start; `null` is left to the others, as a cell or as what its step says. */
export type FirstTable = {
  [K in RecordStateEvent['kind']]?: Row<
    typeof STATUSES,
    ((state: RecordState, stateEvent: StateEventOf<K>) => Transition | null) | null
  >
}

// biome-ignore format: a table
export const firstSteps = {
  //                 loading       clean         dirty         saving        behind        conflicted     gone             offline       forbidden     signed_out
  opened:           [open,         open,         open,         ignore,       open,         open,          open,            open,         open,         open],
  typed:            [ignore,       type,         type,         type,         type,         type,          type,            type,         type,         type],
  save_asked:       [ignore,       save,         save,         saveNext,     save,         ignore,        ignore,          save,         ignore,       save],
  remove_asked:     [ignore,       remove,       remove,       null,         remove,       ignore,        ignore,          remove,       ignore,       remove],
  reload_asked:     [ignore,       reload,       reload,       ignore,       reload,       reload,        open,            reload,       open,         reload],
  restore_asked:    [ignore,       restore,      restore,      restore,      restore,      ignore,        restore,         restore,      ignore,       restore],
  revert_asked:     [ignore,       ignore,       revert,       ignore,       revert,       revert,        ignore,          revert,       ignore,       revert],
  conflict_closed:  [ignore,       ignore,       ignore,       ignore,       ignore,       closeConflict, ignore,          ignore,       ignore,       ignore],

  loaded:           [load,         load,         load,         holdLoaded,   load,         load,          null,            load,         null,         load],
  load_failed:      [failLoad,     failLoad,     failLoad,     ignore,       failLoad,     failLoad,      ignore,          failLoad,     ignore,       failLoad],
  saved:            [ignore,       ignore,       ignore,       adoptSaved,   ignore,       ignore,        adoptSaved,      ignore,       adoptSaved,   ignore],
  removed:          [ignore,       ignore,       ignore,       adoptRemoved, ignore,       ignore,        adoptRemoved,    ignore,       adoptRemoved, ignore],
  write_refused:    [ignore,       ignore,       ignore,       refuseWrite,  ignore,       ignore,        refuseWrite,     ignore,       refuseWrite,  ignore],
  version_received: [hold,         receive,      receive,      hold,         receive,      receive,       receiveWhenGone, holdAndLoad,  holdAndLook,  receive],
  revoked:          [refuse,       refuse,       refuse,       refuse,       refuse,       refuse,        refuse,          refuse,       ignore,       refuse],
  faded:            [fade,         fade,         fade,         fade,         fade,         fade,          fade,            fade,         fade,         fade],
} satisfies FirstTable

type AnyStep = (state: RecordState, stateEvent: RecordStateEvent) => Transition | null

/** The next state by one row of a table; `null` where that decides nothing. */
export function stepOf(
  row: readonly (((...args: never[]) => Transition | null) | null)[] | undefined,
  state: RecordState,
  stateEvent: RecordStateEvent,
): Transition | null {
  const step = row?.[STATUSES.indexOf(state.status)] as AnyStep | null | undefined
  const done = step?.(state, stateEvent)
  if (!done) return null
  const { state: next, effects } = done
  const status = statusOf(next)
  const isFree = next.isUnsure && state.writing !== null && next.writing === null
  return {
    state: next.status === status ? next : { ...next, status },
    effects: isFree ? [...effects, { kind: 'load', when: 'now' }] : effects,
  }
}

/** The next state, as `nextRecordState` has it, of what can be decided before that is here. */
export const nextFirstState = (state: RecordState, stateEvent: RecordStateEvent): Transition | null =>
  stepOf((firstSteps as FirstTable)[stateEvent.kind], state, stateEvent)
