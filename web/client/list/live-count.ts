// How many records there are, and the sums of their fields, asked for again after changes. The server counts what the user may read;
// nothing is counted here.

import type { Scope } from '../../../server/protocol/index.ts'
import type { Stop } from '../base/clock.ts'
import type { Requests } from '../http/requests.ts'
import { countPauseMs } from './count-pause.ts'
import type { LiveListQuery } from './query.ts'

/** What is counted: as of a list, and which fields are summed. */
export interface LiveCountQuery extends Pick<LiveListQuery, 'where' | 'search' | 'scope'> {
  /** Numeric fields whose sums are wanted, at most 10. */
  sum?: readonly string[]
}

/** A count as it is shown. */
export interface LiveCount {
  /** `loading` and `failed`: there is nothing to show yet. */
  status: 'loading' | 'ready' | 'failed'
  /** `null`: not there yet, or too many records to be authorized one by one (`judgedRows`). */
  count: number | null
  /** By field: a number, its digits where JavaScript can't hold it, `null` where no record has a value. */
  sums: Readonly<Record<string, number | string | null>>
  /** What is shown may be out of date: the last request was not answered. */
  isStale: boolean
}

interface CountClient extends Pick<Requests, 'list'> {
  onEvents(type: string, listener: () => Promise<void>, options: { scope?: Scope }): Stop
  personId(): string | null
}

/** Counts, and again after changes: at most every 3 s, more rarely where it takes the server long. `show` gets what is to be shown. */
export function countLive(
  client: CountClient,
  type: string,
  { where, search, scope, sum }: LiveCountQuery,
  show: (count: LiveCount, person: string | null) => void,
): Stop {
  let isStopped = false
  let wake = () => {}
  let last: { count: LiveCount; person: string | null } | null = null

  async function count() {
    const begun = performance.now()
    const answer = await client.list(type, {
      where: { ...where, ...scope },
      limit: 0,
      count: 'exact',
      ...(search?.trim() && { search }),
      ...(sum && { sum }),
    })
    if (isStopped) return
    const person = client.personId()
    const before = last?.person === person ? last.count : null
    if (answer.outcome === 'found')
      last = { count: { status: 'ready', count: answer.count, sums: answer.sums, isStale: false }, person }
    const failed: LiveCount = before
      ? { ...before, isStale: true }
      : { status: 'failed', count: null, sums: {}, isStale: false }
    show(answer.outcome === 'found' && last ? last.count : failed, person)
    const pause = countPauseMs(performance.now() - begun)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pause)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  const stop = client.onEvents(type, count, scope ? { scope } : {})
  return () => {
    isStopped = true
    stop()
    wake()
  }
}
