// The client's own transports, in the order in which they are tried. After the last of them versions are polled; that
// needs no connection, so it is not a transport. The code of each is loaded when it first connects; this is loaded when the
// client does.

import type { Clock, Page } from '../base/clock.ts'
import type { Person } from '../base/person.ts'
import { warn } from '../words/development.ts'
import { createLazyTransport } from './lazy-transport.ts'
import type { CreateTransport, TransportKind } from './transport.ts'
import { createTransportFallback, type TransportCandidate } from './transport-fallback.ts'

export { createEventRouter } from './event-router.ts'
export { joinRooms } from './joins.ts'

const DEFAULT_TRANSPORTS: TransportKind[] = ['websocket', 'event_stream']

/** A stream that does not begin within a second is probably buffered by a proxy until its end. */
const STALL_MS = { websocket: 3000, event_stream: 1000, long_polling: 3000 } satisfies Record<
  TransportKind,
  number
>

/** What an app may choose: see RecordClientOptions. */
export interface TransportChoice {
  transports?: TransportKind[]
  createTransport?: CreateTransport
  socketUrl?: string
  socketPath?: string
  shareStream?: boolean
}

export interface TransportsOptions {
  /** Base path or URL of the mounted router. */
  url: string
  fetch: typeof fetch
  credentials: RequestCredentials
  clock: Clock
  page: Page
  tabId: string
  token: () => string | null
  person: Pick<Person, 'id' | 'isNamed'>
}

/** A bundle may lack the code. */
const withWarning = (load: () => Promise<CreateTransport>): CreateTransport =>
  createLazyTransport(() =>
    load().catch((error) => {
      warn({ kind: 'code', cause: String(error) })
      throw error
    }),
  )

/** The best of those that the app has chosen. */
export const bestTransportOf = (choice: TransportChoice, options: TransportsOptions): CreateTransport =>
  createTransportFallback({
    candidates: candidatesOf(choice, options),
    clock: options.clock,
    page: options.page,
  })

function candidatesOf(choice: TransportChoice, options: TransportsOptions): TransportCandidate[] {
  const { transports = DEFAULT_TRANSPORTS, createTransport, socketUrl, socketPath = '/socket.io' } = choice
  const { url, credentials, tabId, token, person } = options
  /** The person that the app has named: only their events are received. */
  const personId = () => {
    const id = person.id()
    return person.isNamed() ? id : null
  }
  if (createTransport) return [{ create: createTransport, stallMs: STALL_MS.websocket }]
  const origin = socketUrl ?? (/^https?:/.test(url) ? new URL(url).origin : undefined)
  const socket = (wire: 'websocket' | 'polling') =>
    withWarning(async () => {
      const { createSocketTransport } = await import('./socket.ts')
      return createSocketTransport({
        ...(origin ? { url: origin } : {}),
        path: socketPath,
        tabId,
        token,
        personId,
        wire,
        credentials,
      })
    })
  const identity = () => {
    const id = personId()
    return id === null && token() === null ? null : JSON.stringify([origin ?? url, id, token()])
  }
  const makers = {
    websocket: () => socket('websocket'),
    long_polling: () => socket('polling'),
    event_stream: () =>
      withWarning(async () => {
        const [{ createEventStreamTransport, sendPresence, sendTakeOver }, { createSharedStream }] =
          await Promise.all([import('./event-stream.ts'), import('./shared-stream.ts')])
        const asked = { ...options, personId }
        const create = createEventStreamTransport(asked)
        const stream =
          choice.shareStream === false ? create : createSharedStream({ ...options, create, identity })
        // Each tab of a shared stream is at records of its own.
        return (listener) =>
          Object.assign(stream(listener), {
            presence: sendPresence.bind(null, asked),
            takeOver: sendTakeOver.bind(null, asked),
          })
      }),
  }
  return transports.map((kind) => ({ create: makers[kind](), stallMs: STALL_MS[kind] }))
}
