// What is different where Redis is a cluster: channels belong to shards, nobody answers for the whole, and node-redis
// takes no subscription before it stands.
// Invariant: the way to the others counts as up only while a message that was sent into it comes out again.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

/** A cluster hashes what is in braces: all channels lie on one shard, so the beat stands and falls with the messages. */
export const CHANNELS = '{noclobber}'

const beatChannel = () => `${CHANNELS}:beat:${randomUUID()}`

/** Messages by channel, on Redis. */
export interface RedisChannels {
  /** Sends a message, or drops it where Redis doesn't answer. */
  publish(channel: string, message: Buffer): void
  /** Subscribes to a channel, again after each outage. Resolves once Redis has said so; never rejects. */
  subscribe(channel: string, receive: (message: Buffer) => void): Promise<void>
}

const RETRY_MS = 1_000
/** Questions whether messages come through that are open at a time. */
const MOST_WAITING = 8

// biome-ignore lint/suspicious/noExplicitAny: either library's, distinguished by shape
type Client = any

/** Opens a node-redis cluster, trying until it stands or is no longer wanted. */
export const untilStanding = async (
  client: Client,
  isWanted: () => boolean,
  onFailed: (error: unknown) => void,
): Promise<void> => {
  while (isWanted()) {
    try {
      return await client.connect()
    } catch (error) {
      onFailed(error)
      await pause(RETRY_MS)
    }
  }
}

/** Asks whether messages come through: resolves when one has. What a beat says is of no matter, nor who sent it. */
export const createEcho = ({ publish, subscribe }: RedisChannels) => {
  const channel = beatChannel()
  const waiting = new Set<() => void>()
  void subscribe(channel, () => {
    for (const go of waiting) go()
    waiting.clear()
  })
  return (): Promise<void> => {
    // Those of an outage get no answer, and nobody waits for them any more.
    if (waiting.size >= MOST_WAITING) waiting.delete(waiting.values().next().value as () => void)
    const back = new Promise<void>((resolve) => waiting.add(resolve))
    publish(channel, Buffer.from('beat'))
    return back
  }
}
