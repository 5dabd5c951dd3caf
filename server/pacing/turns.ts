// The queues and quotas of one node: all work for a user runs in one of these queues, or is counted by one of these quotas.
// Invariant: a save waits for at most one bounded piece of another user's work, never for all of it, and no user takes more
// than a share of the node's time while others are active.
import type { Limits } from '../base/options.ts'
import { createFairQueue, type FairQueue } from './fair-queue.ts'
import { createQuota, type Quota } from './quota.ts'
import { createActivity, createStrictness, createWorkAllowance } from './work-allowance.ts'

export interface Turns {
  /** One record: read, saved, created, deleted. A piece is as large as the request and its answer, in bytes. */
  short: FairQueue
  /** Many: a list, a delta, 500 versions, a bulk edit, a history, a page of the feed, the past of a stream. */
  long: FairQueue
  /**
   * Joining many rooms. Those who come back together are read together, so people don't wait for each other here. A piece
   * is as large as it has rooms.
   */
  joins: FairQueue
  /** The version of one record: gathered as joins are, of many people in one query. */
  versions: FairQueue
  /** Long polls that are held. */
  polls: Quota
}

// What a short piece costs, of node and database together, in milliseconds of a processor; measured and rounded up. How
// long it took would say nothing: on a busy machine that is mostly other people's time.
const SHORT_MS = 2
/** A write that was made has others' writes wait for the disk, which no processor's time says. At strictest 30 a second pass. */
export const WRITE_MS = 1
const BYTES_PER_MS = 20_000
/** Answers of 100 kB and more. */
const HEAVY_MS = 7
const JOIN_MS = 1
const ROOMS_PER_MS = 50

/** So long a person's pieces may have taken at once before their share counts. */
const BURST_MS = 500
/** Long pieces count by the time they took, which is other people's time too. */
const LONG_BURST_MS = 2_000

/** @param connections Of the database's pool: what waits, waits here in turns and not there in a line; long work takes half of them at most. */
export const createTurns = (limits: Limits, connections: number): Turns => {
  const activity = createActivity()
  const strictness = createStrictness()
  const share = limits.workPerPerson
  const ofPerson = { activity, mostWaiting: limits.waitingPerPerson }
  // Those who only watch are not at work: their coming slows down nobody who saves.
  const watching = { ...ofPerson, activity: { ...activity, note: () => {} } }
  const short = {
    ...ofPerson,
    allowance: createWorkAllowance({ share, burstMs: BURST_MS, activity, strictness }),
    costOf: (_tookMs: number, bytes: number) => SHORT_MS + bytes / BYTES_PER_MS,
  }
  return {
    short: createFairQueue({
      atOnce: Math.max(1, connections),
      perPerson: limits.shortPerPerson,
      heavyMs: HEAVY_MS,
      ...short,
    }),
    long: createFairQueue({
      atOnce: Math.max(1, Math.min(limits.longAtOnce, Math.floor(connections / 2))),
      perPerson: limits.longPerPerson,
      restShare: 2,
      allowance: createWorkAllowance({ share, burstMs: LONG_BURST_MS, activity }),
      ...ofPerson,
    }),
    joins: createFairQueue({
      atOnce: Number.POSITIVE_INFINITY,
      perPerson: limits.longPerPerson,
      restShare: 2,
      allowance: createWorkAllowance({ share, burstMs: BURST_MS, activity, strictness }),
      costOf: (_tookMs, rooms) => JOIN_MS + rooms / ROOMS_PER_MS,
      ...watching,
    }),
    versions: createFairQueue({
      atOnce: Number.POSITIVE_INFINITY,
      perPerson: limits.longPerPerson,
      restShare: 2,
      ...short,
      ...watching,
    }),
    polls: createQuota(limits.pollsPerPerson),
  }
}
