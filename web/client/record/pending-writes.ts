// Sends the writes of one record, and hands each outcome to the calls that wait for it. Several may wait for one: a second
// click, a save that is sent after a retry.

import type { Fields, RecordAddress, StaleProblem, WireRecord } from '../../../server/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import type { LazyPart } from '../base/lazy-module.ts'
import { createListeners } from '../base/store.ts'
import type { ClientProposeOutcome, Reviews } from '../history/reviews.ts'
import type { ClientRemoveOutcome, ClientSaveOutcome } from '../http/outcomes.ts'
import type { Requests } from '../http/requests.ts'
import type { MergedByItself } from './merged-by-itself.ts'
import type * as Reducer from './reducer.ts'
import type { Mutation, RecordState, RecordStateEvent, StateEventOf } from './state.ts'

/** A refusal is shown after so long, though parts of the page can't be loaded. */
const BY_ITSELF_MS = 2000

type WriteOutcome = ClientSaveOutcome<Fields> | ClientRemoveOutcome | ClientProposeOutcome

interface WriteOptions {
  address: RecordAddress
  requests: Pick<Requests, 'save' | 'remove'> & Pick<Reviews, 'restoreVersion' | 'propose'>
  onStale?: 'reject' | 'merge' | undefined
}

/** What the writes of a record need of its store. */
interface PendingWritesOptions extends WriteOptions {
  stateNow: () => RecordState
  /** Rises with each change of person: an answer to an earlier one is dropped. */
  personNow: () => number
  /** A promise where it isn't applied yet. */
  dispatch: (stateEvent: RecordStateEvent) => Promise<void> | undefined
  reducer: Pick<LazyPart<typeof Reducer>, 'use'>
  clock: Pick<Clock, 'now' | 'after'>
  newId: () => string
  localTime: (iso: string | null) => number
  /** Resolves soon: what is typed now outlives the page. */
  isKept: () => Promise<boolean>
  /** No write is in flight any more. */
  onIdle: () => void
}

type AskedWrite = { mutationId: string } & StateEventOf<
  'save_asked' | 'undo_asked' | 'write_asked' | 'remove_asked' | 'resolved'
>

/** Sends one as it was asked for. */
export function sendWrite(
  { address: { type, id }, requests, onStale }: WriteOptions,
  { kind, mutationId, clientVersion, changes, restores, note = '' }: Mutation,
): Promise<WriteOutcome> {
  const asked = { clientVersion, mutationId }
  if (kind === 'remove') return requests.remove(type, id, asked)
  if (kind === 'propose') return requests.propose(type, id, { ...asked, changes, note })
  if (restores === undefined)
    return requests.save<Fields>(type, id, { ...asked, changes, ...(onStale ? { onStale } : {}) })
  const fields = Object.keys(changes)
  return requests.restoreVersion<Fields>(type, id, { ...asked, toVersion: restores, fields, isShown: true })
}

function createAwaitedAnswers<O>() {
  const waiting = new Map<string, ((outcome: O) => void)[]>()

  function settle(mutationId: string, outcome: O) {
    for (const resolve of waiting.get(mutationId) ?? []) resolve(outcome)
    waiting.delete(mutationId)
  }

  return {
    /** Another write does what this one was to do: the calls that wait for it wait for that one. */
    pass(mutationId: string, to: string) {
      waiting.set(to, [...(waiting.get(to) ?? []), ...(waiting.get(mutationId) ?? [])])
      waiting.delete(mutationId)
    },
    /** Resolves with the outcome of that write, or with the last one when no write is in flight any more. */
    of: (mutationId: string): Promise<O> =>
      new Promise((resolve) => {
        waiting.set(mutationId, [...(waiting.get(mutationId) ?? []), resolve])
      }),
    settle,
    settleAll(outcome: O) {
      for (const mutationId of [...waiting.keys()]) settle(mutationId, outcome)
    },
  }
}

export function createPendingWrites(options: PendingWritesOptions) {
  const { stateNow, personNow, dispatch, clock, localTime } = options
  const awaited = createAwaitedAnswers<WriteOutcome>()
  const saved = createListeners<[WireRecord]>()

  async function send(mutation: Mutation) {
    const { mutationId } = mutation
    const person = personNow()
    const answer = await sendWrite(options, mutation)
    // What is to be deleted after the save was not seen in the newer version.
    const isMergeable = options.onStale === 'merge' && stateNow().next?.kind !== 'remove'
    const resolution =
      answer.outcome === 'conflict' && isMergeable ? await byItself(mutation, answer.problem) : null
    const isKept = answer.outcome === 'unreachable' && (await options.isKept())
    if (person !== personNow()) return
    const at = clock.now()
    if (answer.outcome === 'saved') {
      const { record, mergedFields, mergedBy = null } = answer
      const writtenAt = localTime(record.updated_at)
      const later = dispatch({ kind: 'saved', mutationId, record, mergedFields, mergedBy, at: writtenAt })
      if (later) await later
      saved.notify(record)
    } else if (answer.outcome === 'removed') dispatch({ kind: 'removed', mutationId, at })
    else {
      const writtenAt = answer.outcome === 'conflict' ? localTime(answer.problem.updated_at) : at
      const refused = { mutationId, refusal: answer, at: writtenAt, isKept }
      const later = dispatch({ kind: 'write_refused', ...refused })
      if (later) await later
      if (resolution && resolveItself(mutationId, resolution)) return
    }
    awaited.settle(mutationId, answer)
    if (stateNow().writing) return
    awaited.settleAll(answer)
    options.onIdle()
  }

  /** What needs nobody's decision. Where the code that finds it isn't here in time, both sides are shown. */
  const byItself = (mutation: Mutation, problem: StaleProblem) =>
    new Promise<MergedByItself | null>((resolve) => {
      const stop = clock.after(BY_ITSELF_MS, () => resolve(null))
      options.reducer.use(({ mergedByItself }) => {
        void mergedByItself(stateNow, mutation, problem).finally(stop).then(resolve)
      })
    })

  /** The two changes fit together: saved again on the newer version, for the calls that wait for the refused save. */
  function resolveItself(refused: string, resolution: MergedByItself): boolean {
    const mutationId = options.newId()
    awaited.pass(refused, mutationId)
    dispatch({ kind: 'resolved', ...resolution, mutationId })
    const isSent = stateNow().writing?.mutationId === mutationId
    if (!isSent) awaited.pass(mutationId, refused)
    return isSent
  }

  /** The outcome of the write that answers this call: its own, or the retry of an earlier one that is sent first. */
  async function ask(asked: AskedWrite): Promise<WriteOutcome | null> {
    const { mutationId } = asked
    const later = dispatch(asked)
    if (later) await later
    const { writing, next } = stateNow()
    if (!writing) return null
    return awaited.of(next?.mutationId === mutationId ? mutationId : writing.mutationId)
  }

  return {
    send,
    ask,
    /** Called with the record of each save. */
    onSaved: saved.add,
    notifySaved: saved.notify,
    /** Resolves when the write in flight has its answer, if there is one. */
    async settled() {
      const { writing } = stateNow()
      if (writing) await awaited.of(writing.mutationId)
    },
    /** The person changes: nobody waits any more. */
    leave: () => awaited.settleAll({ outcome: 'unauthenticated' }),
  }
}
