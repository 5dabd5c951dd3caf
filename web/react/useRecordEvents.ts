// Changes of whole types for a component: where it loads what no record store holds.

import { useEffect, useRef } from 'react'
import type { RecordChanges, RecordEventsOptions } from '../client/events/record-events.ts'
import { useRecordClient } from './base/LiveProvider.tsx'

/**
 * Calls the function once these types are watched, and after their changes, while the component is there; see
 * `client.onEvents`. The function may be a new one in each render.
 *
 * @example
 * useRecordEvents('task', () => loadTotals(), { coalesceMs: 500 })
 */
export function useRecordEvents(
  types: string | readonly string[],
  listener: (changes: RecordChanges) => unknown,
  options: RecordEventsOptions = {},
): void {
  const client = useRecordClient()
  const latest = useRef(listener)
  latest.current = listener
  const key = JSON.stringify([[types].flat(), options])
  useEffect(() => {
    const [named, chosen] = JSON.parse(key)
    return client.onEvents(named, (changes) => latest.current(changes), chosen)
  }, [client, key])
}
