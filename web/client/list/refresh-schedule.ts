// When a live list looks for what it has heard of: a little after the last news, never too long after the first, not
// while nobody looks. What is asked for while it looks makes one more look, and no more than one.

import type { Clock, Page, Stop } from '../base/clock.ts'

/** After the last news, and at most after the first; a little less by chance, so that many pages don't ask at once. */
const QUIET_MS = 3000
const LONGEST_MS = 4300
const JITTER_MS = 300
/** For lists of more rows than this that have to be fetched whole. */
export const LARGE_LIST = 5000
const LARGE_MS = 15_000
const JOIN_SPREAD_MS = 1000

export interface RefreshScheduleOptions {
  clock: Clock
  page: Page
  random: () => number
  /** Looks once. Does not throw. */
  look: () => Promise<void>
  /** A look costs the whole list. */
  isCostly: () => boolean
}

export interface RefreshSchedule {
  /** There is news. */
  news(): void
  /** Looks after this long, or earlier if that was asked for. */
  within(delayMs: number): void
  /** Looks once the page has settled: many pages may have come back at this moment. */
  spread(): void
  now(): Promise<void>
  stop: Stop
}

export function createRefreshSchedule({
  clock,
  page,
  random,
  look,
  isCostly,
}: RefreshScheduleOptions): RefreshSchedule {
  let firstNewsAt: number | null = null
  let dueAt: number | null = null
  let stopTimer: Stop = () => {}
  let looking: Promise<void> | null = null
  let isAskedAgain = false
  let isStopped = false

  const jitter = () => random() * JITTER_MS

  function schedule(at: number) {
    dueAt = at
    stopTimer()
    stopTimer = clock.after(Math.max(0, at - clock.now()), () => {
      if (page.isVisible()) void now()
    })
  }

  function now(): Promise<void> {
    stopTimer()
    dueAt = null
    firstNewsAt = null
    if (isStopped) return Promise.resolve()
    if (looking) {
      isAskedAgain = true
      return looking
    }
    looking = turns().finally(() => {
      looking = null
    })
    return looking
  }

  async function turns() {
    do {
      isAskedAgain = false
      await look()
    } while (isAskedAgain && !isStopped)
  }

  const stopPage = page.onChange(() => {
    if (page.isVisible() && dueAt !== null && dueAt <= clock.now()) void now()
  })

  return {
    now,
    news() {
      const at = clock.now()
      firstNewsAt ??= at
      const pendingSubscriptions = isCostly()
        ? firstNewsAt + LARGE_MS
        : Math.min(at + QUIET_MS, firstNewsAt + LONGEST_MS)
      schedule(pendingSubscriptions - jitter())
    },
    within(delayMs) {
      const at = clock.now() + delayMs
      if (dueAt === null || dueAt > at) schedule(at)
    },
    spread() {
      const at = clock.now() + random() * JOIN_SPREAD_MS
      if (dueAt === null || dueAt > at) schedule(at)
    },
    stop() {
      isStopped = true
      stopTimer()
      stopPage()
    },
  }
}
