// Loads one record: one request at a time; what is asked for meanwhile is one more after it.

import type { Fields } from '../../../server/protocol/index.ts'
import type { Timers } from '../base/timers.ts'
import type { ClientReadOutcome } from '../http/outcomes.ts'

const QUIET_RELOAD_AFTER_MS = 1000

export interface RecordLoad {
  now(): Promise<void>
  /** A little later, so that a burst of changes is one request. */
  soon(): void
  /** Does now what waits for `soon`. */
  waiting(): void
  /** The answer on its way is no longer wanted. */
  forget(): void
  /** The person changes: a load on its way counts for nothing. */
  leave(): void
}

export interface RecordLoadOptions {
  read: () => Promise<ClientReadOutcome<Fields>>
  timers: Timers
  onAnswer: (answer: ClientReadOutcome<Fields>) => void
}

export function createRecordLoad({ read, timers, onAnswer }: RecordLoadOptions): RecordLoad {
  let loading: { isWanted: boolean; again: boolean } | null = null

  async function now(): Promise<void> {
    timers.cancel('load')
    if (loading?.isWanted) {
      loading.again = true
      return
    }
    const mine = { isWanted: true, again: false }
    loading = mine
    const answer = await read()
    if (loading === mine) loading = null
    if (!mine.isWanted) return
    if (mine.again && answer.outcome === 'found') return now()
    onAnswer(answer)
  }

  const forget = () => {
    if (loading) loading.isWanted = false
  }

  return {
    now,
    soon: () => timers.start('load', QUIET_RELOAD_AFTER_MS, () => void now(), 'keep'),
    waiting() {
      if (timers.has('load')) void now()
    },
    forget,
    leave() {
      timers.cancel('load')
      forget()
      loading = null
    },
  }
}
