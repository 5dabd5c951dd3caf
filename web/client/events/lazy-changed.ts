// Counts of what has changed since a person's last look, whose code is loaded with the first of them.

import { type Stop, systemClock } from '../base/clock.ts'
import { createLazyPart, type LazyPart, lazyModule } from '../base/lazy-module.ts'
import type { Readable } from '../base/store.ts'
import type { ChangedCounter, ChangedSinceOptions, CountingClient } from './changed-since.ts'
import { type ChangedSince, NOT_COUNTED } from './changed-state.ts'

const changedSinceCode = lazyModule(() => import('./changed-since.ts'))

/** A count that stays current while somebody subscribes. */
export interface ChangedSinceStore extends Readable<ChangedSince> {
  /** This person has seen what was counted so far, of these types; default: of all of them. */
  markSeen(types?: string | readonly string[]): void
}

const counters = new WeakMap<CountingClient, LazyPart<ChangedCounter>>()

/**
 * How many records of these types others have changed since this person last looked on this device: each record once, whether it was
 * created, changed or deleted, if they may read it or could when it was deleted. Counted on the server at most every 3 s, while
 * somebody subscribes. All counts of one client keep their last looks where the first one's `looks` says.
 *
 * @example
 * const tasks = changedSince(client, 'task')
 * const stop = tasks.subscribe(() => show(tasks.get().count))
 * openTasks.onclick = () => tasks.markSeen()
 */
export function changedSince(
  client: CountingClient,
  types: string | readonly string[],
  { most = 99, looks }: ChangedSinceOptions = {},
): ChangedSinceStore {
  const named = [types].flat()
  const part =
    counters.get(client) ??
    createLazyPart(changedSinceCode, (code) => code.createChangedCounter(client, looks), systemClock)
  counters.set(client, part)
  return {
    get: () => part.now()?.get(named, most) ?? NOT_COUNTED,
    subscribe: (listener): Stop =>
      part.use((counter) => {
        const stop = counter.subscribe(named, most, listener)
        listener()
        return stop
      }),
    markSeen: (some = named) => {
      const seen = [some].flat()
      part.use((counter) => void counter.markSeen(seen))
    },
  }
}
