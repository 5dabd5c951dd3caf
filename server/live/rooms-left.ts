// How many rooms a watcher may be in: a socket's own limit, and what is left of its person's.
import type { Limits } from '../base/options.ts'
import type { Watcher } from './watchers.ts'

/** @param others Watchers among which this person's are; those of others, and this one, count for nothing. */
export const roomsLeft = (
  { roomsPerSocket, roomsPerPerson }: Pick<Limits, 'roomsPerSocket' | 'roomsPerPerson'>,
  watcher: Watcher,
  others: Iterable<Watcher>,
): number => {
  const { actor } = watcher.data
  let left = roomsPerPerson
  for (const { id, data } of others)
    if (id !== watcher.id && data.actor.id === actor.id && data.actor.tenantId === actor.tenantId)
      left -= data.watching.size
  return Math.max(0, Math.min(roomsPerSocket, left))
}
