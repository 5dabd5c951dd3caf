// Limits one user's share of a node's time while others are active: a rate, and a burst ahead of it. It applies to the user who
// takes most of the time; several busy users share it without being slowed down.
// Invariant: a user who is alone is never slowed down, a user's past work delays only that user, and a user with little work
// takes no memory.
import { performance } from 'node:perf_hooks'
import { type Person, personKey } from './person.ts'

/** A person counts as at work for so long after their last turn. */
const AT_WORK_MS = 2_000
const SWEEP_MS = 10_000

/** Who is at work on a node. */
export interface Activity {
  note(person: Person): void
  /** Has anybody but this person had a turn lately? */
  hasOthers(person: Person): boolean
}

/** Remembers the last two people who had a turn: enough to know whether somebody else is at work. */
export const createActivity = (now = () => performance.now()): Activity => {
  let last = { key: '', at: Number.NEGATIVE_INFINITY }
  let other = last
  return {
    note: (person) => {
      const key = personKey(person)
      if (key !== last.key) {
        other = last
        last = { key, at: 0 }
      }
      last.at = now()
    },
    hasOthers: (person) => now() - (last.key === personKey(person) ? other : last).at < AT_WORK_MS,
  }
}

const WINDOW_MS = 1_000
/** A person with more than this part of the recent work counts as the one who takes most of the time. */
const MOST = 0.6

/** Each person's work in this second and the one before, in milliseconds. */
const createRecentWork = (now: () => number) => {
  let [current, previous] = [new Map<string, number>(), new Map<string, number>()]
  let [total, totalBefore] = [0, 0]
  let endsAt = now() + WINDOW_MS

  const turn = () => {
    const at = now()
    if (at < endsAt) return
    const isNext = at < endsAt + WINDOW_MS
    previous = isNext ? current : new Map()
    totalBefore = isNext ? total : 0
    current = new Map()
    total = 0
    endsAt = at + WINDOW_MS
  }

  return {
    add: (key: string, workMs: number) => {
      turn()
      current.set(key, (current.get(key) ?? 0) + workMs)
      total += workMs
    },
    hasMost: (key: string): boolean =>
      (current.get(key) ?? 0) + (previous.get(key) ?? 0) > MOST * (total + totalBefore),
  }
}

const LOOK_MS = 200
/** An event loop that is busy for less of its time than this has time for everybody. */
const BUSY = 0.5
/** How many times work counts on a node with no time left. With more, people who save twice a second would be slowed down. */
const MOST_STRICT = 4

/**
 * How many times work counts, by how busy the event loop is: 1 up to half of its time, then rising. Time for which the process
 * waits for a processor counts as busy, so a machine that others use, too, is shared more strictly.
 */
export const createStrictness = (now = () => performance.now()): (() => number) => {
  let last = performance.eventLoopUtilization()
  let lookAt = now() + LOOK_MS
  let times = 1
  return () => {
    if (now() < lookAt) return times
    lookAt = now() + LOOK_MS
    const { utilization } = performance.eventLoopUtilization(last)
    last = performance.eventLoopUtilization()
    times = 1 + (Math.max(0, utilization - BUSY) / (1 - BUSY)) * (MOST_STRICT - 1)
    return times
  }
}

export interface WorkAllowanceOptions {
  /** Milliseconds of work in each millisecond. */
  share: number
  /** How far ahead of that rate a person may be, in milliseconds of work. */
  burstMs: number
  /** Default: somebody else is always at work. */
  activity?: Pick<Activity, 'hasOthers'>
  /** How many times work counts just now. Default: once. */
  strictness?(): number
  now?: () => number
}

/** The generic cell rate algorithm (ITU-T I.371), with milliseconds of work as cells: one number for each person. */
export interface WorkAllowance {
  spend(person: Person, workMs: number): void
  /** When the person's next piece of work may begin, on the clock of `now`; a time in the past: at once. */
  readyAt(person: Person): number
}

/** Makes an allowance of `share` and `burstMs` for each person. */
export const createWorkAllowance = ({
  share,
  burstMs,
  activity,
  strictness = () => 1,
  now = () => performance.now(),
}: WorkAllowanceOptions): WorkAllowance => {
  /** When each person's work so far is paid for at the rate of `share`, on the clock of `now`. */
  const paidAt = new Map<string, number>()
  const aheadMs = burstMs / share
  const recent = createRecentWork(now)
  let sweepAt = now() + SWEEP_MS

  const sweep = (at: number) => {
    sweepAt = at + SWEEP_MS
    for (const [key, until] of paidAt) if (until <= at) paidAt.delete(key)
  }

  return {
    spend: (person, workMs) => {
      const key = personKey(person)
      recent.add(key, workMs)
      if (activity?.hasOthers(person) === false || !recent.hasMost(key)) return
      const at = now()
      if (at >= sweepAt) sweep(at)
      paidAt.set(key, Math.max(paidAt.get(key) ?? 0, at) + (workMs * strictness()) / share)
    },
    readyAt: (person) => {
      const until = paidAt.size > 0 && paidAt.get(personKey(person))
      return until ? until - aheadMs : 0
    },
  }
}
