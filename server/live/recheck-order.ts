// Whom a round of rechecks looks at, and in which order, where there is more than one round can do.
// Invariant: of each person's connections and rooms a few are taken at a time, in turns, so that nobody waits for the end
// of somebody else's many; who was left over comes first in the next round.
import { groupBy } from '../base/groups.ts'
import { personKey } from '../pacing/person.ts'
import type { Watched, Watcher } from './watchers.ts'

/** Taken of one person before the next one's turn. */
const CHUNK = 100
/** Sign-ins of one person that one round looks up. */
const MOST_SIGN_INS = 20

/** A room that a watcher is in. */
export interface WatchedRoom {
  watcher: Watcher
  room: string
  watched: Watched
}

export interface RecheckOrder {
  /** Watchers whose sign-ins are looked at in this round, by turns of their people. */
  watchers(all: Iterable<Watcher>, keyOf: (watcher: Watcher) => string): Iterable<Watcher>
  /** Rooms of this round, `most` at most. */
  rooms(all: Iterable<Watcher>, most: number): Iterable<WatchedRoom>
}

const byPerson = (watchers: Iterable<Watcher>) => groupBy(watchers, ({ data }) => personKey(data.actor))

function* roomsOf(watchers: Watcher[]): Generator<WatchedRoom, undefined> {
  for (const watcher of watchers)
    for (const [room, watched] of watcher.data.watching) yield { watcher, room, watched }
  return undefined
}

export const createRecheckOrder = (): RecheckOrder => {
  /** Where each person's rooms are gone on with, who has more than a round takes. */
  const walks = new Map<string, Generator<WatchedRoom, undefined>>()
  /** Where each person's sign-ins are gone on with. */
  const signInsFrom = new Map<string, number>()
  let startsWith: string | null = null

  const forgetThoseWhoLeft = (people: Map<string, unknown>) => {
    for (const kept of [walks, signInsFrom])
      for (const key of kept.keys()) if (!people.has(key)) kept.delete(key)
  }

  return {
    *watchers(all, keyOf) {
      const people = byPerson(all)
      forgetThoseWhoLeft(people)
      const turns: Watcher[][] = []
      for (const [key, own] of people) {
        const signIns = [...groupBy(own, keyOf).values()]
        const from = signInsFrom.get(key) ?? 0
        const count = Math.min(MOST_SIGN_INS, signIns.length)
        for (let n = 0; n < count; n += 1) {
          const turn = signIns[(from + n) % signIns.length] as Watcher[]
          const others = turns[n]
          if (others) others.push(...turn)
          else turns[n] = [...turn]
        }
        if (signIns.length > count) signInsFrom.set(key, (from + count) % signIns.length)
        else signInsFrom.delete(key)
      }
      for (const turn of turns) yield* turn
    },

    *rooms(all, most) {
      const people = byPerson(all)
      forgetThoseWhoLeft(people)
      const keys = [...people.keys()]
      const first = startsWith === null ? 0 : Math.max(0, keys.indexOf(startsWith))
      let open = [...keys.slice(first), ...keys.slice(0, first)]
      let left = most
      startsWith = null
      while (open.length > 0) {
        const unfinished: string[] = []
        for (const key of open) {
          const walk = walks.get(key) ?? roomsOf(people.get(key) as Watcher[])
          walks.set(key, walk)
          let isOver = false
          for (let n = 0; n < CHUNK && left > 0 && !isOver; n += 1) {
            const { value } = walk.next()
            if (value === undefined) isOver = true
            else {
              left -= 1
              yield value
            }
          }
          if (isOver) walks.delete(key)
          else unfinished.push(key)
          if (left === 0) {
            startsWith = key
            return
          }
        }
        open = unfinished
      }
    },
  }
}
