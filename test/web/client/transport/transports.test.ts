// Every transport that the client has, held to the one contract.
import { systemClock } from '../../../../web/client/base/clock.ts'
import { createEventStreamTransport } from '../../../../web/client/transport/event-stream.ts'
import { createSocketTransport } from '../../../../web/client/transport/socket.ts'
import { type TransportSetup, transportContract } from './transport-contract.ts'

const socket =
  (wire: 'websocket' | 'polling') =>
  ({ origin, token }: TransportSetup) =>
    createSocketTransport({
      url: origin,
      path: '/socket.io',
      tabId: 'tab',
      token,
      wire,
      credentials: 'include',
    })

transportContract('websocket', socket('websocket'))
transportContract('long_polling', socket('polling'))
transportContract('event_stream', ({ origin, token }) =>
  createEventStreamTransport({ url: `${origin}/api/v1`, fetch, clock: systemClock, tabId: 'tab', token }),
)
