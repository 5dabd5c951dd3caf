// A transport whose code is loaded when it first connects. A load that fails is a connection that was lost.

import type { CreateTransport, Transport } from './transport.ts'

/** `load` gives the code; until it is here there is no connection. */
export const createLazyTransport =
  (load: () => Promise<CreateTransport>): CreateTransport =>
  (listener) => {
    let transport: Transport | null = null
    let isWanted = false
    let isLoading = false

    async function connect() {
      isWanted = true
      if (transport) return transport.connect()
      if (isLoading) return
      isLoading = true
      const create = await load().catch(() => null)
      isLoading = false
      if (!isWanted) return
      if (!create) return listener.onStatus('lost', null)
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
        if (transport) transport.close()
        else listener.onStatus('closed', null)
      },
    }
  }
