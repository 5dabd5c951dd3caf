// The transport over Socket.IO: WebSocket, or its own long polling where nothing else gets through. Each
// connection is one try; a refused handshake is not an outage. Its heartbeat detects a half-open connection.

import { io, type Socket } from 'socket.io-client'
import type { ClientMessages, ServerEvents } from '../../../server/protocol/index.ts'
import { warn } from '../words/development.ts'
import type { CreateTransport, TransportEvent, TransportKind, TransportStatus } from './transport.ts'

const CONNECT_TIMEOUT_MS = 6000
const ANSWER_TIMEOUT_MS = 10_000

/** Codes of a handshake that is refused again until the next sign-in. */
const REFUSALS: readonly unknown[] = ['unauthenticated', 'forbidden']

const EVENTS = [
  'RecordCreated',
  'RecordUpdated',
  'RecordDeleted',
  'RecordsImported',
  'RecordsImporting',
  'PresenceChanged',
  'TakeOver',
  'ProposalCreated',
  'ProposalDecided',
  'AccessRevoked',
  'SpreadChanged',
  'Heartbeat',
] as const

export interface SocketOptions {
  /** Origin of the server; unset: the page's own. */
  url?: string
  path: string
  tabId: string
  token: () => string | null
  /** The person it is for: the server refuses it in another person's session. */
  personId?: () => string | null
  wire: 'websocket' | 'polling'
  /** Of long polling; a browser sends its cookies by a WebSocket anyway. */
  credentials: RequestCredentials
}

export function createSocketTransport(options: SocketOptions): CreateTransport {
  return (listener) => {
    const settings = {
      path: options.path,
      transports: [options.wire],
      withCredentials: options.credentials === 'include',
      autoConnect: false,
      forceNew: true,
      reconnection: false,
      upgrade: false,
      timeout: CONNECT_TIMEOUT_MS,
      auth: (give: (auth: object) => void) => {
        const token = options.token()
        const id = options.personId?.() ?? null
        give({
          tab_id: options.tabId,
          ...(token ? { token } : {}),
          ...(id === null ? {} : { person_id: id }),
        })
      },
    }
    const socket: Socket<ServerEvents, ClientMessages> = options.url
      ? io(options.url, settings)
      : io(settings)
    const kind: TransportKind = options.wire === 'polling' ? 'long_polling' : 'websocket'
    let isOpening = false

    const connect = () => {
      if (isOpening || socket.connected) return
      isOpening = true
      socket.connect()
    }
    /** For a message with an answer; `null` where none can be sent. */
    const asking = () => (socket.connected ? socket.timeout(ANSWER_TIMEOUT_MS) : null)
    const unanswered = () => null
    const end = (status: TransportStatus) => {
      isOpening = false
      listener.onStatus(status, null)
    }

    socket.on('connect', () => {
      isOpening = false
      listener.onStatus('connected', kind)
    })
    socket.on('disconnect', (reason) => {
      if (reason !== 'io client disconnect') end('lost')
    })
    socket.on('connect_error', (error: Error & { data?: { code?: unknown; detail?: unknown } }) => {
      socket.disconnect()
      warn({ kind: 'socket', path: options.path, ...error.data })
      end(statusAfter(error))
    })
    for (const name of EVENTS)
      socket.on(name, (event: unknown) => listener.onEvent({ name, event } as TransportEvent))
    socket.on('Resync', () => listener.onEvent({ name: 'Resync' }))

    return {
      connect,
      reconnect() {
        isOpening = false
        socket.disconnect()
        connect()
      },
      id: () => (socket.connected ? (socket.id ?? null) : null),
      watch: async (message) => (await asking()?.emitWithAck('watch', message).catch(unanswered)) ?? null,
      async unwatch(message) {
        await asking()?.emitWithAck('unwatch', message).catch(unanswered)
      },
      presence: async (message) =>
        (await asking()?.emitWithAck('presence', message).catch(unanswered)) ?? null,
      takeOver: async (message) =>
        (await asking()?.emitWithAck('take_over', message).catch(unanswered)) ?? null,
      close() {
        socket.removeAllListeners()
        socket.disconnect()
        listener.onStatus('closed', null)
      },
    }
  }
}

/** Refused by a code of the server, or by the status of the handshake's HTTP request. */
function statusAfter(
  error: Error & { data?: { code?: unknown }; description?: unknown },
): 'off' | 'refused' | 'lost' {
  const code = error.data?.code
  if (code === 'live_off') return 'off'
  const isRefusal = REFUSALS.includes(code) || error.description === 401 || error.description === 403
  return isRefusal ? 'refused' : 'lost'
}
