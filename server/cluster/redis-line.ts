// Messages between nodes over the app's Redis. A Socket.IO server that has no adapter of the app's gets one, so that the
// app's own emits go round too.
import type { Logger, RedisClient } from '../base/options.ts'
import type { nodeAdapter } from './node-adapter.ts'
import { isOfOneNode, type NodeLine } from './node-line.ts'
import { CHANNELS } from './redis-cluster.ts'
import { createRedisPair } from './redis-pair.ts'

export interface RedisLineOptions {
  redis: RedisClient | (() => RedisClient)
  /** For Socket.IO servers without one of the app's. */
  Adapter: ReturnType<typeof nodeAdapter>
  log: Logger
  /** The subscription stands, for the first time or again. */
  onUp(): void
}

export const createRedisLine = ({ redis, Adapter, log, onUp }: RedisLineOptions): NodeLine => {
  const pair = createRedisPair({ redis, log, onUp })
  return {
    publish: (name, message) => pair.publish(`${CHANNELS}:${name}`, message),
    subscribe: (name, receive) => pair.subscribe(`${CHANNELS}:${name}`, receive),
    join: (io) => {
      if (!isOfOneNode(io)) return
      // Socket.IO's type of an adapter is its own class's constructor alone.
      if (io.of('/').sockets.size === 0) io.adapter(Adapter as never)
      else log.warn({}, 'Attach before sockets connect: this server keeps its adapter for one node.')
    },
    leave: () => {},
    isLinked: () => true,
    isUp: pair.isUp,
    depth: pair.depth,
    stop: pair.stop,
  }
}
