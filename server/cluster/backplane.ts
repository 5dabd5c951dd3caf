// Messages between nodes: wake-ups, presence, revocations, counts. Over Redis where the app gave it, else over
// whatever adapter the app's own Socket.IO server has; sealed with the database's key on either way.
// Invariant: messages are hints. Nobody waits for one for long, none is needed, and no change of a record travels here: each
// node reads the log itself, so that nothing is delivered once per node. With `relay` keys of changes travel, see log/relay.ts.
import type { Logger, RedisClient } from '../base/options.ts'
import type { WatcherServer } from '../live/watchers.ts'
import { createAppLine } from './app-line.ts'
import { type LinkedAdapter, nodeAdapter } from './node-adapter.ts'
import { createNodeChannel } from './node-channel.ts'
import type { NodeMessage } from './node-codec.ts'
import type { NodeKey } from './node-key.ts'
import type { Dropped } from './node-seal.ts'
import { createRedisLine } from './redis-line.ts'

export interface BackplaneOptions {
  redis?: RedisClient | (() => RedisClient) | undefined
  nodeId: string
  /** Reads what nodes of this database share. */
  readKey(): Promise<NodeKey>
  log: Logger
  /** A message was dropped. */
  onDropped(reason: Dropped): void
}

export interface Backplane {
  /** The database can be asked: from now on nodes receive each other's messages. Called by the first message that is sent, too. */
  open(): void
  /** A Socket.IO server of this node: it gets an adapter over Redis where it has none, so that the app's own emits go round too. */
  join(io: WatcherServer): void
  leave(io: WatcherServer): void
  /** Sends to all other nodes, as far as they can be reached. */
  send(name: string, payload?: unknown): void
  /** Receives what other nodes send under this name, as far as `read` can read it: `null` means that it is malformed. */
  on<T>(name: string, read: (payload: unknown) => T | null, receive: (message: T, from: string) => void): void
  /** Called when the way to the others stands, for the first time or again. */
  onUp(receive: () => void): void
  /** `null` where there is no Redis. */
  isUp(): boolean | null
  /** Messages that Redis has not answered. */
  depth(): number
  stop(): Promise<void>
}

/** Takes a message; `false`: it is malformed. */
type Receive = (payload: unknown, from: string) => boolean

export const createBackplane = ({ redis, nodeId, readKey, log, onDropped }: BackplaneOptions): Backplane => {
  const receivers = new Map<string, Receive>()
  const upListeners: (() => void)[] = []
  const adapters = new Set<LinkedAdapter>()

  const receive = (message: NodeMessage, from: string): boolean => {
    if (message.kind === 'hint') return receivers.get(message.name)?.(message.payload, from) ?? true
    try {
      for (const adapter of adapters) adapter.receive(message.message)
      return true
    } catch {
      return false
    }
  }
  const announceUp = () => {
    for (const adapter of adapters) adapter.init()
    for (const receiver of upListeners) receiver()
  }
  const channel = createNodeChannel({
    nodeId,
    readKey,
    log,
    receive,
    onDropped,
    onOpen: announceUp,
    publish: (name, message) => line.publish(name, message),
    subscribe: (name, receiver) => line.subscribe(name, receiver),
  })
  const Adapter = nodeAdapter({
    send: (message) => channel.send({ kind: 'adapter', message }),
    add: (adapter) => adapters.add(adapter),
    remove: (adapter) => adapters.delete(adapter),
  })
  const onUp = () => {
    if (channel.isOpen()) announceUp()
  }
  const line = redis ? createRedisLine({ redis, Adapter, log, onUp }) : createAppLine()

  let isReady = false
  const openIfLinked = () => {
    if (isReady && line.isLinked()) channel.open()
  }
  const open = () => {
    isReady = true
    openIfLinked()
  }

  return {
    open,
    join: (io) => {
      line.join(io)
      openIfLinked()
    },
    leave: line.leave,
    send: (name, payload = null) => {
      open()
      channel.send({ kind: 'hint', name, payload })
    },
    on: (name, read, receiver) => {
      receivers.set(name, (payload, from) => {
        const message = read(payload)
        if (message === null) return false
        receiver(message, from)
        return true
      })
    },
    onUp: (receiver) => {
      upListeners.push(receiver)
    },
    isUp: () => line.isUp() && channel.isOpen(),
    depth: line.depth,
    stop: async () => {
      channel.stop()
      await line.stop()
    },
  }
}
