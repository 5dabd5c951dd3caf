// Every transport that the client has, held to the kit that other people's transports are held to.
import { type TransportSetup, transportKit } from 'noclobber/testing'
import { afterAll, describe, test } from 'vitest'
import { systemClock } from '../../../../web/client/base/clock.ts'
import { createEventStreamTransport } from '../../../../web/client/transport/event-stream.ts'
import { createSocketTransport } from '../../../../web/client/transport/socket.ts'
import type { CreateTransport, TransportKind } from '../../../../web/client/transport/transport.ts'
import { postgresUrl } from '../../../support/postgres.ts'

const database = { serverUrl: postgresUrl() }

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

const stream = ({ origin, token }: TransportSetup) =>
  createEventStreamTransport({ url: `${origin}/api/v1`, fetch, clock: systemClock, tabId: 'tab', token })

const TRANSPORTS: Record<TransportKind, (setup: TransportSetup) => CreateTransport> = {
  websocket: socket('websocket'),
  long_polling: socket('polling'),
  event_stream: stream,
}

describe.each(Object.entries(TRANSPORTS))('the transport %s', (kind, create) => {
  const kit = transportKit({ kind: kind as TransportKind, create, database })
  afterAll(kit.stop)
  for (const { name, run } of kit.checks) test(name, run)
})
