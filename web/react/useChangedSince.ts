// What has changed since a person's last look, for components. A thin binding: client/events/changed-since.ts counts.

import { useMemo } from 'react'
import type { ChangedSinceOptions } from '../client/events/changed-since.ts'
import { type ChangedSince, NOT_COUNTED } from '../client/events/changed-state.ts'
import { changedSince } from '../client/events/lazy-changed.ts'
import { useRecordClient, useStore } from './base/LiveProvider.tsx'

/** A count, and what says that it was seen. */
export interface ChangedSinceLook extends ChangedSince {
  /** This person has seen what was counted so far, of these types; default: of all of them. The same function in each render. */
  markSeen: (types?: string | readonly string[]) => void
}

/**
 * Counts the records of these types that others have changed since this person last looked on this device, while the component is
 * there: created, changed and deleted ones, each once, and none that they may not read. See `changedSince` of `noclobber/client`.
 *
 * @example
 * const tasks = useChangedSince('task')
 * return <a href="/tasks" onClick={() => tasks.markSeen()}>Tasks <ChangedBadge changed={tasks} /></a>
 */
export function useChangedSince(
  types: string | readonly string[],
  { most = 99, looks }: ChangedSinceOptions = {},
): ChangedSinceLook {
  const client = useRecordClient()
  const key = JSON.stringify([types].flat())
  const store = useMemo(
    () => changedSince(client, JSON.parse(key), { most, ...(looks && { looks }) }),
    [client, key, most, looks],
  )
  const changed = useStore(store, NOT_COUNTED)
  return useMemo(() => ({ ...changed, markSeen: store.markSeen }), [changed, store])
}
