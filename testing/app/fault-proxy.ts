// A TCP proxy that fails on demand, before a server or a database: it refuses, resets, swallows, delays or slices.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * `pass` as a cable; `hole`: connections stand and nothing comes through; `refuse`: none stands; `full`: those there stand, and no
 * other; `slice`: byte by few bytes.
 */
export type Fault = 'pass' | 'hole' | 'refuse' | 'full' | 'slice'

/** A running proxy: {@link startFaultProxy}. */
export interface FaultProxy {
  /** Where it listens, on 127.0.0.1. */
  port: number
  /** The target's URL with this proxy's address. */
  urlFor(target: string): string
  /** From now on. */
  set(fault: Fault): void
  /** Holds every chunk back for so many milliseconds. */
  delay(ms: number): void
  /** Resets every connection there is. */
  cut(): void
  /** Leads to another port from now on, and cuts what leads to the one before. */
  lead(port: number): void
  /** Leads new connections to another port from now on; what stands goes on as it is. */
  next(port: number): void
  /** Connections that stand. */
  open(): number
  /** Ends it, and every connection. */
  stop(): Promise<void>
}

const SLICE_BYTES = 7

/** Starts a proxy before `127.0.0.1:port`. Stop it when the test is over. */
export async function startFaultProxy(port: number): Promise<FaultProxy> {
  let target = port
  let fault: Fault = 'pass'
  let delayMs = 0
  const sockets = new Set<Socket>()
  const held: (() => void)[] = []

  const carry = (from: Socket, to: Socket) => {
    const pass = (chunk: Buffer) => {
      if (to.destroyed) return
      if (fault !== 'slice') return void to.write(chunk)
      for (let at = 0; at < chunk.length; at += SLICE_BYTES) to.write(chunk.subarray(at, at + SLICE_BYTES))
    }
    from.on('data', (chunk: Buffer) => {
      if (fault === 'hole') held.push(() => pass(chunk))
      else if (delayMs > 0) setTimeout(pass, delayMs, chunk)
      else pass(chunk)
    })
    from.on('error', () => to.destroy())
    from.on('close', () => {
      sockets.delete(from)
      // What is still on its way arrives before the end does.
      if (fault !== 'hole') setTimeout(() => to.destroy(), delayMs)
    })
  }

  const server = createServer((near) => {
    if (fault === 'refuse' || fault === 'full') return void near.resetAndDestroy()
    const far = connect(target, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.setNoDelay(true)
    }
    carry(near, far)
    carry(far, near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = (server.address() as AddressInfo).port

  const proxy: FaultProxy = {
    port: own,
    urlFor: (given) => {
      const url = new URL(given)
      url.hostname = '127.0.0.1'
      url.port = String(own)
      return url.href
    },
    set: (next) => {
      fault = next
      if (next === 'refuse') proxy.cut()
      if (next !== 'hole') for (const pass of held.splice(0)) pass()
    },
    delay: (ms) => {
      delayMs = ms
    },
    cut: () => {
      held.length = 0
      for (const socket of sockets) socket.resetAndDestroy()
    },
    lead: (next) => {
      target = next
      proxy.cut()
    },
    next: (next) => {
      target = next
    },
    open: () => sockets.size / 2,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}
