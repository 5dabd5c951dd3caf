// Connections that take in less than they are sent.
// Invariant: what waits for one connection has a bound; beyond it the connection is closed, and its client comes back
// and asks where it stands.
import type { Limits, Logger } from '../base/options.ts'
import { type SocketWatcher, watchersOf } from './socket-watchers.ts'
import type { WatcherServer, WatcherSocket } from './watchers.ts'

export interface SlowReaderOptions {
  io: WatcherServer
  limits: Pick<Limits, 'bufferedBytes'>
  log: Logger
  onClosed(): void
}

const LOOK_MS = 1_000

/** What waits in this process to be sent to a socket, in bytes. */
const bufferedBytes = (socket: WatcherSocket): number => {
  // Parts that engine.io's types keep private.
  const queue: { data?: string | Buffer }[] = Reflect.get(socket.conn, 'writeBuffer')
  const reader: { bufferedAmount?: number } | undefined = Reflect.get(socket.conn.transport, 'socket')
  return queue.reduce((sum, { data }) => sum + (data?.length ?? 0), 0) + (reader?.bufferedAmount ?? 0)
}

/** At once, without waiting for what is still to be sent. */
const closeNow = ({ socket }: SocketWatcher, log: Logger) => {
  try {
    socket.conn.close(true)
  } catch (error) {
    log.warn({ err: error }, 'What listens to a socket failed.')
  }
}

/** Looks each second until stopped. */
export const closeSlowReaders = ({ io, limits, log, onClosed }: SlowReaderOptions): (() => void) => {
  const timer = setInterval(() => {
    for (const watcher of watchersOf(io).values()) {
      const { socket } = watcher
      const bytes = bufferedBytes(socket)
      if (bytes <= limits.bufferedBytes) continue
      log.warn({ socket: socket.id, bytes }, 'A connection reads too slowly and was closed.')
      closeNow(watcher, log)
      onClosed()
    }
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}
