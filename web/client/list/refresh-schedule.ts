// When a live list refreshes after events: at once after the first one, if it has been quiet; then a little after the last one, never
// too long after the first, not while the page is hidden. Requests during a refresh cause exactly one more.
// Invariant: events cause at most one refresh in the list's pace, whatever their number.

import { type Clock, elapsedOf, type Page, type Stop } from '../base/clock.ts'

/** Refreshes that events cause are so long apart, unless the list has another pace. */
export const PACE_MS = 3000
/** At most so many paces after the first event. */
const LONGEST = 4.3 / 3
/** At once: what one transaction wrote comes together; plus a random part, so that many pages don't refresh at one moment. */
const SOON_MS = 100
const JITTER_MS = 300
/** For lists of more rows than this that have to be fetched whole. */
export const LARGE_LIST = 5000
const LARGE_MS = 15_000
const JOIN_JITTER_MS = 1000

export interface RefreshScheduleOptions {
  clock: Clock
  page: Page
  random: () => number
  /** The least time from a refresh that events caused to the next one. */
  paceMs: number
  /** Refreshes once. Does not throw. */
  refresh: () => Promise<void>
  /** A refresh fetches the whole list. */
  isCostly: () => boolean
  /** Called before a refresh is due, where none was due or under way. */
  onDue: () => void
}

export interface RefreshSchedule {
  /** An event of the list arrived. */
  afterEvent(): void
  /** Refreshes after this long, or earlier if that was requested before. */
  within(delayMs: number): void
  /** Refreshes after a random delay: many pages may have reconnected at this moment. */
  afterJoin(): void
  now(): Promise<void>
  /** A refresh is due or under way. */
  isPending(): boolean
  stop: Stop
}

export function createRefreshSchedule({
  clock,
  page,
  random,
  paceMs,
  refresh,
  isCostly,
  onDue,
}: RefreshScheduleOptions): RefreshSchedule {
  let firstEventAt: number | null = null
  /** When events caused a refresh last. */
  let causedAt = Number.NEGATIVE_INFINITY
  let isSoon = false
  let dueAt: number | null = null
  let stopTimer: Stop = () => {}
  let refreshing: Promise<void> | null = null
  let isAskedAgain = false
  let isStopped = false

  const isPending = () => dueAt !== null || refreshing !== null
  const jitter = () => random() * JITTER_MS

  function schedule(at: number) {
    if (!isPending()) onDue()
    dueAt = at
    stopTimer()
    stopTimer = clock.after(Math.max(0, at - elapsedOf(clock)), () => {
      if (page.isVisible()) void now()
    })
  }

  function now(): Promise<void> {
    if (!isPending()) onDue()
    stopTimer()
    dueAt = null
    if (firstEventAt !== null) causedAt = elapsedOf(clock)
    firstEventAt = null
    if (isStopped) return Promise.resolve()
    if (refreshing) {
      isAskedAgain = true
      return refreshing
    }
    refreshing = refreshUntilDone().finally(() => {
      refreshing = null
    })
    return refreshing
  }

  async function refreshUntilDone() {
    do {
      isAskedAgain = false
      await refresh()
    } while (isAskedAgain && !isStopped)
  }

  const stopPage = page.onChange(() => {
    if (page.isVisible() && dueAt !== null && dueAt <= elapsedOf(clock)) void now()
  })

  return {
    now,
    isPending,
    afterEvent() {
      const at = elapsedOf(clock)
      const isFirst = firstEventAt === null
      firstEventAt ??= at
      if (isFirst) isSoon = !isCostly() && at - causedAt >= paceMs
      if (isSoon && isFirst) schedule(Math.min(dueAt ?? Number.POSITIVE_INFINITY, at + SOON_MS + jitter()))
      if (isSoon) return
      const latest = isCostly()
        ? firstEventAt + LARGE_MS
        : Math.min(at + paceMs, firstEventAt + LONGEST * paceMs)
      schedule(Math.max(causedAt + paceMs, latest - jitter()))
    },
    within(delayMs) {
      const at = elapsedOf(clock) + delayMs
      if (dueAt === null || dueAt > at) schedule(at)
    },
    afterJoin() {
      const at = elapsedOf(clock) + random() * JOIN_JITTER_MS
      if (dueAt === null || dueAt > at) schedule(at)
    },
    stop() {
      isStopped = true
      stopTimer()
      stopPage()
    },
  }
}
