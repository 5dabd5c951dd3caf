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

/** Where adapters of Socket.IO begin: every other one extends this, also that of another copy of the package. */
const isRoot = (at: object): boolean =>
  Object.hasOwn(at, 'serverSideEmit') && !('serverSideEmit' in Object.getPrototypeOf(at))

/**
 * Socket.IO's own adapters know of one node alone: the root of all, and the one that keeps sessions in memory. Not by the names of
 * their classes, which a bundler's minifier takes away.
 */
export const isOfOneNode = (io: WatcherServer): boolean => {
  const adapter = Object.getPrototypeOf(io.of('/').adapter)
  if (isRoot(adapter)) return true
  const keepsSessions = Object.hasOwn(adapter, 'restoreSession') && !Object.hasOwn(adapter, 'serverSideEmit')
  return keepsSessions && isRoot(Object.getPrototypeOf(adapter))
}
