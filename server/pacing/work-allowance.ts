// Limits one user's share of a node's time while others are active: a rate, and a burst ahead of it. It applies to the user who
// takes most of the time; several busy users share it without being slowed down.
// Invariant: a user who is alone is never slowed down, a user's past work delays only that user, and a user with little work
// takes no memory.
import { performance } from 'node:perf_hooks'
import { type Person, personKey } from './person.ts'

/** Anyone who has had a turn within this is at work. */
const AT_WORK_MS = 2_000
const SWEEP_MS = 10_000

/** Who is at work on a node. */
export interface Activity {
  note(person: Person): void
  /** Has anybody but this person had a turn lately? */
  hasOthers(person: Person): boolean
}

/** Remembers the last two people, which is enough to know whether there is another one. */
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
/** Anyone with a larger part of what was done lately has most of it. */
const MOST = 0.6

/** Who had how much done in this second and the one before. */
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
/** Below this share of its time an event loop has time for everybody. */
const BUSY = 0.5
/** On a node with no time left work counts so many times; more would slow down those who save twice a second. */
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
  /** How far ahead of that somebody may be, in milliseconds of work. */
  burstMs: number
  /** Without it everybody counts as one among others. */
  activity?: Pick<Activity, 'hasOthers'>
  /** How many times work counts just now. Default: once. */
  strictness?(): number
  now?: () => number
}

/** The generic cell rate algorithm (ITU-T I.371), with milliseconds of work as cells: one number for each person. */
export interface WorkAllowance {
  spend(person: Person, workMs: number): void
  /** When the next piece may begin; in the past where it may now. */
  readyAt(person: Person): number
}

/** Makes an allowance of so much work for each person. */
export const createWorkAllowance = ({
  share,
  burstMs,
  activity,
  strictness = () => 1,
  now = () => performance.now(),
}: WorkAllowanceOptions): WorkAllowance => {
  /** When what was done will have been paid for. */
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
