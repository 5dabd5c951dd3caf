// Which pages of this app are alive, and which one of them runs a task that only one may run. The browser releases the
// locks of a killed page, which no heartbeat could guarantee.

import type { Stop } from '../base/clock.ts'

/** Which pages of this browser are alive. */
export interface Tabs {
  /** This page is alive from now on, until the stop. */
  enter(tab: string): Stop
  /** The pages that are alive; `null` where the browser can't say. */
  alive(): Promise<Set<string> | null>
  /** Runs `work` unless another page is running it. */
  alone(task: string, work: () => Promise<void>): Promise<void>
  /** Notifies the other pages of a change. */
  notify(): void
  /** Calls the listener when another page has called `notify`. */
  onChange(listener: () => void): Stop
}

const LOCK = 'noclobber-tab '

/** The pages of this origin, by Web Locks and a BroadcastChannel. On insecure origins there are no locks: then `alive` is unknown. */
export function createBrowserTabs(): Tabs {
  const locks = orNull(() => navigator.locks as LockManager | undefined)
  let channel: BroadcastChannel | null = null
  return {
    enter(tab) {
      let leave: Stop = () => {}
      const isLeft = new Promise<void>((resolve) => {
        leave = resolve
      })
      // A page that may have no lock counts as one without locks.
      locks?.request(LOCK + tab, () => isLeft).catch(() => {})
      const own = orNull(() => new BroadcastChannel('noclobber-unsent'))
      channel = own
      return () => {
        leave()
        orNull(() => own?.postMessage('changed'))
        own?.close()
        if (channel === own) channel = null
      }
    },
    async alive() {
      if (!locks) return null
      const { held = [] } = await locks.query()
      const names = held.flatMap(({ name = '' }) => (name.startsWith(LOCK) ? [name.slice(LOCK.length)] : []))
      return new Set(names)
    },
    async alone(task, work) {
      if (!locks) return work()
      await locks.request(`noclobber-${task}`, { ifAvailable: true }, (lock) => (lock ? work() : undefined))
    },
    notify: () => channel?.postMessage('changed'),
    onChange(listener) {
      const own = channel
      own?.addEventListener('message', listener)
      return () => own?.removeEventListener('message', listener)
    },
  }
}

/** What a browser does not have, or does not allow a page: an opaque origin has neither. */
function orNull<T>(get: () => T): T | null {
  try {
    return get()
  } catch {
    return null
  }
}
