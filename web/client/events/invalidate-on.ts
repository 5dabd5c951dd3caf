// What other caches hold becomes stale when records change: by type, the keys that depend on it.

import type { Stop } from '../base/clock.ts'
import type { OnRecordEvents, RecordEventsOptions } from './record-events.ts'

/**
 * Calls `invalidate` with the keys of the types that changed, each key once; see `client.onEvents` for when. While the promise
 * that it returns is pending, it isn't called again.
 *
 * @example
 * invalidateOn(client, (keys) => Promise.all(keys.map((key) => mutate(key))), { task: ['/dashboard', '/filters'] })    // SWR
 * invalidateOn(client, (tags) => store.dispatch(api.util.invalidateTags(tags)), { task: ['Dashboard'] })   // Redux Toolkit
 */
export function invalidateOn<K>(
  client: { onEvents: OnRecordEvents },
  invalidate: (keys: K[]) => unknown,
  keysByType: Readonly<Record<string, readonly K[]>>,
  options?: RecordEventsOptions,
): Stop {
  return client.onEvents(
    Object.keys(keysByType),
    ({ types }) => {
      const keys = types.flatMap((type) => keysByType[type] ?? [])
      return invalidate([...new Map(keys.map((key) => [JSON.stringify(key), key])).values()])
    },
    options,
  )
}
