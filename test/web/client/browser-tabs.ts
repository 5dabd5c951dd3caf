// The tabs of one browser as a test has them.
import type { Tabs } from 'noclobber/offline'

/** Who is alive is known; one works alone at a task; and they notify each other. */
export function createTabs(): Tabs {
  const alive = new Set<string>()
  const listeners = new Set<() => void>()
  const working = new Set<string>()
  const notify = () => {
    for (const listener of listeners) listener()
  }
  return {
    enter(tab) {
      alive.add(tab)
      return () => {
        alive.delete(tab)
        notify()
      }
    },
    alive: async () => new Set(alive),
    async alone(task, work) {
      if (working.has(task)) return
      working.add(task)
      await work().finally(() => working.delete(task))
    },
    notify,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
