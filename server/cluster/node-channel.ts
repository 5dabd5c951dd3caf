// The one gate for messages between nodes, whatever carries them: sealed when it leaves, opened, bounded and
// counted when it arrives.
// Invariant: nothing that arrives throws, and nothing that no node of this database has sealed is looked into.
import type { Logger } from '../base/logger.ts'
import { createFloodGuard } from './flood.ts'
import { decodeMessage, encodeMessage, type NodeMessage } from './node-codec.ts'
import type { NodeKey } from './node-key.ts'
import { createNodeSeal, type Dropped, MAX_MESSAGE_BYTES, type NodeSeal } from './node-seal.ts'

export interface NodeChannelOptions {
  /** This node's id, a UUID. */
  nodeId: string
  readKey(): Promise<NodeKey>
  log: Logger
  /** Sends bytes to the other nodes. */
  publish(name: string, message: Buffer): void
  /** Receives what is sent under this name. */
  subscribe(name: string, receive: (message: Buffer) => void): Promise<void>
  /** `false`: this message is not of the form that its kind has. */
  receive(message: NodeMessage, from: string): boolean
  /** The key is known and the channel is subscribed. */
  onOpen(): void
  onDropped(reason: Dropped): void
}

export interface NodeChannel {
  /** Reads the key, trying until it can be read; harmless when it is asked again. */
  open(): void
  isOpen(): boolean
  /** Sends to the other nodes, if the key is known. */
  send(message: NodeMessage): void
  /** Counts one that was dropped. */
  drop(reason: Dropped): void
  stop(): void
}

const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 30_000
const LOG_EVERY_MS = 60_000

export const createNodeChannel = (options: NodeChannelOptions): NodeChannel => {
  const { nodeId, readKey, log, publish, subscribe, onOpen, onDropped } = options
  const sender = nodeId.replaceAll('-', '')
  const flood = createFloodGuard()
  let sealed: { seal: NodeSeal; name: string } | null = null
  let isAsked = false
  let isSubscribed = false
  let retry: NodeJS.Timeout | null = null
  let stopped = false
  let loggedAt = Number.NEGATIVE_INFINITY

  const drop = (reason: Dropped) => {
    onDropped(reason)
    if (performance.now() - loggedAt < LOG_EVERY_MS) return
    loggedAt = performance.now()
    log.warn(
      { reason },
      'A message between nodes was dropped; noclobber_node_messages_dropped_total counts them.',
    )
  }

  const receive = (seal: NodeSeal) => (bytes: Buffer) => {
    if (!flood.isOpen()) return drop('flood')
    const opened = seal.open(bytes)
    if (typeof opened === 'string') {
      flood.spent(bytes.length)
      return drop(opened)
    }
    const message = decodeMessage(opened.body)
    if (!message) return drop('malformed')
    const isOwn = opened.from === sender
    if (message.kind === 'hint' && isOwn) return
    try {
      if (!options.receive(message, opened.from)) drop('malformed')
    } catch (error) {
      log.error({ err: error }, 'A message of another node could not be taken.')
    }
  }

  const read = async (retryMs: number) => {
    try {
      const { key, name } = await readKey()
      if (stopped) return
      const seal = createNodeSeal({ key, sender })
      sealed = { seal, name }
      await subscribe(name, receive(seal))
      isSubscribed = true
      if (!stopped) onOpen()
    } catch (error) {
      if (stopped) return
      log.warn(
        { err: error },
        'The key of the nodes could not be read from the database: nodes exchange no messages.',
      )
      retry = setTimeout(() => void read(Math.min(2 * retryMs, MAX_RETRY_MS)), retryMs)
      retry.unref()
    }
  }

  return {
    open: () => {
      if (isAsked || stopped) return
      isAsked = true
      void read(FIRST_RETRY_MS)
    },
    isOpen: () => isSubscribed,
    send: (message) => {
      if (!sealed || stopped) return
      try {
        const bytes = sealed.seal.seal(encodeMessage(message))
        if (bytes.length > MAX_MESSAGE_BYTES) return drop('too_large')
        publish(sealed.name, bytes)
      } catch (error) {
        log.error({ err: error }, 'A message could not be sent to the other nodes.')
      }
    },
    drop,
    stop: () => {
      stopped = true
      if (retry) clearTimeout(retry)
    },
  }
}
