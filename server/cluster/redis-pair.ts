// The app's Redis client, whichever of the two it is, made fit to carry hints.
// Invariant: nothing that Redis does or fails to do ends the process, is waited for by a request, or piles up: a message
// that can't leave at once is dropped, and a subscription outlives every outage.
import type { Logger, RedisClient } from '../base/options.ts'
import { atMost, withinMs } from '../pacing/timeouts.ts'
import { createEcho, type RedisChannels, untilStanding } from './redis-cluster.ts'

/** Two connections of our own beside the app's. */
export interface RedisPair extends RedisChannels {
  /** Does the subscription stand, as of the last beat? */
  isUp(): boolean
  /** Messages that Redis has not answered yet. */
  depth(): number
  stop(): Promise<void>
}

export interface RedisPairOptions {
  redis: RedisClient | (() => RedisClient)
  log: Logger
  /** The subscription stands, for the first time or again. */
  onUp(): void
  /** How often the subscription's connection is asked whether it lives, in milliseconds. Default 3,000. */
  beatMs?: number
}

/** Messages in flight beyond which further ones are dropped: Redis answers in less than a millisecond, or not at all. */
const MAX_IN_FLIGHT = 256
const ANSWER_MS = 2_000
const LOG_EVERY_MS = 10_000
/** For the messages that this node still sends when it stops. */
const LAST_MESSAGES_MS = 500

const within = <T>(ms: number, work: Promise<T>): Promise<T> =>
  withinMs(ms, work, `Redis did not answer within ${ms} ms.`)

/** A message that is not sent now is of no use later; a subscription is wanted however long it takes. */
const OPTIONS = {
  publisher: {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: ANSWER_MS,
    disableOfflineQueue: true,
  },
  subscriber: { enableOfflineQueue: true, maxRetriesPerRequest: null, pingInterval: 3_000 },
}

/** Makes both connections from the app's client. */
export const createRedisPair = ({ redis, log, onUp, beatMs = 3_000 }: RedisPairOptions): RedisPair => {
  const client = typeof redis === 'function' ? redis() : redis
  // biome-ignore lint/suspicious/noExplicitAny: distinguished by shape
  const shape = client as any
  const isNodeRedis = typeof shape.pSubscribe === 'function'
  const isCluster = shape.isCluster === true || Array.isArray(shape.masters)
  const inFlight = new Set<Promise<unknown>>()
  /** When those stand that take nothing before. */
  const standing = new WeakMap<object, Promise<void>>()
  let isUp = false
  let stopped = false
  let loggedAt = Number.NEGATIVE_INFINITY

  const failed = (error: unknown) => {
    if (stopped || performance.now() - loggedAt < LOG_EVERY_MS) return
    loggedAt = performance.now()
    log.warn({ err: error }, 'Redis does not answer: other nodes learn of changes by their timers alone.')
  }

  const open = (part: 'publisher' | 'subscriber') => {
    const options = OPTIONS[part]
    // ioredis's Cluster takes start nodes first, and the options of single nodes one level down.
    const isIoCluster = isCluster && !isNodeRedis
    const made = isIoCluster
      ? shape.duplicate([], {
          redisOptions: options,
          enableOfflineQueue: options.enableOfflineQueue,
          shardedSubscribers: part === 'subscriber',
        })
      : shape.duplicate(isCluster ? { defaults: options } : options)
    made.on('error', failed)
    if (isCluster && isNodeRedis)
      standing.set(
        made,
        untilStanding(made, () => !stopped, failed),
      )
    else if (isNodeRedis || made.status === 'wait') made.connect().catch(failed)
    return made
  }

  /** Whatever becomes of it, it is counted while it is under way, and its failure ends here. */
  const send = (work: () => unknown, after?: Promise<void>): Promise<void> => {
    const settled: Promise<void> = Promise.resolve(after)
      .then(work)
      .then(() => {}, failed)
      .finally(() => inFlight.delete(settled))
    inFlight.add(settled)
    return settled
  }

  const receivers = new Map<string, (message: Buffer) => void>()
  const dispatch = (channel: Buffer | string, message: Buffer) => {
    try {
      receivers.get(channel.toString())?.(message)
    } catch (error) {
      log.error({ err: error }, 'A message of Redis could not be taken.')
    }
  }

  const publisher = open('publisher')
  const subscriber = open('subscriber')
  if (!isNodeRedis) subscriber.on(isCluster ? 'smessageBuffer' : 'messageBuffer', dispatch)

  const publish = (channel: string, message: Buffer) => {
    if (inFlight.size >= MAX_IN_FLIGHT) return
    void send(() => {
      if (!isCluster) return publisher.publish(channel, message)
      return isNodeRedis ? publisher.sPublish(channel, message) : publisher.spublish(channel, message)
    })
  }
  const subscribe = (channel: string, receive: (message: Buffer) => void) => {
    receivers.set(channel, receive)
    const receiveHere = (message: Buffer) => dispatch(channel, message)
    const ask = () => {
      if (!isNodeRedis) return isCluster ? subscriber.ssubscribe(channel) : subscriber.subscribe(channel)
      return isCluster
        ? subscriber.sSubscribe(channel, receiveHere, true)
        : subscriber.subscribe(channel, receiveHere, true)
    }
    return send(ask, standing.get(subscriber))
  }

  const comesThrough = isCluster ? createEcho({ publish, subscribe }) : null
  const ready = new Set<unknown>()

  /** Both stand; and an answer behind the subscriptions says that those stand too. */
  const announceUp = async () => {
    if (stopped || (!comesThrough && ready.size < 2)) return
    await within(ANSWER_MS, comesThrough ? comesThrough() : subscriber.ping())
    if (!comesThrough || !isUp) onUp()
    isUp = true
  }
  for (const made of [publisher, subscriber]) {
    standing.get(made)?.then(announceUp).catch(failed)
    made.on('ready', () => {
      ready.add(made)
      announceUp().catch(failed)
    })
    for (const lost of ['close', 'end']) {
      made.on(lost, () => {
        ready.delete(made)
        isUp = false
      })
    }
  }

  /** A connection into a black hole looks alive to TCP for minutes: it is asked, and opened anew if it keeps silent. */
  const beat = setInterval(async () => {
    try {
      if (comesThrough) return await announceUp()
      await within(ANSWER_MS, subscriber.ping())
      isUp = ready.size === 2
    } catch (error) {
      if (isUp) failed(error)
      isUp = false
      if (!isNodeRedis && !isCluster) subscriber.disconnect(true)
    }
  }, beatMs)
  beat.unref()

  const close = (made: { destroy?(): void; disconnect?(): unknown }) => {
    if (isNodeRedis && made.destroy) made.destroy()
    else made.disconnect?.()
  }
  return {
    publish,
    subscribe,
    isUp: () => isUp,
    depth: () => inFlight.size,
    stop: async () => {
      clearInterval(beat)
      await atMost(LAST_MESSAGES_MS, Promise.all(inFlight))
      stopped = true
      for (const made of [publisher, subscriber]) {
        try {
          close(made)
        } catch {
          // It was closed already.
        }
      }
    },
  }
}
