// What a node does beside its feed for as long as it runs: it looks for tables that have changed, prunes the log, and moves batches.
import type { Limits, Logger } from '../base/options.ts'
import { keepCompacted } from '../log/compaction.ts'
import { keepPruned } from '../log/prune.ts'
import type { Database } from '../tables/database.ts'
import { keepTypesCurrent } from './current-types.ts'

export interface UpkeepOptions {
  database: Database
  limits: Limits
  log: Logger
  /** A table is another than it was. */
  onTables(): void
}

export const createUpkeep = ({ database, limits, log, onTables }: UpkeepOptions) => {
  const { knex } = database
  let stopPruning = async () => {}
  let stopLooking = () => {}
  let compacting: ReturnType<typeof keepCompacted> | null = null
  return {
    start: (): void => {
      stopLooking = keepTypesCurrent({ database, everyMs: limits.tablesMs, onChanged: onTables })
      stopPruning = keepPruned({ knex, log, ...limits, namedStatements: database.namesStatements() })
      compacting = keepCompacted({ knex, log, timeoutMs: limits.feedTimeoutMs })
    },
    /** There may be batches in the log. */
    wake: (): void => compacting?.wake(),
    /** At once; what is under way goes on until {@link ended}. */
    stop: (): void => stopLooking(),
    ended: (): Promise<unknown> => Promise.all([stopPruning(), compacting?.stop()]),
  }
}
