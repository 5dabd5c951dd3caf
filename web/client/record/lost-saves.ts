// Answered saves of an editor that the server lost because its database went back. The record's history says which; they are
// offered again. Invariant: they are of the current person alone. Loaded with reducer.ts.

import type { RecordAddress } from '../../../server/protocol/index.ts'
import type { Timers } from '../base/timers.ts'
import { findInHistory } from '../lost/lost-in-history.ts'
import type { RecordState, RecordStateEvent } from './state.ts'
import type { RecordStoreOptions } from './store-options.ts'

const AGAIN_MS = 3000

interface HistoryRequests {
  requests: Pick<RecordStoreOptions['requests'], 'history'>
}

interface LostSearchOptions extends HistoryRequests {
  address: RecordAddress
  timers: Timers
  stateNow: () => RecordState
  /** Rises with each change of person: an answer to an earlier one is dropped. */
  personNow: () => number
  dispatch: (stateEvent: RecordStateEvent) => void
}

/**
 * Asks the history of an open record for its own saves once the record is loaded again: a lost one can be hidden behind a
 * newer version.
 */
export function createLostSearch(options: LostSearchOptions) {
  const { address, requests, timers, stateNow, personNow, dispatch } = options
  let isDue = false

  async function findLost() {
    isDue = false
    const { record, ownSaves } = stateNow()
    const asked = ownSaves.filter(({ version }) => version < (record?.version ?? 0))
    if (asked.length === 0) return
    const person = personNow()
    const found = await findInHistory(requests, address, asked)
    if (person !== personNow()) return
    if (found === null) timers.start('lost', AGAIN_MS, () => void findLost())
    else dispatch({ kind: 'saves_lost', saves: found })
  }

  return {
    /** The server's database is in another history. */
    historyChanged() {
      isDue = true
    },
    loaded() {
      if (isDue) void findLost()
    },
  }
}
