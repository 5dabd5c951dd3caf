// Counts and sums for components. A thin binding: live-count.ts asks for them.

import { useEffect, useState } from 'react'
import { liveListsCode } from '../client/list/lazy-lists.ts'
import type { LiveCount, LiveCountQuery } from '../client/list/live-count.ts'
import { useRecordClient } from './base/LiveProvider.tsx'

const NOTHING: LiveCount = { status: 'loading', count: null, sums: {}, isStale: false }

/**
 * Counts the records of a type that match, and sums their fields, and does it again after changes while the component is there: at
 * most every 3 s, and more rarely where counting takes the server long. What the user may not read is in no count and no sum.
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
    const [named, asked] = JSON.parse(key)
    let stop = () => {}
    let isThere = true
    const fail = () =>
      isThere && setShown({ key, person: client.personId(), count: { ...NOTHING, status: 'failed' } })
    liveListsCode.load().then(({ countLive }) => {
      if (isThere) stop = countLive(client, named, asked, (count, person) => setShown({ key, person, count }))
    }, fail)
    return () => {
      isThere = false
      stop()
    }
  }, [client, key])
  return shown.key === key && shown.person === client.personId() ? shown.count : NOTHING
}
