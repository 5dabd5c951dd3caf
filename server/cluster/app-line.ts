// Messages between nodes without Redis: by an adapter that the app's own Socket.IO server has, which reaches every server
// that has one.
import type { WatcherServer } from '../live/watchers.ts'
import { isOfOneNode, type NodeLine } from './node-line.ts'

/** The name under which messages travel. */
const MESSAGE = 'noclobber'

export const createAppLine = (): NodeLine => {
  const joined = new Set<WatcherServer>()
  let receive: ((message: Buffer) => void) | null = null
  // biome-ignore lint/suspicious/noExplicitAny: messages between nodes are not those of clients
  const receiveEmit = (...values: any[]) => {
    if (typeof values[0] === 'string') receive?.(Buffer.from(values[0], 'base64'))
  }
  const linked = () => [...joined].find((io) => !isOfOneNode(io))
  return {
    publish: (_name, message) => {
      // biome-ignore lint/suspicious/noExplicitAny: messages between nodes are not those of clients
      const io: any = linked()
      io?.serverSideEmit(MESSAGE, message.toString('base64'))
    },
    subscribe: async (_name, receiver) => {
      receive = receiver
    },
    join: (io) => {
      joined.add(io)
      // biome-ignore lint/suspicious/noExplicitAny: messages between nodes are not those of clients
      ;(io as any).on(MESSAGE, receiveEmit)
    },
    leave: (io) => {
      joined.delete(io)
      // biome-ignore lint/suspicious/noExplicitAny: messages between nodes are not those of clients
      ;(io as any).off(MESSAGE, receiveEmit)
    },
    isLinked: () => linked() !== undefined,
    isUp: () => null,
    depth: () => 0,
    stop: async () => {},
  }
}
