// Which pages of this app are alive, and which one of them does what only one may do. A page that is killed lets go of its
// locks by itself, which no heartbeat of its own could promise.

import type { Stop } from '../base/clock.ts'

export interface Tabs {
  /** This page is alive from now on, until the stop. */
  enter(tab: string): Stop
  /** The pages that are alive; `null` where the browser can't say. */
  alive(): Promise<Set<string> | null>
  /** Does it unless another page is doing it. */
  alone(task: string, work: () => Promise<void>): Promise<void>
  /** Tells the other pages that something has changed. */
  notify(): void
  onChange(listener: () => void): Stop
}

const LOCK = 'noclobber-tab '

/** The pages of this origin, by Web Locks and a BroadcastChannel. On insecure origins there are no locks: then nobody knows. */
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
