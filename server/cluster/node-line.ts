// What carries messages between nodes: Redis, or an adapter that the app's own Socket.IO server has.
import type { WatcherServer } from '../live/watchers.ts'

export interface NodeLine {
  /** Sends bytes to the other nodes, as far as they can be reached. */
  publish(name: string, message: Buffer): void
  /** Receives what is sent under this name. */
  subscribe(name: string, receive: (message: Buffer) => void): Promise<void>
  /** A Socket.IO server of this node. */
  join(io: WatcherServer): void
  leave(io: WatcherServer): void
  /** May it lead to other nodes? A node alone needs no key. */
  isLinked(): boolean
  /** `null` where there is no Redis. */
  isUp(): boolean | null
  /** Messages that Redis has not answered. */
  depth(): number
  stop(): Promise<void>
}

/** Socket.IO's adapters that know of one node alone. */
const ONE_NODE = new Set(['Adapter', 'SessionAwareAdapter'])

export const isOfOneNode = (io: WatcherServer): boolean => ONE_NODE.has(io.of('/').adapter.constructor.name)
