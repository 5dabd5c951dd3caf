// What each tab watches on the shared stream. A record or list is unwatched when no tab watches it any more.

import type { WatchMessage } from '../../../server/protocol/index.ts'
import { keysOf } from './watched-query.ts'

export interface TabSubscriptions {
  has(tab: string): boolean
  add(tab: string, message: WatchMessage): void
  /** Removes what this message names, or without one all of the tab. */
  remove(tab: string, message?: WatchMessage): void
}

/** `unwatch` is called with what no tab watches any more. */
export function createTabSubscriptions(unwatch: (message: WatchMessage) => void): TabSubscriptions {
  const byTab = new Map<string, Set<string>>()

  function release(keys: string[]) {
    const still = new Set([...byTab.values()].flatMap((each) => [...each]))
    const left = keys.filter((key) => !still.has(key)).map((key) => JSON.parse(key))
    const records = left.filter(([, id]) => typeof id === 'string').map(([type, id]) => ({ type, id }))
    const lists = left
      .filter(([, scope]) => Array.isArray(scope))
      .map(([type, scope]) => ({ type, scope: Object.fromEntries(scope) }))
    if (left.length > 0) unwatch({ records, lists })
  }

  return {
    has: (tab) => byTab.has(tab),
    add(tab, message) {
      const keys = byTab.get(tab) ?? new Set()
      byTab.set(tab, keys)
      for (const key of keysOf(message)) keys.add(key)
    },
    remove(tab, message) {
      const keys = byTab.get(tab) ?? new Set<string>()
      const removed = message ? keysOf(message) : [...keys]
      if (message) for (const key of removed) keys.delete(key)
      else byTab.delete(tab)
      release(removed)
    },
  }
}
