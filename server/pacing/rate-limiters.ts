// Rate limits by connection, user and address, counted in this process.
// Invariant: counting does no I/O and never waits.

import type { Limits } from '../base/options.ts'
import { type Person, personKey } from './person.ts'

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

/** Who sends a message, and on which connection. */
interface Sender {
  data: { actor: Person }
}

/** May this connection, and this person on all of theirs, send one more message in this second? */
export const createMessageAllowance = ({
  messagesPerSecond,
  messagesPerPerson,
}: Pick<Limits, 'messagesPerSecond' | 'messagesPerPerson'>): ((sender: Sender) => boolean) => {
  const ofConnection = createAllowance(messagesPerSecond)
  const ofPerson = createWindow(messagesPerPerson, 1_000)
  return (sender) => ofConnection(sender) && ofPerson.spend(personKey(sender.data.actor)) === null
}

/** Keys that are counted at a time: some 20 MB. */
const MOST_KEYS = 100_000

/**
 * Counts by key, in windows that each begin with a key's first spending. Of more keys than `MOST_KEYS` the oldest is forgotten,
 * and begins anew: anyone who sends from so many addresses passes a limit by address anyway.
 */
export interface Window {
  /** Milliseconds until the key's next window, or `null` where this may pass. Default: one. */
  spend(key: string, count?: number): number | null
}

export const createWindow = (
  most: number,
  lengthMs: number,
  now = Date.now,
  mostKeys = MOST_KEYS,
): Window => {
  const entries = new Map<string, { count: number; endsAt: number }>()
  let sweepAt = now() + lengthMs

  const sweep = (at: number) => {
    sweepAt = at + lengthMs
    for (const [key, { endsAt }] of entries) if (endsAt <= at) entries.delete(key)
  }

  const put = (key: string, entry: { count: number; endsAt: number }) => {
    entries.delete(key)
    entries.set(key, entry)
    if (entries.size > mostKeys) entries.delete(entries.keys().next().value as string)
  }

  return {
    spend: (key, count = 1) => {
      const at = now()
      if (at >= sweepAt) sweep(at)
      const known = entries.get(key)
      const entry = known && known.endsAt > at ? known : { count: 0, endsAt: at + lengthMs }
      if (entry !== known) put(key, entry)
      entry.count += count
      return entry.count > most ? entry.endsAt - at : null
    },
  }
}
