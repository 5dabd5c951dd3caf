// Limits on what the browser is asked for: storage, locks and messages between tabs may be missing, throw, or never answer.
// Invariant: every call ends within its limit, and no save waits longer for one.

import type { Clock } from '../base/clock.ts'
import type { Tabs } from './browser-tabs.ts'
import type { Kept, KeptStorage } from './storage.ts'

/** One try. What is kept locally takes milliseconds. */
const LIMIT_MS = 2000

/** There was no answer within the limit. */
const LATE = 'TimeoutError'

export const isLate = (error: unknown): boolean => error instanceof Error && error.name === LATE

function within<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = clock.after(LIMIT_MS, () =>
      reject(Object.assign(new Error(`no answer within ${LIMIT_MS} ms`), { name: LATE })),
    )
    work().then(resolve, reject).finally(stop)
  })
}

/** Two tries: a connection that the browser has closed is opened anew by the second. */
export function limitStorage<Entry extends Kept>(
  storage: KeptStorage<Entry>,
  clock: Clock,
): KeptStorage<Entry> {
  const twice = <T>(work: () => Promise<T>) => within(clock, work).catch(() => within(clock, work))
  return {
    all: (person) => twice(async () => storage.all(person)),
    put: (entry) => twice(async () => storage.put(entry)),
    remove: (key) => twice(async () => storage.remove(key)),
    /** Once: a first try without an answer may have claimed it. */
    claim: (key, entry) => within(clock, async () => storage.claim(key, entry)),
  }
}

/** Where the other pages can't be asked, they are unknown, and a task is run: each save has its one mutation id. */
export function limitTabs(tabs: Tabs, clock: Clock): Tabs {
  const quietly = <T>(work: () => T, otherwise: T): T => {
    try {
      return work()
    } catch {
      return otherwise
    }
  }
  return {
    enter: (tab) =>
      quietly(
        () => tabs.enter(tab),
        () => {},
      ),
    alive: () => within(clock, async () => tabs.alive()).catch(() => null),
    async alone(task, work) {
      let running: Promise<void> | null = null
      const run = () => {
        running ??= work()
        return running
      }
      /** Another page has it, or it has begun here: only that is waited for. */
      const decide = () =>
        new Promise<void>((resolve, reject) => {
          const begin = () => {
            resolve()
            return run()
          }
          tabs.alone(task, begin).then(resolve, reject)
        })
      await within(clock, async () => decide()).catch(run)
      await running
    },
    notify: () => quietly(tabs.notify, undefined),
    onChange: (listener) =>
      quietly(
        () => tabs.onChange(listener),
        () => {},
      ),
  }
}
