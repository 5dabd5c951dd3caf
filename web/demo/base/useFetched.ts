// Data fetched for a screen: a skeleton, the data, or an error with a retry. Invariant: an answer to an outdated request is
// dropped, and shown data stays while newer data is loading.
import { useCallback, useEffect, useState } from 'react'

export interface Fetched<T> {
  status: 'loading' | 'ready' | 'failed'
  found: T | null
  again: () => void
}

/** Calls `load` when it changes and on `again`; null from it means that it failed. Hand in a stable function. */
export const useFetched = <T>(load: () => Promise<T | null>): Fetched<T> => {
  const [state, setState] = useState<{ status: Fetched<T>['status']; found: T | null }>({
    status: 'loading',
    found: null,
  })
  const [attempt, setAttempt] = useState(0)

  useEffect(() => {
    let isShown = true
    load().then((found) => {
      if (!isShown) return
      setState((last) =>
        found === null
          ? { status: last.found ? 'ready' : 'failed', found: last.found }
          : { status: 'ready', found },
      )
    })
    return () => {
      isShown = false
    }
  }, [load, attempt])

  const again = useCallback(() => {
    setState((last) => ({ ...last, status: last.found ? 'ready' : 'loading' }))
    setAttempt((last) => last + 1)
  }, [])
  return { ...state, again }
}
