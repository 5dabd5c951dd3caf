// Limits what one user may hold at a time: waiting polls, uploads, streams.
// Invariant: each acquisition is released exactly once, and a user who holds nothing takes no memory.
import { type Person, personKey } from './person.ts'

export interface Quota {
  /** Takes one more, and gives the function that gives it back; `null` where the person holds as many as they may. */
  take(person: Person): (() => void) | null
  /** How many all people hold together. */
  size(): number
}

/** Makes a quota of so many for each person, and of so many for all people together. */
export const createQuota = (most: number, mostOfAll = Number.POSITIVE_INFINITY): Quota => {
  const held = new Map<string, number>()
  let all = 0
  return {
    size: () => all,
    take: (person) => {
      const key = personKey(person)
      const count = held.get(key) ?? 0
      if (count >= most || all >= mostOfAll) return null
      held.set(key, count + 1)
      all += 1
      let isHeld = true
      return () => {
        if (!isHeld) return
        isHeld = false
        all -= 1
        const left = (held.get(key) ?? 1) - 1
        if (left > 0) held.set(key, left)
        else held.delete(key)
      }
    },
  }
}
