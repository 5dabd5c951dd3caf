// Requests that wait for a change on this node. A wait ends by the node's own feed, a timeout, the client's disconnect or
// the server's stop. Invariant: waiting costs no query, and each wait ends.
import type { Change } from './log-reader.ts'

/** Where something changed: a change, or a large transaction. */
export type ChangeSource = Pick<Change, 'source' | 'tenantId'>

export interface ChangeWaiters {
  /** Changes were committed. Did anybody wait for one of them? */
  notify(changes: ChangeSource[]): boolean
  /** Grows with each notification. What is read from now on includes everything notified so far. */
  moment(): number
  /** Changes may have been missed: ends all waits, so that everyone refetches. */
  notifyAll(): void
  /**
   * Begins to wait for a change that `matches`; of those that concern one tenant only its own are asked about. A change between
   * this call and `changed` is not lost. `changed` resolves at the first match, after `ms`, or when the signal or the server
   * ends it.
   */
  listen(
    tenantId: string,
    matches: (change: ChangeSource) => boolean,
  ): {
    changed(ms: number, signal: AbortSignal): Promise<void>
    /** Ends the waiting, as a change would. */
    wake(): void
    stop(): void
  }
  /** The server stops: ends all waits for good. */
  stop(): void
  isStopped(): boolean
}

interface Listener {
  matches(change: ChangeSource): boolean
  ring(): void
}

/** Whom a change concerns: a tenant, `null` for all of them, `undefined` for nobody. */
type Concerns = (change: ChangeSource) => string | null | undefined

/** The different places in a batch: one transaction's changes are mostly in one. */
const placesIn = (changes: ChangeSource[]): ChangeSource[] => {
  const bySource = new Map<string, Set<string | null>>()
  return changes.filter(({ source, tenantId }) => {
    const tenants = bySource.get(source) ?? new Set()
    if (tenants.has(tenantId)) return false
    bySource.set(source, tenants.add(tenantId))
    return true
  })
}

export const createChangeWaiters = (concerns: Concerns = () => null): ChangeWaiters => {
  const listeners = new Set<Listener>()
  const byTenant = new Map<string, Set<Listener>>()
  let stopped = false
  let moment = 0

  const notifyAll = () => {
    moment += 1
    for (const { ring } of listeners) ring()
  }

  return {
    moment: () => moment,
    notify: (changes) => {
      moment += 1
      if (listeners.size === 0) return false
      let isAwaited = false
      for (const change of placesIn(changes)) {
        const tenantId = concerns(change)
        if (tenantId === undefined) continue
        const asked = tenantId === null ? listeners : byTenant.get(tenantId)
        for (const { matches, ring } of asked ?? []) {
          if (!matches(change)) continue
          isAwaited = true
          ring()
        }
      }
      return isAwaited
    },
    notifyAll,
    listen: (tenantId, matches) => {
      let candidate = false
      let wake = () => {}
      const listener: Listener = {
        matches,
        ring: () => {
          candidate = true
          wake()
        },
      }
      listeners.add(listener)
      byTenant.set(tenantId, (byTenant.get(tenantId) ?? new Set<Listener>()).add(listener))
      const stop = () => {
        listeners.delete(listener)
        const others = byTenant.get(tenantId)
        others?.delete(listener)
        if (others?.size === 0) byTenant.delete(tenantId)
      }
      return {
        stop,
        wake: listener.ring,
        changed: async (ms, signal) => {
          if (!candidate && !stopped && !signal.aborted) {
            await new Promise<void>((resolve) => {
              const timer = setTimeout(resolve, ms)
              wake = () => {
                clearTimeout(timer)
                resolve()
              }
              signal.addEventListener('abort', wake, { once: true })
            })
            signal.removeEventListener('abort', wake)
          }
          candidate = false
        },
      }
    },
    stop: () => {
      stopped = true
      notifyAll()
    },
    isStopped: () => stopped,
  }
}
