// The transport of a client. How one is chosen, and each of them, is loaded when the client first connects.

import { lazyModule } from '../base/lazy-module.ts'
import { createLazyTransport } from './lazy-transport.ts'
import type { CreateTransport } from './transport.ts'
import type { TransportChoice, TransportsOptions } from './transports.ts'

export const transportsCode = lazyModule(() => import('./transports.ts'))

/** The best of the transports that the app has chosen; the code of sockets, which most use, is on its way at the same time. */
export function createBestTransport(choice: TransportChoice, options: TransportsOptions): CreateTransport {
  const { transports: [first] = ['websocket'], createTransport } = choice
  const now = () => transportsCode.now()?.bestTransportOf(choice, options) ?? null
  const load = async () => {
    // Only early: it is loaded again, with retries, where it is used.
    if (first === 'websocket' && !createTransport) void import('./socket.ts').catch(() => {})
    return (await transportsCode.load()).bestTransportOf(choice, options)
  }
  return createLazyTransport(load, { now, clock: options.clock })
}
