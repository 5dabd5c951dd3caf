// Messages between nodes: wake-ups, presence, revocations, counts. Over Redis where the app gave it, else over
// whatever adapter the app's own Socket.IO server has; sealed with the database's key on either way.
// Invariant: messages are hints. Nobody waits for one, none is needed, and no change of a record travels here: each
// node reads the log itself, so that nothing is delivered once per node.
import type { Logger, RedisClient } from '../base/options.ts'
import type { WatcherServer } from '../live/watchers.ts'
import { type LinkedAdapter, nodeAdapter } from './node-adapter.ts'
import { createNodeChannel } from './node-channel.ts'
import type { NodeMessage } from './node-codec.ts'
import type { NodeKey } from './node-key.ts'
import type { Dropped } from './node-seal.ts'
import { CHANNELS } from './redis-cluster.ts'
import { createRedisPair } from './redis-pair.ts'

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

/** The name under which messages travel over an app's own adapter. */
const MESSAGE = 'noclobber'

/** Socket.IO's adapters that know of one node alone. */
const ONE_NODE = new Set(['Adapter', 'SessionAwareAdapter'])

const isOfOneNode = (io: WatcherServer) => ONE_NODE.has(io.of('/').adapter.constructor.name)

/** Takes a message; `false`: it is malformed. */
type Receive = (payload: unknown, from: string) => boolean

export const createBackplane = ({ redis, nodeId, readKey, log, onDropped }: BackplaneOptions): Backplane => {
  const receivers = new Map<string, Receive>()
  const upListeners: (() => void)[] = []
  const joined = new Set<WatcherServer>()
  const adapters = new Set<LinkedAdapter>()

  const announceUp = () => {
    for (const adapter of adapters) adapter.init()
    for (const receive of upListeners) receive()
  }
  const pair = redis
    ? createRedisPair({
        redis,
        log,
        onUp: () => {
          if (channel.isOpen()) announceUp()
        },
      })
    : null

  /** Without Redis: by the app's own adapter, which reaches every server that has one. */
  let receiveOverApp: ((message: Buffer) => void) | null = null
  // biome-ignore lint/suspicious/noExplicitAny: messages between nodes are not those of clients
  const receiveEmit = (...values: any[]) => {
    if (typeof values[0] === 'string') receiveOverApp?.(Buffer.from(values[0], 'base64'))
  }
  const emitOverApp = (message: Buffer) => {
    const io = [...joined].find((candidate) => !isOfOneNode(candidate))
    // biome-ignore lint/suspicious/noExplicitAny: messages between nodes are not those of clients
    if (io) (io as any).serverSideEmit(MESSAGE, message.toString('base64'))
  }

  const receive = (message: NodeMessage, from: string): boolean => {
    if (message.kind === 'hint') return receivers.get(message.name)?.(message.payload, from) ?? true
    try {
      for (const adapter of adapters) adapter.receive(message.message)
      return true
    } catch {
      return false
    }
  }

  const channel = createNodeChannel({
    ...{ nodeId, readKey, log, receive, onDropped },
    publish: (name, message) => {
      if (pair) pair.publish(`${CHANNELS}:${name}`, message)
      else emitOverApp(message)
    },
    subscribe: async (name, receive) => {
      if (pair) await pair.subscribe(`${CHANNELS}:${name}`, receive)
      else receiveOverApp = receive
    },
    onOpen: announceUp,
  })

  const Adapter = nodeAdapter({
    send: (message) => channel.send({ kind: 'adapter', message }),
    add: (adapter) => adapters.add(adapter),
    remove: (adapter) => adapters.delete(adapter),
  })

  let isReady = false
  /** A node alone needs no key. */
  const openIfLinked = () => {
    if (isReady && (pair || [...joined].some((io) => !isOfOneNode(io)))) channel.open()
  }
  const open = () => {
    isReady = true
    openIfLinked()
  }

  return {
    open,
    join: (io) => {
      joined.add(io)
      // biome-ignore lint/suspicious/noExplicitAny: messages between nodes are not those of clients
      if (!pair) (io as any).on(MESSAGE, receiveEmit)
      else if (isOfOneNode(io)) {
        // Socket.IO's type of an adapter is its own class's constructor alone.
        if (io.of('/').sockets.size === 0) io.adapter(Adapter as never)
        else log.warn({}, 'Attach before sockets connect: this server keeps its adapter for one node.')
      }
      openIfLinked()
    },
    leave: (io) => {
      joined.delete(io)
      // biome-ignore lint/suspicious/noExplicitAny: messages between nodes are not those of clients
      if (!pair) (io as any).off(MESSAGE, receiveEmit)
    },
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
    isUp: () => (pair ? pair.isUp() && channel.isOpen() : null),
    depth: () => pair?.depth() ?? 0,
    stop: async () => {
      channel.stop()
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
