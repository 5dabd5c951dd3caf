// What is different where Redis is a cluster: channels belong to shards, nobody answers for the whole, and node-redis
// takes no subscription before it stands.
// Invariant: the way to the others counts as up only while a message that was sent into it comes out again.
import { randomUUID } from 'node:crypto'

/** The adapter's channel for messages between nodes, by its prefix. */
export const CARRIER_KEY = 'noclobber'

/** A cluster hashes what is in braces: this channel lies where the carrier's own lies, so it stands and falls with it. */
const beatChannel = () => `{${CARRIER_KEY}#/#}beat#${randomUUID()}`

const RETRY_MS = 1_000
/** Questions whether messages come through that are open at a time. */
const MOST_WAITING = 8

// biome-ignore lint/suspicious/noExplicitAny: either library's, told apart by shape
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
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}

/** Asks whether messages come through: resolves when one has. */
export const createEcho = (publisher: Client, subscriber: Client) => {
  const channel = beatChannel()
  const waiting = new Set<() => void>()
  const hear = () => {
    for (const go of waiting) go()
    waiting.clear()
  }
  const isNodeRedis = typeof subscriber.sSubscribe === 'function'
  if (isNodeRedis) subscriber.sSubscribe(channel, hear)
  else {
    subscriber.on('smessage', (from: string) => {
      if (from === channel) hear()
    })
    subscriber.ssubscribe(channel)
  }
  return async (): Promise<void> => {
    // Those of an outage get no answer, and nobody waits for them any more.
    if (waiting.size >= MOST_WAITING) waiting.delete(waiting.values().next().value as () => void)
    const back = new Promise<void>((resolve) => waiting.add(resolve))
    await (isNodeRedis ? publisher.sPublish(channel, '') : publisher.spublish(channel, ''))
    await back
  }
}
