// How many requests a person, and an address, may send.
// Invariant: the answer is given from this process's memory at once. What other nodes counted is learned from Redis on
// the side, so that a limit holds for all nodes together and no request ever waits for Redis.
import type { IncomingMessage } from 'node:http'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import type { Limits } from '../base/options.ts'
import type { Actor } from '../base/record-type.ts'
import { createWindow } from '../pacing/rate-limiters.ts'
import { atMost } from '../pacing/timeouts.ts'

export interface RequestLimits {
  /** Seconds to wait, or `null` where this request may pass. */
  byAddress(request: IncomingMessage): number | null
  /** Seconds to wait, or `null` where this person's request may pass. */
  byPerson(actor: Actor): number | null
  stop(): void
}

export interface RequestLimitsOptions {
  limits: Pick<Limits, 'requestsPerPerson' | 'requestsPerAddress'>
  // biome-ignore lint/suspicious/noExplicitAny: the limiter takes either library's client
  redis: any
  isRedisUp(): boolean
}

const WINDOW_S = 60
const SHARE_MS = 500
/** A round that takes longer is left to itself, and the next one begins. */
const SHARED_WITHIN_MS = 10_000
/** Keys that wait to be shared. */
const MOST_UNSHARED = 10_000

const createLimit = (name: string, most: number, { redis, isRedisUp }: RequestLimitsOptions) => {
  const isLimited = Number.isFinite(most)
  const points = isLimited ? most : 1
  const here = createWindow(points, WINDOW_S * 1_000)
  const everywhere = redis
    ? new RateLimiterRedis({
        storeClient: redis,
        useRedisPackage: typeof redis.pSubscribe === 'function',
        keyPrefix: `noclobber:${name}`,
        points,
        duration: WINDOW_S,
      })
    : null
  const unshared = new Map<string, number>()

  let isSharing = false

  const shareCounts = async (counts: [string, number][]) => {
    for (const [key, count] of counts) {
      const { consumedPoints, msBeforeNext } = await (everywhere as RateLimiterRedis).penalty(key, count)
      if (consumedPoints > points) here.block(key, msBeforeNext)
    }
  }

  /** One round at a time: where Redis is slow, rounds would pile up. What can't be shared is counted here alone. */
  const share = async () => {
    if (!everywhere || isSharing || unshared.size === 0) return
    const counts = [...unshared]
    unshared.clear()
    if (!isRedisUp()) return
    isSharing = true
    await atMost(SHARED_WITHIN_MS, shareCounts(counts))
    isSharing = false
  }
  const timer = everywhere && isLimited ? setInterval(share, SHARE_MS) : null
  timer?.unref()

  return {
    stop: () => {
      if (timer) clearInterval(timer)
    },
    spend: (key: string): number | null => {
      if (!isLimited) return null
      if (everywhere && (unshared.size < MOST_UNSHARED || unshared.has(key)))
        unshared.set(key, (unshared.get(key) ?? 0) + 1)
      const waitMs = here.spend(key)
      return waitMs === null ? null : Math.max(1, Math.ceil(waitMs / 1_000))
    },
  }
}

export const createRequestLimits = (options: RequestLimitsOptions): RequestLimits => {
  const { requestsPerPerson, requestsPerAddress } = options.limits
  const people = createLimit('person', requestsPerPerson, options)
  const addresses = createLimit('address', requestsPerAddress, options)
  return {
    byAddress: (request) => {
      // Behind Express `ip` follows the app's own `trust proxy`; without the header both are one.
      const { ip } = request.headers['x-forwarded-for'] === undefined ? {} : (request as { ip?: string })
      return addresses.spend(ip ?? request.socket.remoteAddress ?? '')
    },
    byPerson: ({ tenantId, id }) => people.spend(JSON.stringify([tenantId, id])),
    stop: () => {
      people.stop()
      addresses.stop()
    },
  }
}
