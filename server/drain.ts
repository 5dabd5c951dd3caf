// Leaving without anybody losing anything: new work is sent elsewhere, and clients move one by one.
// Invariant: nothing that has begun is cut; no two clients are asked to come back at the same moment.
import type { WatcherServer } from './watchers.ts'

/** What {@link RecordServer.drain} takes. */
export interface DrainOptions {
  /** How long the node says that it isn't ready while it still serves all, so that proxies notice. Default 1,000. */
  noticeMs?: number
  /** Over how long the sockets are closed, in milliseconds. Default 2,000, less where there are few. */
  spreadMs?: number
}

const PER_SOCKET_MS = 5

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Closes all sockets of these servers, each at a moment of its own. */
export const closeGently = async (
  servers: Iterable<WatcherServer>,
  spreadMs: number,
  random: () => number = Math.random,
): Promise<void> => {
  const sockets = [...servers].flatMap((io) => [...io.sockets.sockets.values()])
  const spread = Math.min(spreadMs, sockets.length * PER_SOCKET_MS)
  await Promise.all(
    sockets.map(async (socket) => {
      await pause(random() * spread)
      socket.disconnect(true)
    }),
  )
}

export const createDrain = (servers: () => Iterable<WatcherServer>) => {
  let draining: Promise<void> | null = null
  return {
    isDraining: () => draining !== null,
    drain: ({ noticeMs = 1_000, spreadMs = 2_000 }: DrainOptions = {}): Promise<void> => {
      draining ??= pause(noticeMs).then(() => closeGently(servers(), spreadMs))
      return draining
    },
  }
}
