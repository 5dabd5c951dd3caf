// How much is too much: allowances of connections, people and addresses, counted in this process alone.
// Invariant: counting costs no I/O and never makes anybody wait.

/** Spends some of its owner's allowance; `false` where there isn't enough left. */
export type Allowance = (owner: object, cost?: number) => boolean

/** A bucket for each owner. All refill at one moment, once a second, so that nothing is kept of those who are silent. */
export const createAllowance = (perSecond: number, now = () => performance.now()): Allowance => {
  let rest = new WeakMap<object, number>()
  let at = Number.NEGATIVE_INFINITY
  return (owner, cost = 1) => {
    if (now() - at >= 1_000) {
      rest = new WeakMap()
      at = now()
    }
    const left = (rest.get(owner) ?? perSecond) - cost
    rest.set(owner, left)
    return left >= 0
  }
}

/** Counts by key, in windows that each begin with a key's first spending. */
export interface Window {
  /** Milliseconds until the key's next window, or `null` where this may pass. */
  spend(key: string): number | null
  /** Lets nothing of this key pass for so long. */
  block(key: string, forMs: number): void
}

export const createWindow = (most: number, lengthMs: number, now = Date.now): Window => {
  const entries = new Map<string, { count: number; endsAt: number }>()
  let sweepAt = now() + lengthMs

  const sweep = (at: number) => {
    sweepAt = at + lengthMs
    for (const [key, { endsAt }] of entries) if (endsAt <= at) entries.delete(key)
  }

  return {
    spend: (key) => {
      const at = now()
      if (at >= sweepAt) sweep(at)
      const known = entries.get(key)
      const entry = known && known.endsAt > at ? known : { count: 0, endsAt: at + lengthMs }
      if (entry !== known) entries.set(key, entry)
      entry.count += 1
      return entry.count > most ? entry.endsAt - at : null
    },
    block: (key, forMs) => {
      entries.set(key, { count: Number.POSITIVE_INFINITY, endsAt: now() + forMs })
    },
  }
}
