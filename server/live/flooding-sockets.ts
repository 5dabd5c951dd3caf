// Sockets that send more than they may. Invariant: what they send costs no more than reading a little of it each second:
// they are not read meanwhile, their refusals take a second, and one that has sent hundreds in a moment is closed.
import { setTimeout as pause } from 'node:timers/promises'
import type { WatcherSocket } from './watchers.ts'

const SLOWLY_MS = 1_000
/** A socket's refusals that wait; more is no client's mistake. */
const MOST_WAITING = 500

/** A `ws` WebSocket, where the transport is one. */
interface Readable {
  isPaused: boolean
  pause(): void
  resume(): void
}

const waiting = new WeakMap<object, number>()

/** Reads nothing of this socket for a second; other WebSocket engines and polling have no way to. */
const pauseReading = (socket: WatcherSocket) => {
  const reader: Partial<Readable> | undefined = Reflect.get(socket.conn.transport, 'socket')
  if (reader?.isPaused !== false || !reader.pause || !reader.resume) return
  reader.pause()
  setTimeout(() => reader.resume?.(), SLOWLY_MS).unref()
}

/** Resolves when a message beyond the allowance may be refused: after a second. */
export const slowDown = async (socket: WatcherSocket): Promise<void> => {
  const count = (waiting.get(socket) ?? 0) + 1
  waiting.set(socket, count)
  if (count > MOST_WAITING) socket.conn.close(true)
  else pauseReading(socket)
  await pause(SLOWLY_MS, undefined, { ref: false })
  waiting.set(socket, (waiting.get(socket) ?? 1) - 1)
}
