// How many requests a person, and an address, may send.
// Invariant: the answer is given from this process's memory at once. Nodes send each other what they have counted,
// so that a limit holds for all nodes together, no request ever waits, and nobody else can raise a count.
import type { Limits } from '../base/options.ts'
import type { Actor } from '../base/record-type.ts'
import type { Backplane } from '../cluster/backplane.ts'
import { isCount, isObject, isText, MAX_ID, readEach } from '../cluster/node-messages.ts'
import { personKey } from '../pacing/person.ts'
import { createWindow } from '../pacing/rate-limiters.ts'

export interface RequestLimits {
  /** Seconds to wait, or `null` where this request may pass. */
  byAddress(address: string): number | null
  /** Seconds to wait, or `null` where this person's request may pass. */
  byPerson(actor: Actor): number | null
  stop(): void
}

export interface RequestLimitsOptions {
  limits: Pick<Limits, 'requestsPerPerson' | 'requestsPerAddress'>
  backplane: Pick<Backplane, 'send' | 'on' | 'isUp'>
}

/** Requests that a node has counted since it last sent its counts. */
interface CountedRequests {
  limit: string
  counts: [key: string, count: number][]
}

const MAX_KEY = 3 * MAX_ID
/** Keys of one message. */
const MAX_COUNTS = 1_000

const readCount = (value: unknown): [string, number] | null =>
  Array.isArray(value) && isText(value[0], MAX_KEY) && isCount(value[1]) ? [value[0], value[1]] : null

const readCounts = (value: unknown): CountedRequests | null => {
  if (!isObject(value) || !isText(value.limit, MAX_ID)) return null
  const counts = readEach(value.counts, MAX_COUNTS, readCount)
  return counts && { limit: value.limit, counts }
}

const WINDOW_S = 60
const SHARE_MS = 500
/** Keys that wait to be shared. */
const MOST_UNSHARED = 10_000
const MESSAGE = 'counts'

const createLimit = (name: string, most: number, { backplane }: RequestLimitsOptions) => {
  const isLimited = Number.isFinite(most)
  const here = createWindow(isLimited ? most : 1, WINDOW_S * 1_000)
  const isShared = isLimited && backplane.isUp() !== null
  const unshared = new Map<string, number>()

  const share = () => {
    const counts = [...unshared]
    unshared.clear()
    if (!backplane.isUp()) return
    for (let at = 0; at < counts.length; at += MAX_COUNTS)
      backplane.send(MESSAGE, { limit: name, counts: counts.slice(at, at + MAX_COUNTS) })
  }
  const timer = isShared ? setInterval(share, SHARE_MS) : null
  timer?.unref()

  return {
    stop: () => {
      if (timer) clearInterval(timer)
    },
    spend: (key: string): number | null => {
      if (!isLimited) return null
      if (isShared && (unshared.size < MOST_UNSHARED || unshared.has(key)))
        unshared.set(key, (unshared.get(key) ?? 0) + 1)
      const waitMs = here.spend(key)
      return waitMs === null ? null : Math.max(1, Math.ceil(waitMs / 1_000))
    },
    /** Another node has counted these. */
    add: (counts: [key: string, count: number][]) => {
      if (isLimited) for (const [key, count] of counts) here.spend(key, count)
    },
  }
}

export const createRequestLimits = (options: RequestLimitsOptions): RequestLimits => {
  const { requestsPerPerson, requestsPerAddress } = options.limits
  const people = createLimit('person', requestsPerPerson, options)
  const addresses = createLimit('address', requestsPerAddress, options)
  options.backplane.on(MESSAGE, readCounts, ({ limit, counts }) => {
    if (limit === 'person') people.add(counts)
    if (limit === 'address') addresses.add(counts)
  })
  return {
    byAddress: (address) => addresses.spend(address),
    byPerson: (actor) => people.spend(personKey(actor)),
    stop: () => {
      people.stop()
      addresses.stop()
    },
  }
}
