// Brings edits of earlier pages back into an open record: asked for once before its first load, so that they come back on
// their own version.

import type { RecordAddress } from '../../../server/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import type { DraftPersistence } from './draft-persistence.ts'
import type { RecordState, UnsentEdits } from './state.ts'

/** No load waits longer for what the browser keeps: what comes later is brought back then. */
const LIMIT_MS = 1000

export interface Recall {
  /** Resolves once all of them were brought back for the first time, or the limit has passed. */
  once(): Promise<void>
  /** Brings back what has come since. */
  again(): Promise<void>
  /** The person changes: theirs were not asked for yet. */
  leave(): void
}

export interface RecallOptions {
  address: RecordAddress
  persistence: Pick<DraftPersistence, 'recall'> | undefined
  clock: Clock
  stateNow: () => RecordState
  /** A value that changes with the person. */
  personNow: () => unknown
  personId: () => string | null
  onRecalled: (edits: UnsentEdits) => void
  /** Edits that arrived after their owner had left. */
  setAside: (owner: string | null, edits: UnsentEdits) => void
}

export function createRecall(options: RecallOptions): Recall {
  const { address, persistence, clock, stateNow, personNow, personId, onRecalled, setAside } = options
  let recalled: Promise<void> | null = null

  async function recallAll() {
    const person = personNow()
    const owner = personId()
    const next = () => persistence?.recall(address, stateNow)
    for (let edits = await next(); edits; edits = await next()) {
      if (person !== personNow()) return setAside(owner, edits)
      onRecalled(edits)
    }
  }

  const withinLimit = () =>
    new Promise<void>((resolve) => {
      const stop = clock.after(LIMIT_MS, resolve)
      void recallAll().finally(() => {
        stop()
        resolve()
      })
    })

  return {
    once() {
      recalled ??= persistence ? withinLimit() : Promise.resolve()
      return recalled
    },
    async again() {
      recalled ??= Promise.resolve()
      await recalled
      await recallAll()
    },
    leave() {
      recalled = null
    },
  }
}
