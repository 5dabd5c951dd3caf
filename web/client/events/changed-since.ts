// How many records others have changed since this person last looked, counted by the server and again after changes. All that a page
// counts is one request. Invariant: a person's counts are shown to them alone; what could not be counted is said to be unknown.

import type { ChangedCount } from '../../../server/protocol/index.ts'
import type { Stop } from '../base/clock.ts'
import { createListeners } from '../base/store.ts'
import type { Requests } from '../http/requests.ts'
import { countPauseMs } from '../list/count-pause.ts'
import type { ReceivedEvent } from '../transport/event-router.ts'
import { type ChangedSince, NOT_COUNTED } from './changed-state.ts'
import { browserLooks, type LastLooksStorage } from './last-looks.ts'
import type { OnRecordEvents } from './record-events.ts'

/** How it is counted. */
export interface ChangedSinceOptions {
  /** The largest number that is counted, of each type and in all. Default 99, at most 1000. */
  most?: number
  /** Where last looks are kept. Default: the browser's `localStorage`. */
  looks?: LastLooksStorage
}

/** The parts of a client that are used. */
export interface CountingClient extends Pick<Requests, 'countChanges'> {
  /** As of the client. */
  onEvents: OnRecordEvents
  /** As of the client. */
  onEvent(listener: (received: ReceivedEvent) => void): Stop
  /** As of the client. */
  onPersonChanged(listener: () => void): Stop
  /** As of the client; nothing is counted while it is `null`. */
  personId(): string | null
}

/** Counting for one client. */
export interface ChangedCounter {
  get(types: readonly string[], most: number): ChangedSince
  subscribe(types: readonly string[], most: number, listener: () => void): Stop
  /** What was counted so far was seen. */
  markSeen(types: readonly string[]): void
}

/** Several types and listeners of one moment are one request. */
const GATHER_MS = 50
/** A full count is counted again only so much later, for as long as nothing but further changes comes. */
const FULL_MS = 60_000
/** After a request without an answer. */
const TRY_AGAIN_MS = 10_000
/** A page that shows the next view counts on where the one before did. */
const RELEASE_MS = 1000

interface Counted {
  answer: ChangedCount | null
  at: number
  isStale: boolean
  /** Seen before there was a count. */
  isSeenFirst: boolean
}

const newCounted = (): Counted => ({ answer: null, at: 0, isStale: false, isSeenFirst: false })

const isCount = (one: ChangedCount | null): one is ChangedCount =>
  one !== null &&
  (one.count === null || typeof one.count === 'number') &&
  (one.cursor === null || typeof one.cursor === 'string')

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

export function createChangedCounter(
  client: CountingClient,
  looks: LastLooksStorage = browserLooks(),
): ChangedCounter {
  const changed = createListeners()
  const watched = new Map<string, { users: number; stop: Stop }>()
  const due = new Set<string>()
  let counted = new Map<string, Counted>()
  let shown = new Map<string, ChangedSince>()
  /** Of a person whose name is not known yet. */
  let unnamed: Record<string, string> = {}
  let persons = 0
  let most = 0
  let round: Promise<void> = Promise.resolve()
  let nextRound: Promise<void> | null = null
  let stopAll: Stop[] = []

  const notify = () => {
    shown = new Map()
    changed.notify()
  }
  const of = (type: string): Counted => {
    const known = counted.get(type) ?? newCounted()
    counted.set(type, known)
    return known
  }
  const lastLooks = () => {
    const person = client.personId()
    return person === null ? unnamed : looks.read(person)
  }
  const look = (type: string, cursor: string) => {
    const person = client.personId()
    if (person === null) unnamed[type] = cursor
    else looks.write(person, { ...looks.read(person), [type]: cursor })
  }

  /** Counts what is due, and resolves when it may be counted again. */
  async function countDue() {
    await wait(GATHER_MS)
    const types = [...due].filter((type) => watched.has(type) || of(type).isSeenFirst)
    due.clear()
    if (types.length === 0) return
    const [by, person, begun] = [persons, client.personId(), performance.now()]
    const from = lastLooks()
    const since = types.map((type) => {
      const cursor = from[type]
      return cursor === undefined ? { type } : { type, cursor }
    })
    const answer = await client.countChanges(since, Math.max(1, most))
    const tookMs = performance.now() - begun
    if (by !== persons) return
    // The answer has named the person, whose last looks are known now.
    if (person !== client.personId()) return ask(...types)
    const counts =
      answer.outcome === 'found' && Array.isArray(answer.counts) ? answer.counts.filter(isCount) : []
    for (const type of types) take(type, from[type], counts.find((count) => count.type === type) ?? null)
    notify()
    if (answer.outcome === 'unreachable') ask(...types)
    await wait(answer.outcome === 'unreachable' ? TRY_AGAIN_MS : countPauseMs(tookMs))
  }

  function take(type: string, from: string | undefined, answer: ChangedCount | null) {
    const own = of(type)
    own.isStale = answer === null
    own.at = performance.now()
    if (!answer) return
    // Another page, or this one, has looked meanwhile: it is counted anew.
    if (lastLooks()[type] !== from) return ask(type)
    own.answer = answer
    if (answer.cursor === null) return
    if (from === undefined || answer.reset) look(type, answer.cursor)
    if (own.isSeenFirst) see(type)
  }

  function see(type: string) {
    const own = of(type)
    const { answer } = own
    own.isSeenFirst = !answer
    if (!answer || answer.cursor === null) return
    look(type, answer.cursor)
    const { cursor } = answer
    own.answer = { type, count: 0, cursor }
  }

  /** Counts these in the next round. */
  function ask(...types: string[]): void {
    for (const type of types) due.add(type)
    nextRound ??= round.then(() => {
      nextRound = null
      // What a storage of the app's throws ends this round alone.
      round = countDue().catch(() => {})
      return round
    })
  }

  /** After further changes alone a full count stays full. */
  const isFull = (type: string) => {
    const { answer, at, isStale } = of(type)
    return !isStale && answer?.more === true && performance.now() - at < FULL_MS
  }

  function start() {
    stopAll = [
      client.onPersonChanged(() => {
        persons += 1
        unnamed = {}
        counted = new Map()
        shown = new Map()
        due.clear()
        queueMicrotask(notify)
      }),
      client.onEvent(({ event }) => {
        if (event.name === 'AccessRevoked')
          for (const { type } of [...event.event.lists, ...event.event.records])
            if (watched.has(type)) ask(type)
      }),
      looks.onChange(() => ask(...watched.keys())),
    ]
  }

  /** Resolves when it may be counted again. */
  function receive(type: string, isComplete: boolean) {
    if (isComplete && isFull(type)) return undefined
    ask(type)
    return nextRound
  }

  function release() {
    for (const [type, { users, stop }] of watched) {
      if (users > 0) continue
      stop()
      watched.delete(type)
      counted.delete(type)
    }
    if (watched.size > 0) return
    for (const stop of stopAll.splice(0)) stop()
    most = 0
  }

  function watch(type: string): Stop {
    const own = watched.get(type) ?? {
      users: 0,
      stop: client.onEvents(type, ({ isComplete }) => receive(type, isComplete)),
    }
    watched.set(type, own)
    own.users += 1
    return () => {
      own.users -= 1
      if (own.users === 0) setTimeout(release, RELEASE_MS)
    }
  }

  function sumOf(types: readonly string[], most: number): ChangedSince {
    const all = types.map((type) => [type, of(type)] as const)
    if (all.some(([, { answer }]) => !answer)) {
      const isFailed = all.some(([, { answer, isStale }]) => !answer && isStale)
      return isFailed ? { ...NOT_COUNTED, status: 'failed' } : NOT_COUNTED
    }
    const byType = Object.fromEntries(
      all.map(([type, { answer }]) => [
        type,
        {
          count: answer?.count == null ? null : Math.min(answer.count, most),
          isMore: answer?.more === true || (answer?.count ?? 0) > most,
        },
      ]),
    )
    const parts = Object.values(byType)
    const isUnknown = parts.some(({ count }) => count === null)
    const sum = parts.reduce((sum, { count }) => sum + (count ?? 0), 0)
    return {
      status: 'ready',
      count: isUnknown ? null : Math.min(sum, most),
      isMore: !isUnknown && (sum > most || parts.some(({ isMore }) => isMore)),
      isStale: all.some(([, { isStale }]) => isStale),
      byType,
    }
  }

  return {
    get(types, most) {
      client.personId()
      const key = JSON.stringify([types, most])
      const known = shown.get(key) ?? sumOf(types, most)
      shown.set(key, known)
      return known
    },
    subscribe(types, wanted, listener) {
      if (stopAll.length === 0) start()
      most = Math.max(most, wanted)
      const stops = [changed.add(listener), ...[...new Set(types)].map(watch)]
      return () => {
        for (const stop of stops.splice(0)) stop()
      }
    },
    markSeen(types) {
      for (const type of types) {
        see(type)
        ask(type)
      }
      notify()
    },
  }
}
