// The pages of a type's deleted records, the last deletion first, as a store. Invariant: no record stands there twice.

import type { WireDeleted } from '../../../server/protocol/index.ts'
import { createWritable, type Readable } from '../../client/base/store.ts'
import type { RecordClient } from '../../client/record-client-options.ts'

export interface DeletedState {
  status: 'loading' | 'ready' | 'failed'
  records: readonly WireDeleted[]
  /** Where the next page begins; `null` on the last. */
  next: string | null
}

export const NONE_YET: DeletedState = { status: 'loading', records: [], next: null }

export interface DeletedStore extends Readable<DeletedState> {
  /** The first page, anew. */
  refresh(): Promise<void>
  loadMore(): Promise<void>
  /** Takes one out that is back. */
  remove(id: string): void
}

export function createDeletedStore(
  client: Pick<RecordClient, 'deleted'>,
  type: string,
  limit: number,
): DeletedStore {
  const state = createWritable<DeletedState>(NONE_YET)
  let asked = 0

  async function load(after: string | null) {
    asked += 1
    const own = asked
    const answer = await client.deleted(type, { limit, ...(after && { after }) })
    if (own !== asked) return
    const before = state.get()
    if (answer.outcome !== 'found') return state.set({ ...before, status: 'failed' })
    const { records, next } = answer
    const known = after ? before.records.filter(({ id }) => records.every((one) => one.id !== id)) : []
    state.set({ status: 'ready', records: [...known, ...records], next })
  }

  return {
    get: state.get,
    subscribe: state.subscribe,
    refresh: () => load(null),
    loadMore: () => load(state.get().next),
    remove(id) {
      const now = state.get()
      state.set({ ...now, records: now.records.filter((one) => one.id !== id) })
    },
  }
}
