// The turns of one node: everything that is done for a person is done in one of these queues, or counted by one of these
// quotas. Invariant: a second person's save waits for a bounded piece of somebody's work, never for the end of all of it.
import type { Limits } from '../base/options.ts'
import { createFairQueue, type FairQueue } from './fair-queue.ts'
import { createQuota, type Quota } from './quota.ts'

export interface Turns {
  /** One record: read, saved, created, deleted, its version. */
  short: FairQueue
  /** Many: a list, a delta, 500 versions, a bulk edit, a history, a page of the feed, the past of a stream. */
  long: FairQueue
  /** Joining many rooms. Those who come back together are read together, so people don't wait for each other here. */
  joins: FairQueue
  /** Long polls that are held. */
  polls: Quota
}

/** @param connections Of the database's pool: what waits, waits here in turns and not there in a line; long work takes half of them at most. */
export const createTurns = (limits: Limits, connections: number): Turns => {
  const ofPerson = { mostWaiting: limits.waitingPerPerson }
  return {
    short: createFairQueue({
      ...{ atOnce: Math.max(1, connections), perPerson: limits.shortPerPerson },
      ...ofPerson,
    }),
    long: createFairQueue({
      atOnce: Math.max(1, Math.min(limits.longAtOnce, Math.floor(connections / 2))),
      perPerson: limits.longPerPerson,
      restShare: 2,
      ...ofPerson,
    }),
    joins: createFairQueue({
      ...{ atOnce: Number.POSITIVE_INFINITY, perPerson: limits.longPerPerson, restShare: 2 },
      ...ofPerson,
    }),
    polls: createQuota(limits.pollsPerPerson),
  }
}
