// How large and how old the change log is, for an operator's graphs. Invariant: a database that is slow or away costs a scrape these
// figures alone, and however many scrape, one look is under way at a time.
import { statement } from '../db/statement.ts'
import { withinMs } from '../pacing/timeouts.ts'
import type { Database } from '../tables/database.ts'

/** -1: unknown, because the database does not answer. */
export interface LogFigures {
  /** Of the log's tables with their indexes. */
  bytes: number
  /** Since the oldest change that it holds; 0: it is empty. */
  ageSeconds: number
  /** Since it was last pruned; -1: never. */
  prunedSeconds: number
}

const DEADLINE_MS = 1_000
const EVERY_MS = 10_000

const UNKNOWN: LogFigures = { bytes: -1, ageSeconds: -1, prunedSeconds: -1 }

const FIGURES = statement(`
select pg_total_relation_size('noclobber.record_changes') + pg_total_relation_size('noclobber.change_batches') as bytes,
  coalesce((select extract(epoch from clock_timestamp() - c.updated_at) from noclobber.record_changes c
    order by c.xid, c.seq limit 1), 0)::float8 as age,
  coalesce((select extract(epoch from clock_timestamp() - h.pruned_at) from noclobber.log_horizon h), -1)::float8 as pruned`)

export const createLogFigures = ({ send }: Pick<Database, 'send'>): (() => Promise<LogFigures>) => {
  let figures = UNKNOWN
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<LogFigures> | null = null

  const look = async () => {
    const [row] = await send(FIGURES, [])
    lookedAt = performance.now()
    figures = {
      bytes: Number(row?.bytes),
      ageSeconds: Math.max(0, Number(row?.age)),
      prunedSeconds: Number(row?.pruned),
    }
    return figures
  }
  return async () => {
    if (performance.now() - lookedAt < EVERY_MS) return figures
    looking ??= look().finally(() => {
      looking = null
    })
    return withinMs(DEADLINE_MS, looking, '').catch(() => UNKNOWN)
  }
}
