// Polls the versions of open records while no events arrive: every 5 s while the page is in use, each minute while it is
// visible and idle, never while it is hidden, at once when it becomes visible or goes online. While the server gives no answer, or
// that it can't, it is asked every few seconds, so that a page is right soon after a failover.
// Versions are authoritative and events only speed things up, so polling alone is correct, only slower.

import type { WatchedRecord, WireVersionDifference } from '../../../server/protocol/index.ts'
import { MAX_ROOMS } from '../../../server/protocol/index.ts'
import { type Clock, elapsedOf, type Page, type Stop } from '../base/clock.ts'
import type { Requests } from '../http/requests.ts'
import type { RecordWatcher } from './subscriptions.ts'

/** With a request and a load behind it, a page is right within 10 s of whatever nobody noticed: a failover between two polls. */
const INTERVAL_MS = 5_000
/** While the page is idle, only every twelfth tick polls. */
const IDLE_TICKS = 12
/** After a request that failed, and the longest of the pauses between further ones; half as long again at random. */
const PROBE_MS = 1500
const LONGEST_PROBE_MS = 3000
/** After so long without a failure the next one is the first again. */
const QUIET_MS = 30_000

/** How a poll ended; `idle`: there was nothing to poll. */
export type PollResult = 'answered' | 'unreachable' | 'unauthenticated' | 'idle'

export interface PollingOptions {
  clock: Clock
  page: Page
  requests: Pick<Requests, 'versions'>
  /** The watchers to poll on the timer: all, or while live only those without events. */
  due: () => RecordWatcher[]
  /** Called on each tick that polls: without events, lists refresh too. */
  onDue: () => void
  /** The watchers to poll when the page comes back: a sleeping laptop may have missed anything. */
  all: () => RecordWatcher[]
  onHistory: (history: string | undefined) => void
  onDifference: (watcher: RecordWatcher, difference: WireVersionDifference) => void
  onResult: (result: PollResult) => void
  /** Identifies the person: answers for an earlier one say nothing about the connection. */
  epoch: () => number
}

export interface Polling {
  /** Polls at once. */
  poll(): void
  /** A request of the page was not answered, or with 503: polls soon. */
  probe(): void
  stop: Stop
}

/** A polled difference as the answer of a join. */
export const answerOf = (
  { type, id }: RecordWatcher,
  { version, updated_at: at, ...rest }: WireVersionDifference,
): WatchedRecord =>
  version === null
    ? { type, id, ok: false, code: 'not_found' }
    : { ...rest, type, id, ok: true, version, updated_at: at ?? '' }

export function startPolling(options: PollingOptions): Polling {
  const { clock, page } = options
  let isAsking = false
  let wasAway = !page.isVisible() || !page.isOnline()
  let stopTimer: Stop = () => {}
  let ticks = 0
  let failures = 0
  let failedAt = 0
  let isProbing = false
  let stopProbe: Stop = () => {}

  async function ask(watchers: RecordWatcher[]) {
    if (isAsking || !page.isVisible()) return
    isAsking = true
    const epoch = options.epoch()
    const result = await askFor(watchers, options)
    isAsking = false
    if (result === 'unreachable') probe()
    if (epoch === options.epoch()) options.onResult(result)
  }

  function probe() {
    if (isProbing) return
    isProbing = true
    if (elapsedOf(clock) - failedAt > QUIET_MS) failures = 0
    failedAt = elapsedOf(clock)
    const delayMs = Math.min(LONGEST_PROBE_MS, PROBE_MS * 1.5 ** failures)
    failures += 1
    stopProbe = clock.after(delayMs * (1 + Math.random() / 2), () => {
      isProbing = false
      if (page.isVisible()) askAll()
    })
  }

  function tick() {
    ticks += 1
    if (page.isVisible() && (!page.isIdle?.() || ticks % IDLE_TICKS === 0)) {
      void ask(options.due())
      options.onDue()
    }
    stopTimer = clock.after(INTERVAL_MS, tick)
  }

  function askAll() {
    void ask(options.all())
    options.onDue()
  }

  const stopPage = page.onChange(() => {
    const isAway = !page.isVisible() || !page.isOnline()
    const isBack = wasAway && !isAway
    wasAway = isAway
    if (isBack) askAll()
  })
  stopTimer = clock.after(INTERVAL_MS, tick)

  return {
    poll: askAll,
    probe,
    stop() {
      stopTimer()
      stopProbe()
      stopPage()
    },
  }
}

async function askFor(
  watchers: RecordWatcher[],
  { requests, onDifference, onHistory }: PollingOptions,
): Promise<PollResult> {
  const held = watchers.flatMap((watcher) => {
    const version = watcher.version()
    const { type, id } = watcher
    return version === null ? [] : [{ watcher, address: { type, id, version, rights: watcher.rights() } }]
  })
  for (const watcher of watchers) if (watcher.version() === null) watcher.onReachable()
  let result: PollResult = 'idle'
  for (let start = 0; start < held.length; start += MAX_ROOMS) {
    const batch = held.slice(start, start + MAX_ROOMS)
    const answer = await requests.versions(batch.map(({ address }) => address))
    if (answer.outcome === 'unauthenticated') return 'unauthenticated'
    if (answer.outcome !== 'found') return 'unreachable'
    result = 'answered'
    onHistory(answer.history)
    for (const { watcher } of batch) watcher.onReachable()
    for (const difference of answer.differences) {
      const asked = batch.find(
        ({ address }) => address.type === difference.type && address.id === difference.id,
      )
      if (asked) onDifference(asked.watcher, difference)
    }
  }
  return result
}
