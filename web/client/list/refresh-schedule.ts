// When a live list refreshes after events: a little after the last one, never too long after the first, not while the page
// is hidden. Requests during a refresh cause exactly one more.

import { type Clock, elapsedOf, type Page, type Stop } from '../base/clock.ts'

/** After the last event, and at most after the first; minus a random part, so that many pages don't refresh at once. */
const QUIET_MS = 3000
const LONGEST_MS = 4300
const JITTER_MS = 300
/** For lists of more rows than this that have to be fetched whole. */
export const LARGE_LIST = 5000
const LARGE_MS = 15_000
const JOIN_JITTER_MS = 1000

export interface RefreshScheduleOptions {
  clock: Clock
  page: Page
  random: () => number
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
  refresh,
  isCostly,
  onDue,
}: RefreshScheduleOptions): RefreshSchedule {
  let firstEventAt: number | null = null
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
      firstEventAt ??= at
      const latest = isCostly() ? firstEventAt + LARGE_MS : Math.min(at + QUIET_MS, firstEventAt + LONGEST_MS)
      schedule(latest - jitter())
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
