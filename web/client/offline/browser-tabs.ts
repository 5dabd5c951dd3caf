// Which pages of this app are alive, and which one of them runs a task that only one may run. The browser releases the
// locks of a killed page, which no heartbeat could guarantee.

import type { Stop } from '../base/clock.ts'

export interface Tabs {
  /** This page is alive from now on, until the stop. */
  enter(tab: string): Stop
  /** The pages that are alive; `null` where the browser can't say. */
  alive(): Promise<Set<string> | null>
  /** Runs `work` unless another page is running it. */
  alone(task: string, work: () => Promise<void>): Promise<void>
  /** Notifies the other pages of a change. */
  notify(): void
  onChange(listener: () => void): Stop
}

const LOCK = 'noclobber-tab '

/** The pages of this origin, by Web Locks and a BroadcastChannel. On insecure origins there are no locks: then `alive` is unknown. */
export function createBrowserTabs(): Tabs {
  const locks = typeof navigator === 'undefined' ? undefined : (navigator.locks as LockManager | undefined)
  const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('noclobber-unsent')
  let isOpen = true
  return {
    enter(tab) {
      let leave: Stop = () => {}
      const isLeft = new Promise<void>((resolve) => {
        leave = resolve
      })
      locks?.request(LOCK + tab, () => isLeft).catch(() => {})
      return () => {
        leave()
        channel?.postMessage('changed')
        isOpen = false
        channel?.close()
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
    notify: () => {
      if (isOpen) channel?.postMessage('changed')
    },
    onChange(listener) {
      channel?.addEventListener('message', listener)
      return () => channel?.removeEventListener('message', listener)
    },
  }
}
