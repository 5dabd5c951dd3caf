// A transport whose code is loaded when it first connects. A load that fails is a connection that was lost; versions are
// polled meanwhile, which needs no code of a transport.

import type { Clock, Stop } from '../base/clock.ts'
import type { CreateTransport, Transport } from './transport.ts'

const TRY_AGAIN_MS = 5000

interface LazyTransportOptions {
  /** The transport, where its code is here already. */
  now?: () => CreateTransport | null
  /** Tries again for as long as a connection is wanted. Default: who uses it does. */
  clock?: Pick<Clock, 'after'>
}

/** `load` gives the code; until it is here there is no connection. */
export const createLazyTransport =
  (
    load: () => Promise<CreateTransport>,
    { now = () => null, clock }: LazyTransportOptions = {},
  ): CreateTransport =>
  (listener) => {
    let transport: Transport | null = null
    let stopRetry: Stop | undefined
    let isWanted = false
    let isLoading = false

    async function connect() {
      isWanted = true
      if (transport) return transport.connect()
      if (isLoading) return
      stopRetry?.()
      isLoading = true
      const create = now() ?? (await load().catch(() => null))
      isLoading = false
      if (!isWanted) return
      if (!create) {
        stopRetry = clock?.after(TRY_AGAIN_MS, () => void connect())
        return listener.onStatus('lost', null)
      }
      transport = create(listener)
      transport.connect()
    }

    return {
      connect: () => void connect(),
      reconnect() {
        if (transport) transport.reconnect()
        else void connect()
      },
      id: () => transport?.id() ?? null,
      watch: async (message) => transport?.watch(message) ?? null,
      unwatch: async (message) => transport?.unwatch(message),
      presence: async (message) => transport?.presence?.(message) ?? null,
      takeOver: async (message) => transport?.takeOver?.(message) ?? null,
      close() {
        isWanted = false
        stopRetry?.()
        if (transport) transport.close()
        else listener.onStatus('closed', null)
      },
    }
  }
