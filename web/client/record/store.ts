// One open record of this tab: the pure state (first-steps.ts, reducer.ts) with its effects. It loads, writes and runs the timers
// that the state asks for. It mounts with its first listener and is released a little after its last; what is typed outlives
// the release. What needs the reducer before that is here waits for it, in order.

import type { Fields, WatchedRecord } from '../../../server/protocol/index.ts'
import type { Stop } from '../base/clock.ts'
import type { TypedText } from '../base/field-text.ts'
import { createLazyPart, lazyModule } from '../base/lazy-module.ts'
import { createLifetime } from '../base/lifetime.ts'
import { cached, createWritable } from '../base/store.ts'
import { createTimers } from '../base/timers.ts'
import { copiesOf } from '../base/values.ts'
import type { ClientReadOutcome } from '../http/outcomes.ts'
import { createRecordActions } from './actions.ts'
import { createRecall } from './draft-persistence.ts'
import { nextFirstState } from './first-steps.ts'
import { createRecordLoad } from './load.ts'
import type { createLostSearch } from './lost-saves.ts'
import { createPendingWrites } from './pending-writes.ts'
import type * as Reducer from './reducer.ts'
import { newestKnown } from './remote-versions.ts'
import {
  editsOf,
  initialRecordState,
  type RecordEffect,
  type RecordState,
  type RecordStateEvent,
  valuesOf,
} from './state.ts'
import type { OwnedRecordStore, RecordStoreOptions } from './store-options.ts'

export type { Decision, RecordStore } from './store-options.ts'

export const reducerCode = lazyModule(() => import('./reducer.ts'))

const HIGHLIGHT_MS = 3000
const NOTICE_MS = 8000
const SAVED_MS = 3000

export function createRecordStore(options: RecordStoreOptions): OwnedRecordStore {
  const { address, requests, clock, localTime, isOwn, persistence } = options
  const state = createWritable<RecordState>(initialRecordState)
  const timers = createTimers(clock)
  const reducer = createLazyPart(reducerCode, (code) => code, clock)
  let isReducerAsked = false
  let stopWatching: Stop | null = null
  /** Rises with each change of person: answers to requests of one are not shown to the next. */
  let persons = 0
  let epoch = options.epoch()
  /** Set while what is shown is older than what is known, or is being written. */
  let heldAsOf: { asOf: string | null } | null = null
  let isWatched = false
  /** The newest version that was known when the load on its way was sent. */
  let since = 0

  const whenReady = () =>
    new Promise<typeof Reducer>((resolve) => {
      reducer.use((code) => void resolve(code))
    })

  /** What the parts of this store have in common. */
  const shared = { ...options, timers, reducer, dispatch, stateNow: state.get, personNow: () => persons }
  const load = createRecordLoad({
    read: () => {
      since = newestKnown(state.get())
      return requests.read(address.type, address.id)
    },
    timers,
    onAnswer: loaded,
  })
  const writes = createPendingWrites({
    ...shared,
    isKept: async () => persistence?.isKept(address) ?? false,
    onIdle: releaseIfIdle,
  })
  let lost: ReturnType<typeof createLostSearch> | undefined
  const unread = new Map<string, TypedText>()
  const recall = createRecall({
    ...shared,
    persistence,
    whenReady,
    onRecalled: (edits) => dispatch({ kind: 'recalled', edits }),
  })
  const lifetime = createLifetime({ clock, isMounted: () => stopWatching !== null, mount, release })

  /** A promise where it waits for the reducer: resolved when that has it. */
  function dispatch(stateEvent: RecordStateEvent): Promise<void> | undefined {
    const person = persons
    const owner = options.personId()
    checkPerson()
    if (person !== persons) return
    const before = state.get()
    const done = (reducer.now()?.nextRecordState ?? nextFirstState)(before, stateEvent)
    if (!done)
      return new Promise((resolve) => {
        reducer.use(() => {
          if (person === persons) void dispatch(stateEvent)
          else if (stateEvent.kind === 'recalled') options.setAside(owner, stateEvent.edits)
          resolve()
        })
      })
    const { state: next, effects } = done
    if (next !== before && !options.isReplaced?.()) persistence?.keep(address, next)
    state.set(next)
    options.onTransition?.({ ...address, event: stateEvent.kind, state: next })
    const isOld = newestKnown(next) > (next.record?.version ?? 0) || next.writing !== null
    heldAsOf = isOld ? (heldAsOf ?? { asOf: asOf() }) : null
    if (editsOf(next) !== null) options.onUsed()
    for (const effect of effects) perform(effect)
    // Before anything is typed, so that whatever comes of it finds the reducer here; without a network it is asked for again.
    if (next.record && !isReducerAsked) {
      isReducerAsked = true
      reducer.use(() => undefined)
    }
  }

  function asOf(): string | null {
    if (heldAsOf) return heldAsOf.asOf
    return isWatched && state.get().record ? options.asOf() : null
  }

  function perform(effect: RecordEffect) {
    if (effect.kind === 'load' && effect.when === 'now') void load.now()
    else if (effect.kind === 'load') load.soon()
    else if (effect.kind === 'fade') {
      const { what } = effect
      timers.start(what, what === 'highlight' ? HIGHLIGHT_MS : noticeMs(state.get()), () =>
        dispatch({ kind: 'faded', what }),
      )
    } else if (effect.kind === 'write') void writes.send(effect.mutation)
    else load.forget()
  }

  function loaded(answer: ClientReadOutcome<Fields>) {
    if (answer.outcome !== 'found') return dispatch({ kind: 'load_failed', refusal: answer, at: clock.now() })
    const { record } = answer
    dispatch({
      kind: 'loaded',
      record,
      at: localTime(record.updated_at),
      isOwn: isOwn(record.updated_by),
      since,
    })
    lost?.loaded()
  }

  function onAnswer(answer: WatchedRecord) {
    isWatched = answer.ok
    if (answer.ok) {
      const { version, updated_at, updated_by: by, deleted } = answer
      const remote = {
        version,
        changedFields: null,
        by,
        at: localTime(updated_at),
        isOwn: isOwn(by),
        deleted,
        isAnswer: true as const,
      }
      dispatch({ kind: 'version_received', remote })
      const { record } = state.get()
      if (record && record.rights !== answer.rights && !deleted) void load.now()
    } else if (answer.code === 'not_found' || answer.code === 'forbidden') dispatch({ kind: 'revoked' })
  }

  function mount() {
    checkPerson()
    options.onUsed()
    persistence?.keep(address, state.get())
    stopWatching = options.watching.addRecord({
      ...address,
      version: () => state.get().record?.version ?? null,
      rights: () => state.get().record?.rights,
      onAnswer,
      onReachable() {
        const { status, trouble } = state.get()
        if (status === 'offline' && !(trouble?.kind === 'unreachable' && trouble.during === 'save'))
          dispatch({ kind: 'opened' })
      },
    })
    open()
  }

  async function open() {
    const person = persons
    if (persistence) await recall.once()
    if (stopWatching && person === persons) dispatch({ kind: 'opened' })
  }

  function release() {
    stopWatching?.()
    stopWatching = null
    isWatched = false
    timers.cancel('load')
    for (const what of ['highlight', 'notice'] as const) {
      if (timers.has(what)) dispatch({ kind: 'faded', what })
      timers.cancel(what)
    }
    releaseIfIdle()
  }

  function releaseIfIdle() {
    const isEmpty = editsOf(state.get()) === null && unread.size === 0
    if (stopWatching === null && !lifetime.hasListeners() && isEmpty) options.onIdle()
  }

  /** Reads are of the current person. */
  function get() {
    checkPerson()
    return state.get()
  }

  /** A store that the client has forgotten detects a change of person by itself. */
  function checkPerson() {
    options.checkPerson()
    if (epoch !== options.epoch()) leave()
  }

  function leave() {
    const edits = editsOf(state.get())
    epoch = options.epoch()
    persons += 1
    heldAsOf = null
    isWatched = false
    unread.clear()
    for (const name of ['highlight', 'notice']) timers.cancel(name)
    load.leave()
    recall.leave()
    state.replace(initialRecordState)
    writes.leave()
    if (stopWatching === null && !lifetime.hasListeners()) options.onIdle()
    return edits
  }

  const values = cached(get, (now) => copiesOf(valuesOf(now)))
  return {
    ...address,
    ...createRecordActions({ ...shared, state, writes, whenReady }),
    get,
    dispatch,
    open,
    leave,
    receive: (remote) => dispatch({ kind: 'version_received', remote }),
    historyChanged() {
      reducer.use((code) => {
        lost ??= code.createLostSearch(shared)
        return void lost.historyChanged()
      })
      if (stopWatching !== null || editsOf(state.get()) !== null) dispatch({ kind: 'history_changed' })
    },
    isMounted: () => stopWatching !== null,
    unread() {
      checkPerson()
      return unread
    },
    reset() {
      unread.clear()
      state.set(initialRecordState)
      persistence?.keep(address, initialRecordState)
      if (stopWatching !== null) open()
    },
    recall: recall.again,
    async resume() {
      await recall.again()
      dispatch({ kind: 'resume_asked' })
      await writes.settled()
      releaseIfIdle()
      return state.get()
    },
    subscribe(listener) {
      const isOpen = stopWatching !== null
      const stop = lifetime.add(state.subscribe(listener))
      if (isOpen && state.get().kept?.why === 'discarded') dispatch({ kind: 'opened' })
      return stop
    },
    onSaved: writes.onSaved,
    becomes: writes.notifySaved,
    asOf,
    values,
    loadWaiting: load.waiting,
    close() {
      reducer.close()
      isReducerAsked = false
      timers.cancelAll()
      lifetime.stop()
      stopWatching?.()
      stopWatching = null
    },
  }
}

/** One's own save needs less time to be read than what others did. */
const noticeMs = ({ notice }: RecordState) =>
  notice?.kind === 'saved' && !notice.merged ? SAVED_MS : NOTICE_MS
