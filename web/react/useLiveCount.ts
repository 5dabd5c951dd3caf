// How many records there are, and the sums of their fields, kept current. The server counts what the user may read; nothing is
// counted here.

import { useEffect, useState } from 'react'
import type { LiveListQuery } from '../client/list/query.ts'
import { useRecordClient } from './base/LiveProvider.tsx'

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

const NOTHING: LiveCount = { status: 'loading', count: null, sums: {}, isStale: false }
/** Least time between two requests, and how much of the time the server may spend on them: a twentieth. */
const PACE_MS = 2500
const SHARE = 20
const MOST_MS = 60_000

/**
 * Counts the records of a type that match, and sums their fields, and does it again after changes while the component is there: at
 * most every 3 s, and more rarely where counting takes the server long.
 *
 * @example
 * const open = useLiveCount('task', { where: { status: { ne: 'done' } }, sum: ['estimate_hours'] })
 * return <p>{open.count} open, {open.sums.estimate_hours} hours</p>
 */
export function useLiveCount(type: string, query: LiveCountQuery = {}): LiveCount {
  const client = useRecordClient()
  const key = JSON.stringify([type, query])
  const [shown, setShown] = useState({ key, person: client.personId(), count: NOTHING })
  useEffect(() => {
    const [named, { where, search, scope, sum }] = JSON.parse(key) as [string, LiveCountQuery]
    let isThere = true
    let wake = () => {}
    const count = async () => {
      const begun = performance.now()
      const answer = await client.list(named, {
        ...{ where: { ...where, ...scope }, limit: 0, count: 'exact' },
        ...(search?.trim() && { search }),
        ...(sum && { sum }),
      })
      if (!isThere) return
      setShown((before) => ({
        ...{ key, person: client.personId() },
        count:
          answer.outcome === 'found'
            ? { status: 'ready', count: answer.count, sums: answer.sums, isStale: false }
            : before.key === key && before.count.status === 'ready' && before.person === client.personId()
              ? { ...before.count, isStale: true }
              : { ...NOTHING, status: 'failed' },
      }))
      const spent = performance.now() - begun
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(MOST_MS, Math.max(PACE_MS, spent * (SHARE - 1))))
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    const stop = client.onEvents(named, count, scope ? { scope } : {})
    return () => {
      isThere = false
      stop()
      wake()
    }
  }, [client, key])
  return shown.key === key && shown.person === client.personId() ? shown.count : NOTHING
}
