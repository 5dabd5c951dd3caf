// All changes that this user may see, newest first: the change feed from its start, then as it arrives.
// Invariant: each change once, whatever breaks in between; after a reset the list is read anew.
import { type ChangeBatch, followChanges } from 'noclobber/client'
import { useCallback, useEffect, useState } from 'react'
import { lineFetch, token } from '../base/session.ts'

export type ActivityChange = ChangeBatch['changes'][number]

export interface Activity {
  status: 'loading' | 'ready' | 'failed'
  /** Newest first. */
  changes: ActivityChange[]
  /** The feed can't be reached just now. */
  isInterrupted: boolean
  again: () => void
}

const MOST = 100

export const useActivity = (): Activity => {
  const [changes, setChanges] = useState<ActivityChange[]>([])
  const [status, setStatus] = useState<Activity['status']>('loading')
  const [isInterrupted, setInterrupted] = useState(false)
  const [attempt, setAttempt] = useState(0)

  useEffect(() => {
    const following = followChanges({
      cursor: 'start',
      limit: 1_000,
      token,
      fetch: async (...request) => {
        const answer = await lineFetch(...request)
        setInterrupted(!answer.ok)
        return answer
      },
      onRetry: () => setInterrupted(true),
      onReset: () => setChanges([]),
    })
    const run = async () => {
      for await (const batch of following) {
        setStatus('ready')
        setChanges((last) => [...batch.changes.reverse(), ...last].slice(0, MOST))
      }
    }
    run().catch(() => setStatus('failed'))
    return following.stop
  }, [attempt])

  const again = useCallback(() => {
    setChanges([])
    setStatus('loading')
    setAttempt((last) => last + 1)
  }, [])
  return { status, changes, isInterrupted, again }
}
