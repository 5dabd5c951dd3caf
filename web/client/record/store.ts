// One open record of this tab: the pure state (record-state.ts) with hands. It loads, writes and keeps the timers that
// the state asks for, mounts with its first listener and lets go a little after its last, so that React's mounting
// twice and a quick A → B → A cost nothing. What is typed outlives the letting go.
import type {
  Fields,
  RecordAddress,
  WatchedRecord,
  WireRecord,
  Writer,
} from '../../../server/protocol/index.ts'
import type { Clock, Stop } from '../base/clock.ts'
import { createWritable, type Readable } from '../base/store.ts'
import { createTimers } from '../base/timers.ts'
import { isEmpty } from '../base/values.ts'
import type { CreateOutcome, RemoveOutcome, SaveOutcome } from '../http/outcomes.ts'
import type { Requests } from '../http/requests.ts'
import type { Hint } from '../transport/hint.ts'
import type { Watching } from '../transport/subscriptions.ts'
import type { EditKeeper } from './draft-persistence.ts'
import { createAwaitedAnswers } from './pending-writes.ts'
import { createRecreation } from './recreate.ts'
import { nextRecordState } from './reducer.ts'
import {
  editsOf,
  type HappeningOf,
  initialRecordState,
  type Mutation,
  type RecordEffect,
  type RecordHappening,
  type RecordState,
  type Resolution,
  valuesOf,
} from './state.ts'

const QUIET_RELOAD_AFTER_MS = 1000
const GLOW_MS = 3000
const NOTICE_MS = 8000
const LINGER_MS = 1000

/** An open record: read and watched like any store, changed by what a person does. */
export interface RecordStore<F extends object = Fields> extends Readable<RecordState>, RecordAddress {
  /** What a form shows: the record with the draft over it. */
  values(): Partial<F>
  change<K extends keyof F & string>(field: K, value: F[K]): void
  /** Sends what is typed. `null`: there was nothing to send. Calling it twice sends once. */
  save(): Promise<SaveOutcome<F> | null>
  remove(): Promise<RemoveOutcome | null>
  /** Shows the newest version and keeps what is typed for `restore`. */
  reload(): void
  /** Kept edits go over what is shown: all, or those of the named fields. `revert` undoes it. */
  restore(fields?: readonly (keyof F & string)[]): void
  /** The newest version goes under what is typed; where both changed a field, it is reviewed instead. */
  merge(): void
  /** Both sides side by side, as after a refused save. */
  review(): void
  /** Carries a decision out and saves it, guarded like any save; `null`: nothing was left to save, or it was out of date. */
  resolve(decision: Decision): Promise<SaveOutcome<F> | null>
  /** A deleted record from what is shown and typed, under its own id where the key allows that, else under a new one. */
  recreate(): Promise<CreateOutcome<F> | null>
  /** Back to the shown version; `restore` undoes it. */
  revert(): void
  dismiss(): void
  closeConflict(): void
  /** Again what did not work: the save when something is typed, else the load. */
  retry(): void
}

/** What came of looking at both sides: see `resolutionOf`. */
export type Decision = Pick<Resolution, 'version' | 'theirs' | 'edited'>

export interface RecordStoreOptions {
  address: RecordAddress
  requests: Pick<Requests, 'read' | 'save' | 'remove' | 'create'>
  watching: Pick<Watching, 'addRecord'>
  clock: Clock
  newId: () => string
  /** The server's time in this machine's milliseconds. */
  localTime: (iso: string | null) => number
  isOwn: (by: Writer | null) => boolean
  /** Learns who this person is from the answer to a save of theirs. */
  onSaved: (record: WireRecord) => void
  /** Where edits outlive the page. */
  keeper?: Pick<EditKeeper, 'recall' | 'keep' | 'isKeeping'> | undefined
  /** Saves pass a newer version where the type allows it and no field overlaps. */
  onStale?: 'reject' | 'merge' | undefined
  /** Nobody listens and nothing is kept: the store can be forgotten. */
  onIdle: () => void
}

/** What the client does to a store of its own. */
export interface OwnedRecordStore extends RecordStore {
  happen(happening: RecordHappening): void
  hear(hint: Hint): void
  isMounted(): boolean
  /** Brings edits of earlier pages back and sends what got no answer; resolves when that has its answer. */
  resume(): Promise<RecordState>
  /** The page is visible again: what waits is done at once. */
  hurry(): void
  close(): void
}

type AskedWrite = { mutationId: string } & HappeningOf<'save_asked' | 'remove_asked' | 'resolved'>

export function createRecordStore(options: RecordStoreOptions): OwnedRecordStore {
  const { address, requests, clock, newId, localTime, isOwn } = options
  const state = createWritable<RecordState>(initialRecordState)
  const timers = createTimers(clock)
  const awaited = createAwaitedAnswers()
  let listeners = 0
  let stopWatching: Stop | null = null
  let loading: { isWanted: boolean; again: boolean } | null = null
  let recalled: Promise<void> | null = options.keeper ? null : Promise.resolve()
  const recreate = createRecreation({ address, requests, newId, state, happen })
  const onStale = options.onStale ? { onStale: options.onStale } : {}

  function happen(happening: RecordHappening) {
    const before = state.get()
    const { state: next, effects } = nextRecordState(before, happening)
    if (next !== before) options.keeper?.keep(address, next)
    state.set(next)
    for (const effect of effects) perform(effect)
  }

  function perform(effect: RecordEffect) {
    if (effect.kind === 'load' && effect.when === 'now') void load()
    else if (effect.kind === 'load') timers.start('load', QUIET_RELOAD_AFTER_MS, () => void load(), 'keep')
    else if (effect.kind === 'fade') {
      const { what } = effect
      timers.start(what, what === 'glow' ? GLOW_MS : NOTICE_MS, () => happen({ kind: 'faded', what }))
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
    const answer = await requests.read(address.type, address.id)
    if (loading === mine) loading = null
    if (!mine.isWanted) return
    if (mine.again && answer.outcome === 'found') return load()
    if (answer.outcome !== 'found') return happen({ kind: 'load_failed', refusal: answer, at: clock.now() })
    const { record } = answer
    happen({ kind: 'loaded', record, at: localTime(record.updated_at), isOwn: isOwn(record.updated_by) })
  }

  async function write({ kind, mutationId, clientVersion, changes }: Mutation) {
    const { type, id } = address
    const answer =
      kind === 'save'
        ? await requests.save(type, id, { clientVersion, changes, mutationId, ...onStale })
        : await requests.remove(type, id, { clientVersion, mutationId })
    const at = clock.now()
    if (answer.outcome === 'saved') {
      options.onSaved(answer.record)
      happen({ kind: 'saved', mutationId, record: answer.record, mergedFields: answer.mergedFields })
    } else if (answer.outcome === 'removed') happen({ kind: 'removed', mutationId, at })
    else {
      const writtenAt = answer.outcome === 'conflict' ? localTime(answer.problem.updated_at) : at
      const isKept = options.keeper?.isKeeping() ?? false
      happen({ kind: 'write_refused', mutationId, refusal: answer, at: writtenAt, isKept })
    }
    awaited.settle(mutationId, answer)
    if (state.get().writing) return
    awaited.settleAll(answer)
    letGoIfIdle()
  }

  /** The outcome of the write that answers this call: its own, or the retry of an earlier one that goes out for it. */
  function ask<O>(asked: AskedWrite): Promise<O | null> {
    const { mutationId } = asked
    happen(asked)
    const { writing, next } = state.get()
    if (!writing) return Promise.resolve(null)
    return awaited.of(next?.mutationId === mutationId ? mutationId : writing.mutationId)
  }

  function onAnswer(answer: WatchedRecord) {
    if (answer.ok) {
      const { version, updated_at, updated_by: by, deleted } = answer
      happen({
        kind: 'heard',
        hint: { version, changedFields: null, by, at: localTime(updated_at), isOwn: isOwn(by), deleted },
      })
    } else if (answer.code === 'not_found' || answer.code === 'forbidden') happen({ kind: 'revoked' })
  }

  function mount() {
    stopWatching = options.watching.addRecord({
      ...address,
      version: () => state.get().record?.version ?? null,
      onAnswer,
      onReachable() {
        const { status, trouble } = state.get()
        if (status === 'offline' && !(trouble?.kind === 'unreachable' && trouble.during === 'save'))
          happen({ kind: 'opened' })
      },
    })
    if (options.keeper) void isRecalled().then(() => stopWatching && happen({ kind: 'opened' }))
    else happen({ kind: 'opened' })
  }

  /** Edits from before are asked for once, before the first load, so that they come back on their own version. */
  function isRecalled(): Promise<void> {
    recalled ??= recallEdits()
    return recalled
  }

  async function recallEdits() {
    const recallNext = () => options.keeper?.recall(address, state.get)
    for (let edits = await recallNext(); edits; edits = await recallNext())
      happen({ kind: 'recalled', edits })
  }

  function letGo() {
    stopWatching?.()
    stopWatching = null
    timers.cancel('load')
    if (timers.has('glow')) happen({ kind: 'faded', what: 'glow' })
    if (timers.has('notice')) happen({ kind: 'faded', what: 'notice' })
    timers.cancel('glow')
    timers.cancel('notice')
    letGoIfIdle()
  }

  function letGoIfIdle() {
    if (stopWatching === null && listeners === 0 && editsOf(state.get()) === null) options.onIdle()
  }

  let seen: RecordState | null = null
  let values: Fields = {}

  return {
    ...address,
    get: state.get,
    happen,
    hear: (hint) => happen({ kind: 'heard', hint }),
    isMounted: () => stopWatching !== null,
    async resume() {
      recalled ??= Promise.resolve()
      await recalled
      await recallEdits()
      happen({ kind: 'resume_asked' })
      const { writing } = state.get()
      if (writing) await awaited.of(writing.mutationId)
      letGoIfIdle()
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
        if (listeners === 0) timers.start('linger', LINGER_MS, letGo)
      }
    },
    values() {
      if (seen !== state.get()) {
        seen = state.get()
        values = valuesOf(seen)
      }
      return values
    },
    change: (field, value) => happen({ kind: 'typed', field, value }),
    save: () => ask({ kind: 'save_asked', mutationId: newId() }),
    remove: () => ask({ kind: 'remove_asked', mutationId: newId() }),
    reload: () => happen({ kind: 'reload_asked' }),
    restore: (fields) => happen({ kind: 'restore_asked', ...(fields ? { fields } : {}) }),
    merge: () => happen({ kind: 'merge_asked' }),
    review: () => happen({ kind: 'review_asked' }),
    resolve: (decision) => ask({ kind: 'resolved', ...decision, mutationId: newId() }),
    recreate,
    revert: () => happen({ kind: 'revert_asked' }),
    dismiss: () => happen({ kind: 'dismissed' }),
    closeConflict: () => happen({ kind: 'conflict_closed' }),
    retry() {
      if (isEmpty(state.get().draft)) happen({ kind: 'opened' })
      else void ask({ kind: 'save_asked', mutationId: newId() })
    },
    hurry() {
      if (timers.has('load')) void load()
    },
    close() {
      timers.cancelAll()
      stopWatching?.()
      stopWatching = null
    },
  }
}
