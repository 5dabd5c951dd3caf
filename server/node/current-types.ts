// Tables that change under a running server: tracked, altered, given triggers or policies by somebody's migration.
// Invariant: a table that can't be served any more is said, and served as it was found last.
import { pauseUntil } from '../pacing/timeouts.ts'
import type { Database } from '../tables/database.ts'

export interface CurrentTypesOptions {
  database: Pick<Database, 'lookAgain' | 'log' | 'recordCache'>
  everyMs: number
  /** Called after a table was found changed. */
  onChanged(): void
}

/** Looks again and again, until the function that it gives is called. */
export const keepTypesCurrent = ({ database, everyMs, onChanged }: CurrentTypesOptions): (() => void) => {
  const ending = new AbortController()
  const { log } = database
  const rounds = async () => {
    for (;;) {
      await pauseUntil(everyMs, ending.signal, { ref: false })
      if (ending.signal.aborted) return
      try {
        if (!(await database.lookAgain()) || ending.signal.aborted) continue
        database.recordCache.clear()
        onChanged()
      } catch (error) {
        log.warn({ err: error }, 'The tables could not be looked up again: going on with them as they were.')
      }
    }
  }
  void rounds()
  return () => ending.abort()
}
