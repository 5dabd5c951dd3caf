// Sockets that send more than they may. Invariant: what they send costs no more than reading a little of it each second:
// they are not read meanwhile, their refusals take a second, and one that has sent hundreds in a moment is closed.
import { setTimeout as pause } from 'node:timers/promises'
import { createAllowance } from '../pacing/rate-limiters.ts'
import type { WatcherServer, WatcherSocket } from './watchers.ts'

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

/** A connection of engine.io, beneath sockets. */
type Connection = Pick<WatcherSocket['conn'], 'transport'>

/** Reads nothing of this connection for a second; other WebSocket engines and polling have no way to. */
const pauseReading = ({ transport }: Connection) => {
  const reader: Partial<Readable> | undefined = Reflect.get(transport, 'socket')
  if (reader?.isPaused !== false || !reader.pause || !reader.resume) return
  reader.pause()
  setTimeout(() => reader.resume?.(), SLOWLY_MS).unref()
}

/** Resolves when a message beyond the allowance may be refused: after a second. */
export const slowDown = async (socket: WatcherSocket): Promise<void> => {
  const count = (waiting.get(socket) ?? 0) + 1
  waiting.set(socket, count)
  if (count > MOST_WAITING) socket.conn.close(true)
  else pauseReading(socket.conn)
  await pause(SLOWLY_MS, undefined, { ref: false })
  waiting.set(socket, (waiting.get(socket) ?? 1) - 1)
}

/**
 * Bounds what connections send besides messages to us: events that nobody listens to, acknowledgements, namespaces that aren't there.
 * For a server of ours alone: an app's own sockets send what they like. Returns its dispose function.
 */
export const limitFrames = (io: WatcherServer, perSecond: number): (() => void) => {
  const allowed = createAllowance(perSecond)
  function onPacket(this: Connection) {
    if (!allowed(this)) pauseReading(this)
  }
  const onConnection = (connection: Connection & { on(name: string, listener: () => void): void }) =>
    connection.on('packet', onPacket)
  io.engine.on('connection', onConnection)
  return () => io.engine.off('connection', onConnection)
}
