// One event to many sockets of this node: encoded once, framed once, and written straight to each connection; of several
// events that are sent together, each connection gets its own in one piece.
// Invariant: a connection gets its packets in order. Whatever isn't plainly writable (long polling, an upgrade under way,
// something still queued, compression) goes the way that Socket.IO itself would send it.
//
// Relies on inner parts of engine.io (tried with 6.6.11: `conn.readyState`, `upgrading`, `writeBuffer`, `transport.socket`) and
// of ws (tried with 8.23.0: `_sender._socket`, `_sender._queue`). Where one of them isn't there, `shortcuts.frames` turns itself
// off and each event is Socket.IO's `emit`. It gains 0.08 to 0.26 of a room's emit for one event, 0.38 to 0.83 for 20 together:
// docs/decisions/017-fan-out.md.
import type { Socket } from 'socket.io'
import type { Shortcut } from '../base/shortcuts.ts'
import type { ServerEvents } from '../protocol/index.ts'
import { watchersOf } from './socket-watchers.ts'
import type { Audience, WatcherServer } from './watchers.ts'

/** The parts of engine.io's connection that are looked at, as far as they are there. */
interface Engine {
  readyState?: unknown
  upgrading?: unknown
  writeBuffer?: unknown
  transport?: {
    name?: unknown
    writable?: unknown
    perMessageDeflate?: unknown
    socket?: { _sender?: { _socket?: Partial<Wire>; _queue?: unknown } }
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

const isWire = (stream: Partial<Wire> | undefined): stream is Wire =>
  typeof stream?.writable === 'boolean' &&
  typeof stream.write === 'function' &&
  typeof stream.cork === 'function' &&
  typeof stream.uncork === 'function'

/**
 * The connection's own stream, where nothing stands between it and a finished frame; `null` where something does at this
 * moment; `undefined` where engine.io or ws has other inner parts.
 */
const wireOf = (conn: Engine): Wire | null | undefined => {
  const { readyState, upgrading, writeBuffer, transport } = conn
  if (typeof readyState !== 'string' || typeof upgrading !== 'boolean' || !Array.isArray(writeBuffer))
    return undefined
  if (readyState !== 'open' || upgrading || writeBuffer.length > 0) return null
  if (transport?.name !== 'websocket' || transport.perMessageDeflate) return null
  if (typeof transport.writable !== 'boolean') return undefined
  if (!transport.writable) return null
  const sender = transport.socket?._sender
  if (!Array.isArray(sender?._queue) || !isWire(sender._socket)) return undefined
  return sender._socket.writable && sender._queue.length === 0 ? sender._socket : null
}

const wireOfSocket = (socket: Pick<Socket, 'conn'>, shortcut: Shortcut): Wire | null => {
  // The parts are private in engine.io's types.
  const wire = wireOf(socket.conn as unknown as Engine)
  if (wire === undefined) shortcut.turnOff()
  return wire ?? null
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

/** What is sent to connections in `work` leaves at its end, in one piece for each. One event alone leaves sooner without. */
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

/** A socket can come up twice only where there are several rooms. */
const mayRecur = (rooms: string[]) => rooms.length > 1

/** This node's own sockets. Without a shortcut that is on, each event is Socket.IO's `emit`. */
export const socketAudience = (io: WatcherServer, shortcut?: Shortcut): Audience => {
  /** Sends to everybody in any of the rooms, once each. */
  const broadcast = <Name extends keyof ServerEvents>(
    rooms: string[],
    except: string[],
    name: Name,
    event: Parameters<ServerEvents[Name]>,
  ): void => {
    const { adapter } = io.of('/')
    const watchers = watchersOf(io)
    const sentTo = new Set(except)
    const isRecurring = mayRecur(rooms)
    let frame: Buffer | null = null
    for (const room of rooms) {
      for (const id of adapter.rooms.get(room) ?? []) {
        if (sentTo.has(id)) continue
        if (isRecurring) sentTo.add(id)
        const watcher = watchers.get(id)
        if (!watcher) continue
        const wire = shortcut?.isOn() ? wireOfSocket(watcher.socket, shortcut) : null
        if (wire) {
          frame ??= textFrame(EVENT + JSON.stringify([name, ...event]))
          write(wire, frame)
        } else watcher.emit(name, ...event)
      }
    }
  }
  return {
    rooms: () => io.of('/').adapter.rooms,
    watchers: () => watchersOf(io),
    publish: (rooms, except, name, ...event) => broadcast(rooms, except, name, event),
    // Each socket is in the room of its own id.
    publishTo: (ids, name, ...event) => broadcast(ids, [], name, event),
  }
}
