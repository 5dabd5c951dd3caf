// What nodes tell each other: wake-ups, presence, revocations. Over Redis where the app gave it, else over whatever
// adapter the app's own Socket.IO server has.
// Invariant: messages are hints. Nobody waits for one, none is needed, and no change of a record travels here: each
// node reads the log itself, so that nothing is delivered once per node.
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter'
import { Server } from 'socket.io'
import type { Log, RedisClient } from '../base/options.ts'
import type { WatcherServer } from '../live/watchers.ts'
import { CARRIER_KEY } from './redis-cluster.ts'
import { createRedisPair } from './redis-pair.ts'

export interface BackplaneOptions {
  redis?: RedisClient | (() => RedisClient) | undefined
  log: Log
}

export interface Backplane {
  /** A Socket.IO server of this node: it gets the Redis adapter where it has none, so that the app's own emits go round too. */
  join(io: WatcherServer): void
  leave(io: WatcherServer): void
  /** Tells all other nodes, as far as they can be reached. */
  send(name: string, payload?: unknown): void
  /** Hears what other nodes send under this name. */
  on(name: string, hear: (payload: unknown) => void): void
  /** Called when the way to the others stands, for the first time or again. */
  onUp(hear: () => void): void
  /** `null` where there is no Redis. */
  isUp(): boolean | null
  /** Messages that Redis has not answered. */
  depth(): number
  /** A client for counting, where there is Redis. */
  client: unknown
  stop(): Promise<void>
}

const MESSAGE = 'noclobber'

/** Socket.IO's adapters that know of one node alone. */
const LONELY = new Set(['Adapter', 'SessionAwareAdapter'])

const isLonely = (io: WatcherServer) => LONELY.has(io.of('/').adapter.constructor.name)

export const createBackplane = ({ redis, log }: BackplaneOptions): Backplane => {
  const hearers = new Map<string, ((payload: unknown) => void)[]>()
  const upHearers: (() => void)[] = []
  const joined = new Set<WatcherServer>()
  const pair = redis
    ? createRedisPair({
        redis,
        log,
        onUp: () => {
          for (const hear of upHearers) hear()
        },
      })
    : null

  const adapterWithKey = (key: string) => {
    if (!pair) return null
    const { publisher, subscriber, isCluster } = pair
    return isCluster
      ? createShardedAdapter(publisher, subscriber, { channelPrefix: key, subscriptionMode: 'static' })
      : createAdapter(publisher, subscriber, { key })
  }

  const hear = (...values: unknown[]) => {
    const [name, payload] = values
    if (typeof name !== 'string') return
    for (const hearer of hearers.get(name) ?? []) {
      try {
        hearer(payload)
      } catch (error) {
        log.error({ error, name }, 'A message of another node could not be taken.')
      }
    }
  }

  /** With Redis a server without sockets carries the messages: a node that serves none hears and tells too. */
  const ownAdapter = adapterWithKey(CARRIER_KEY)
  const carrier = ownAdapter
    ? (new Server({ adapter: ownAdapter as never }) as unknown as WatcherServer)
    : null
  // biome-ignore lint/suspicious/noExplicitAny: messages between nodes are not those of clients
  const listenOn = (io: any) => io.on(MESSAGE, hear)
  // biome-ignore lint/suspicious/noExplicitAny: messages between nodes are not those of clients
  const ignoreOn = (io: any) => io.off(MESSAGE, hear)
  if (carrier) listenOn(carrier)

  return {
    join: (io) => {
      joined.add(io)
      const adapter = adapterWithKey('socket.io')
      if (adapter && isLonely(io)) {
        if (io.of('/').sockets.size === 0) io.adapter(adapter as never)
        else log.warn({}, 'Attach before sockets connect: this server keeps its adapter for one node.')
      }
      if (!carrier) listenOn(io)
    },
    leave: (io) => {
      joined.delete(io)
      if (!carrier) ignoreOn(io)
    },
    send: (name, payload = null) => {
      const io = carrier ?? [...joined].find((candidate) => !isLonely(candidate))
      // biome-ignore lint/suspicious/noExplicitAny: messages between nodes are not those of clients
      if (io) (io as any).serverSideEmit(MESSAGE, name, payload)
    },
    on: (name, hearer) => {
      hearers.set(name, [...(hearers.get(name) ?? []), hearer])
    },
    onUp: (hearer) => {
      upHearers.push(hearer)
    },
    isUp: () => pair?.isUp() ?? null,
    depth: () => pair?.depth() ?? 0,
    client: pair?.publisher ?? null,
    stop: async () => {
      if (carrier) ignoreOn(carrier)
      await pair?.stop()
    },
  }
}

/** Runs at once, and then at most once in each gap, however often it is asked. */
export const atMostEvery = (gapMs: number, run: () => void): (() => void) => {
  let timer: NodeJS.Timeout | null = null
  let asked = false
  const turn = () => {
    timer = null
    if (!asked) return
    asked = false
    timer = setTimeout(turn, gapMs)
    run()
  }
  return () => {
    asked = true
    if (!timer) turn()
  }
}
