// The pages of one record's history, newest first, as a store. Invariant: no entry stands there twice, and none between two is
// missing: where more has happened than a page holds, it begins anew.

import type { RecordAddress, WireHistoryEntry } from '../../../server/protocol/index.ts'
import { createWritable, type Readable } from '../../client/base/store.ts'
import type { RecordClient } from '../../client/record-client-options.ts'

export interface HistoryState {
  status: 'loading' | 'ready' | 'failed'
  entries: readonly WireHistoryEntry[]
  /** The fields that this person may write now, and so bring back. */
  writable: readonly string[]
  /** Where the next page begins; `null` on the last. */
  next: string | null
  older: 'ready' | 'loading' | 'failed'
}

export const NO_HISTORY: HistoryState = {
  status: 'loading',
  entries: [],
  writable: [],
  next: null,
  older: 'ready',
}

export interface HistoryStore extends Readable<HistoryState> {
  /** What is newer than the newest that is here. */
  refresh(): Promise<void>
  loadOlder(): Promise<void>
}

export function createHistoryStore(
  client: Pick<RecordClient, 'history'>,
  { type, id }: RecordAddress,
  pageSize: number,
): HistoryStore {
  const state = createWritable<HistoryState>(NO_HISTORY)
  let asked = 0

  async function refresh() {
    asked += 1
    const own = asked
    const answer = await client.history(type, id, { limit: pageSize })
    if (own !== asked) return
    const before = state.get()
    if (answer.outcome !== 'found')
      return state.set({ ...before, status: before.entries.length > 0 ? 'ready' : 'failed' })
    const { entries, next, writable } = answer
    const last = entries.at(-1)?.version ?? 0
    const known = before.entries.filter(({ version }) => version < last)
    const isJoined = before.entries.some(({ version }) => version >= last)
    state.set({
      status: 'ready',
      writable,
      older: before.older === 'loading' ? 'ready' : before.older,
      entries: isJoined ? [...entries, ...known] : entries,
      next: isJoined && known.length > 0 ? before.next : next,
    })
  }

  async function loadOlder() {
    const { next, older } = state.get()
    if (next === null || older === 'loading') return
    state.set({ ...state.get(), older: 'loading' })
    const own = asked
    const answer = await client.history(type, id, { limit: pageSize, before: next })
    if (own !== asked) return
    if (answer.outcome !== 'found') return state.set({ ...state.get(), older: 'failed' })
    const now = state.get()
    const last = now.entries.at(-1)?.version ?? Number.POSITIVE_INFINITY
    const earlier = answer.entries.filter(({ version }) => version < last)
    state.set({ ...now, entries: [...now.entries, ...earlier], next: answer.next, older: 'ready' })
  }

  return { get: state.get, subscribe: state.subscribe, refresh, loadOlder }
}
