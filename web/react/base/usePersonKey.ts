// Whom a page is for, as a key: what is keyed by it begins anew with the next person, so that nothing that one has loaded or typed
// is there for the next.

import { useSyncExternalStore } from 'react'
import type { Stop } from '../../client/base/clock.ts'
import type { RecordClient } from '../../client/record-client-options.ts'

type Persons = Pick<RecordClient, 'personId' | 'onPersonChanged'>

interface Changes {
  count: number
  /** Notifies in a microtask: a change may be detected during a render. */
  subscribe(listener: () => void): Stop
}

const known = new WeakMap<object, Changes>()

function changesOf(client: Persons): Changes {
  const before = known.get(client)
  if (before) return before
  const changes: Changes = {
    count: 0,
    subscribe: (listener) => client.onPersonChanged(() => queueMicrotask(listener)),
  }
  known.set(client, changes)
  client.onPersonChanged(() => {
    changes.count += 1
  })
  return changes
}

/** How often the person has changed since this was first asked. A change is detected by asking. */
export function personChanges(client: Persons): number {
  const changes = changesOf(client)
  client.personId()
  return changes.count
}

/** Another key for each person who comes, for the parts of a page that hold what they have loaded. */
export const usePersonKey = (client: Persons): number =>
  useSyncExternalStore(
    changesOf(client).subscribe,
    () => personChanges(client),
    () => 0,
  )
