// A plain socket.io-client that keeps what it received. "Received nothing" is known by a mark: a record made after the
// change in question, whose event comes after all that went before it.
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import { atEnd } from './at-end.ts'
import { waitFor } from './wait-for.ts'

/** One event as it came. */
export interface Received {
  name: string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  event: any
}

/** The part of an app that a client needs. */
export interface WatchedApp {
  origin: string
  sql(text: string): Promise<{ id: number }[]>
}

export interface WatcherOptions {
  as?: string
  tabId?: string
  transports?: ('polling' | 'websocket')[]
  options?: Partial<ManagerOptions & SocketOptions>
}

export interface TestWatcher {
  socket: Socket
  /** Without heartbeats, which come when they come. */
  received: Received[]
  /** Sends a message and gives its acknowledgement. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  ask(name: string, message?: unknown): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  watch(...records: [type: string, id: string][]): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  watchList(type: string, scope?: Record<string, string>): Promise<any>
  /** Waits for an event, and gives it. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  receives(name: string, match?: Record<string, unknown>, deadlineMs?: number): Promise<any>
  /** Everything that went before has arrived; gives what was received, marks and heartbeats left out. */
  flushed(): Promise<Received[]>
  /** The same, and forgets what was received. */
  forget(): Promise<void>
}

const fits = (event: Record<string, unknown>, match: Record<string, unknown>) =>
  Object.entries(match).every(([key, value]) => event[key] === value)

/** A client of the app that doesn't connect by itself. */
export const clientOf = (origin: string, options: WatcherOptions = {}): Socket =>
  io(origin, {
    transports: options.transports ?? ['websocket'],
    auth: { token: options.as ?? 'alice', tab_id: options.tabId },
    reconnection: false,
    forceNew: true,
    autoConnect: false,
    ...options.options,
  })

/** Connects, or throws what the server said. */
export async function connectWatcher(app: WatchedApp, options: WatcherOptions = {}): Promise<TestWatcher> {
  const socket = clientOf(app.origin, options)
  atEnd(() => socket.disconnect())
  const received: Received[] = []
  const marks = new Set<string>()
  let marking = false
  socket.onAny((name, event) => {
    if (event?.type === 'mark') marks.add(event.id)
    else if (name !== 'Heartbeat') received.push({ name, event })
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', reject)
    socket.connect()
  })
  const ask: TestWatcher['ask'] = (name, message) => socket.timeout(30_000).emitWithAck(name, message)
  const flushed = async () => {
    if (!marking) await ask('watch', { lists: [{ type: 'mark' }] })
    marking = true
    const [row] = await app.sql('insert into marks default values returning id')
    await waitFor(() => marks.has(String(row?.id)), { what: 'the mark', deadlineMs: 30_000 })
    return received.filter(({ name }) => name !== 'Heartbeat')
  }
  return {
    socket,
    received,
    ask,
    watch: (...records) => ask('watch', { records: records.map(([type, id]) => ({ type, id })) }),
    watchList: async (type, scope) =>
      (await ask('watch', { lists: [{ type, ...(scope && { scope }) }] })).lists[0],
    receives: async (name, match = {}, deadlineMs = 20_000) =>
      (
        await waitFor(() => received.find((entry) => entry.name === name && fits(entry.event ?? {}, match)), {
          what: `${name} ${JSON.stringify(match)}`,
          deadlineMs,
        })
      ).event,
    flushed,
    forget: async () => {
      await flushed()
      received.length = 0
    },
  }
}
