// One open record of this tab: the pure state (record-state.ts) with hands. It loads, writes and keeps the timers that
// the state asks for, mounts with its first listener and lets go a little after its last, so that React's mounting
// twice and a quick A → B → A cost nothing. What is typed outlives the letting go.

import type { Fields, WatchedRecord } from '../../../server/protocol/index.ts'
import type { Stop } from '../base/clock.ts'
import { createWritable } from '../base/store.ts'
import { createTimers } from '../base/timers.ts'
import { isEmpty } from '../base/values.ts'
import { createAwaitedAnswers } from './pending-writes.ts'
import { createRecreation } from './recreate.ts'
import { nextRecordState } from './reducer.ts'
import {
  editsOf,
  initialRecordState,
  type Mutation,
  type RecordEffect,
  type RecordState,
  type RecordStateEvent,
  type StateEventOf,
  valuesOf,
} from './state.ts'
import type { OwnedRecordStore, RecordStoreOptions } from './store-options.ts'

export type { Decision, RecordStore } from './store-options.ts'

const QUIET_RELOAD_AFTER_MS = 1000
const HIGHLIGHT_MS = 3000
const NOTICE_MS = 8000
const LINGER_MS = 1000

type AskedWrite = { mutationId: string } & StateEventOf<'save_asked' | 'remove_asked' | 'resolved'>

export function createRecordStore(options: RecordStoreOptions): OwnedRecordStore {
  const { address, requests, clock, newId, localTime, isOwn } = options
  const state = createWritable<RecordState>(initialRecordState)
  const timers = createTimers(clock)
  const awaited = createAwaitedAnswers()
  let listeners = 0
  let stopWatching: Stop | null = null
  let loading: { isWanted: boolean; again: boolean } | null = null
  let recalled: Promise<void> | null = options.keeper ? null : Promise.resolve()
  const recreate = createRecreation({ address, requests, newId, state, dispatch })
  const onStale = options.onStale ? { onStale: options.onStale } : {}
  /** Another number for each person: what was asked for by one is not told to the next. */
  let persons = 0
  let epoch = options.epoch()

  function dispatch(stateEvent: RecordStateEvent) {
    const person = persons
    look()
    if (person !== persons) return
    const before = state.get()
    const { state: next, effects } = nextRecordState(before, stateEvent)
    if (next !== before) options.keeper?.keep(address, next)
    state.set(next)
    for (const effect of effects) perform(effect)
  }

  function perform(effect: RecordEffect) {
    if (effect.kind === 'load' && effect.when === 'now') void load()
    else if (effect.kind === 'load') timers.start('load', QUIET_RELOAD_AFTER_MS, () => void load(), 'keep')
    else if (effect.kind === 'fade') {
      const { what } = effect
      timers.start(what, what === 'highlight' ? HIGHLIGHT_MS : NOTICE_MS, () =>
        dispatch({ kind: 'faded', what }),
      )
    } else if (effect.kind === 'write') void write(effect.mutation)
    else if (loading) loading.isWanted = false
  }

  /** One load at a time; what is asked for meanwhile is one more after it. */
  async function load(): Promise<void> {
    timers.cancel('load')
    if (loading?.isWanted) {
      loading.again = true
      return
    }
    const mine = { isWanted: true, again: false }
    loading = mine
    const person = persons
    const answer = await requests.read(address.type, address.id)
    if (loading === mine) loading = null
    if (!mine.isWanted || person !== persons) return
    if (mine.again && answer.outcome === 'found') return load()
    if (answer.outcome !== 'found') return dispatch({ kind: 'load_failed', refusal: answer, at: clock.now() })
    const { record } = answer
    dispatch({ kind: 'loaded', record, at: localTime(record.updated_at), isOwn: isOwn(record.updated_by) })
  }

  async function write({ kind, mutationId, clientVersion, changes }: Mutation) {
    const { type, id } = address
    const person = persons
    const answer =
      kind === 'save'
        ? await requests.save(type, id, { clientVersion, changes, mutationId, ...onStale })
        : await requests.remove(type, id, { clientVersion, mutationId })
    if (person !== persons) return
    const at = clock.now()
    if (answer.outcome === 'saved') {
      dispatch({ kind: 'saved', mutationId, record: answer.record, mergedFields: answer.mergedFields })
    } else if (answer.outcome === 'removed') dispatch({ kind: 'removed', mutationId, at })
    else {
      const writtenAt = answer.outcome === 'conflict' ? localTime(answer.problem.updated_at) : at
      const isKept = options.keeper?.isKeeping() ?? false
      dispatch({ kind: 'write_refused', mutationId, refusal: answer, at: writtenAt, isKept })
    }
    awaited.settle(mutationId, answer)
    if (state.get().writing) return
    awaited.settleAll(answer)
    releaseIfIdle()
  }

  /** The outcome of the write that answers this call: its own, or the retry of an earlier one that goes out for it. */
  function ask<O>(asked: AskedWrite): Promise<O | null> {
    const { mutationId } = asked
    dispatch(asked)
    const { writing, next } = state.get()
    if (!writing) return Promise.resolve(null)
    return awaited.of(next?.mutationId === mutationId ? mutationId : writing.mutationId)
  }

  function onAnswer(answer: WatchedRecord) {
    if (answer.ok) {
      const { version, updated_at, updated_by: by, deleted } = answer
      dispatch({
        kind: 'version_received',
        remote: { version, changedFields: null, by, at: localTime(updated_at), isOwn: isOwn(by), deleted },
      })
    } else if (answer.code === 'not_found' || answer.code === 'forbidden') dispatch({ kind: 'revoked' })
  }

  function mount() {
    options.onMounted()
    stopWatching = options.watching.addRecord({
      ...address,
      version: () => state.get().record?.version ?? null,
      onAnswer,
      onReachable() {
        const { status, trouble } = state.get()
        if (status === 'offline' && !(trouble?.kind === 'unreachable' && trouble.during === 'save'))
          dispatch({ kind: 'opened' })
      },
    })
    open()
  }

  function open() {
    if (!options.keeper) return dispatch({ kind: 'opened' })
    const person = persons
    void isRecalled().then(() => stopWatching && person === persons && dispatch({ kind: 'opened' }))
  }

  /** Edits from before are asked for once, before the first load, so that they come back on their own version. */
  function isRecalled(): Promise<void> {
    recalled ??= recallEdits()
    return recalled
  }

  async function recallEdits() {
    const person = persons
    const owner = options.personId()
    const recallNext = () => options.keeper?.recall(address, state.get)
    for (let edits = await recallNext(); edits; edits = await recallNext()) {
      if (person !== persons) return options.setAside(owner, edits)
      dispatch({ kind: 'recalled', edits })
    }
  }

  function release() {
    stopWatching?.()
    stopWatching = null
    timers.cancel('load')
    if (timers.has('highlight')) dispatch({ kind: 'faded', what: 'highlight' })
    if (timers.has('notice')) dispatch({ kind: 'faded', what: 'notice' })
    timers.cancel('highlight')
    timers.cancel('notice')
    releaseIfIdle()
  }

  function releaseIfIdle() {
    if (stopWatching === null && listeners === 0 && editsOf(state.get()) === null) options.onIdle()
  }

  let seen: RecordState | null = null
  let values: Fields = {}

  /** What the screen asks for is of who looks at it. */
  function get() {
    look()
    return state.get()
  }

  /** A store that the client has forgotten notices by itself. */
  function look() {
    options.checkPerson()
    if (epoch !== options.epoch()) leave()
  }

  function leave() {
    const edits = editsOf(state.get())
    epoch = options.epoch()
    persons += 1
    for (const name of ['load', 'highlight', 'notice']) timers.cancel(name)
    if (loading) loading.isWanted = false
    loading = null
    recalled = options.keeper ? null : Promise.resolve()
    state.replace(initialRecordState)
    awaited.settleAll({ outcome: 'unauthenticated' })
    if (stopWatching === null && listeners === 0) options.onIdle()
    return edits
  }

  return {
    ...address,
    get,
    dispatch,
    open,
    leave,
    receive: (remote) => dispatch({ kind: 'version_received', remote }),
    isMounted: () => stopWatching !== null,
    async resume() {
      recalled ??= Promise.resolve()
      await recalled
      await recallEdits()
      dispatch({ kind: 'resume_asked' })
      const { writing } = state.get()
      if (writing) await awaited.of(writing.mutationId)
      releaseIfIdle()
      return state.get()
    },
    subscribe(listener) {
      const stop = state.subscribe(listener)
      listeners += 1
      timers.cancel('linger')
      if (!stopWatching) mount()
      let isStopped = false
      return () => {
        if (isStopped) return
        isStopped = true
        stop()
        listeners -= 1
        if (listeners === 0) timers.start('linger', LINGER_MS, release)
      }
    },
    values() {
      const now = get()
      if (seen !== now) {
        seen = now
        values = valuesOf(seen)
      }
      return values
    },
    change: (field, value) => dispatch({ kind: 'typed', field, value }),
    save: () => ask({ kind: 'save_asked', mutationId: newId() }),
    remove: () => ask({ kind: 'remove_asked', mutationId: newId() }),
    reload: () => dispatch({ kind: 'reload_asked' }),
    restore: (fields) => dispatch({ kind: 'restore_asked', ...(fields ? { fields } : {}) }),
    merge: () => dispatch({ kind: 'merge_asked' }),
    review: () => dispatch({ kind: 'review_asked' }),
    resolve: (decision) => ask({ kind: 'resolved', ...decision, mutationId: newId() }),
    recreate,
    revert: () => dispatch({ kind: 'revert_asked' }),
    dismiss: () => dispatch({ kind: 'dismissed' }),
    closeConflict: () => dispatch({ kind: 'conflict_closed' }),
    retry() {
      if (isEmpty(state.get().draft)) dispatch({ kind: 'opened' })
      else void ask({ kind: 'save_asked', mutationId: newId() })
    },
    loadWaiting() {
      if (timers.has('load')) void load()
    },
    close() {
      timers.cancelAll()
      stopWatching?.()
      stopWatching = null
    },
  }
}
