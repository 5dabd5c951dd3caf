// The app's own queries become stale when records change.

import type { QueryClient, QueryKey } from '@tanstack/react-query'
import type { Stop } from '../client/base/clock.ts'
import { invalidateOn as invalidateKeys } from '../client/events/invalidate-on.ts'
import type { RecordEventsOptions } from '../client/events/record-events.ts'
import type { RecordClient } from '../client/record-client-options.ts'

/**
 * Invalidates queries of the app's own when records of these types change, once for a storm of events. It returns its dispose
 * function.
 *
 * @example
 * const stop = invalidateOn(client, queryClient, { task: [['dashboard'], ['filters']] })
 */
export const invalidateOn = (
  client: RecordClient,
  queryClient: QueryClient,
  keysByType: Readonly<Record<string, readonly QueryKey[]>>,
  options?: RecordEventsOptions,
): Stop =>
  invalidateKeys(
    client,
    (keys: QueryKey[]) => Promise.all(keys.map((queryKey) => queryClient.invalidateQueries({ queryKey }))),
    keysByType,
    options,
  )
