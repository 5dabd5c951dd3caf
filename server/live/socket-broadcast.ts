// One event to many sockets of this node: encoded once, framed once, and written straight to each connection; of several
// events that are told together, each connection gets its own in one piece.
// Invariant: a connection gets its packets in order. Whatever isn't plainly writable (long polling, an upgrade under way,
// something still queued, compression) goes the way that Socket.IO itself would send it.
import type { Socket } from 'socket.io'
import type { ServerEvents } from '../protocol/index.ts'
import { watchersOf } from './socket-watchers.ts'
import type { Audience, WatcherServer } from './watchers.ts'

/** The parts of engine.io's connection that are looked at. */
interface Engine {
  readyState: string
  upgrading: boolean
  writeBuffer: unknown[]
  transport: {
    name: string
    writable: boolean
    perMessageDeflate: unknown
    socket?: { _sender?: { _socket?: Wire; _queue?: unknown[] } }
  }
}

/** The part of a connection's stream that is used. */
interface Wire {
  writable: boolean
  write(data: Buffer): boolean
  cork(): void
  uncork(): void
}

const FINAL_TEXT = 0x81

/** A text message as a WebSocket server sends it (RFC 6455, 5.2): final, unmasked. */
export const textFrame = (text: string): Buffer => {
  const length = Buffer.byteLength(text)
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(head + length)
  frame[0] = FINAL_TEXT
  if (head === 2) frame[1] = length
  else if (head === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, head)
  return frame
}

/** The connection's own stream, where nothing stands between it and a finished frame. */
const wireOf = (socket: Pick<Socket, 'conn'>) => {
  const { readyState, upgrading, writeBuffer, transport } = socket.conn as unknown as Engine
  if (readyState !== 'open' || upgrading || writeBuffer.length > 0) return null
  if (transport.name !== 'websocket' || !transport.writable || transport.perMessageDeflate) return null
  const sender = transport.socket?._sender
  return sender?._socket?.writable && (sender._queue?.length ?? 0) === 0 ? sender._socket : null
}

/** Frames that are held back at most, of all connections together. */
const MOST_HELD = 10_000

const holding = new Set<Wire>()
let held = 0
let isTogether = false

const release = () => {
  for (const wire of holding) wire.uncork()
  holding.clear()
  held = 0
}

const write = (wire: Wire, frame: Buffer) => {
  if (isTogether && !holding.has(wire)) {
    holding.add(wire)
    wire.cork()
  }
  wire.write(frame)
  if (!isTogether) return
  held += 1
  if (held >= MOST_HELD) release()
}

/** What connections are told in `work` leaves at its end, in one piece for each. One event alone leaves sooner without. */
export const together = (work: () => void): void => {
  isTogether = true
  try {
    work()
  } finally {
    isTogether = false
    release()
  }
}

/** Engine.IO's type of a message, Socket.IO's type of an event. */
const EVENT = '42'

/** Whether a socket may be met again: only in another room. */
const mayRecur = (rooms: string[]) => rooms.length > 1

/** Tells whoever is in any of the rooms, once each. */
export const broadcastToRooms = <Name extends keyof ServerEvents>(
  io: WatcherServer,
  rooms: string[],
  except: string[],
  name: Name,
  ...event: Parameters<ServerEvents[Name]>
): void => {
  const { adapter } = io.of('/')
  const watchers = watchersOf(io)
  const told = new Set(except)
  const isRecurring = mayRecur(rooms)
  let frame: Buffer | null = null
  for (const room of rooms) {
    for (const id of adapter.rooms.get(room) ?? []) {
      if (told.has(id)) continue
      if (isRecurring) told.add(id)
      const watcher = watchers.get(id)
      if (!watcher) continue
      const wire = wireOf(watcher.socket)
      if (wire) {
        frame ??= textFrame(EVENT + JSON.stringify([name, ...event]))
        write(wire, frame)
      } else watcher.emit(name, ...event)
    }
  }
}

/** This node's own sockets. */
export const socketAudience = (io: WatcherServer): Audience => ({
  rooms: () => io.of('/').adapter.rooms,
  watchers: () => watchersOf(io),
  tell: (rooms, except, name, ...event) => {
    broadcastToRooms(io, rooms, except, name, ...event)
  },
  // Each socket is in the room of its own id.
  tellEach: (ids, name, ...event) => {
    broadcastToRooms(io, ids, [], name, ...event)
  },
})
