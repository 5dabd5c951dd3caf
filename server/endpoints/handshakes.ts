// Who may shake hands: looked at before anything is spent on them, and before anybody waits for them.
// Invariant: those who are signed in by cookie or header wait for each other alone; an address that sends handshakes without
// end is refused at once, and has a few sign-ins looked up at a time.
import type { IncomingMessage } from 'node:http'
import { type OpenRequest, type OpenRequests, openOf } from '../base/open-requests.ts'
import { addressOf } from '../http/as-express.ts'
import type { OriginCheck } from '../http/origin.ts'
import { type AdmissionQueue, createAdmissionQueue, UNKNOWN_CALLERS } from '../pacing/admission-queue.ts'
import { createKeyedLimit } from '../pacing/keyed-limit.ts'
import type { ProblemCode } from '../protocol/index.ts'

export interface HandshakeOptions {
  requests: OpenRequests
  originRefusal: OriginCheck
  /** The node's queue for those who are signed in. */
  enter: AdmissionQueue
  /** Seconds that an address has to wait, or `null`. */
  byAddress(address: string): number | null
}

export interface Handshakes {
  /** Resolves when the handshake may go on, with why it may not else; `undefined` where the client has gone. */
  admit(request: IncomingMessage): Promise<ProblemCode | null | undefined>
  /** Looks up who is behind a request, a few of an address at a time; a code where too many wait, or nobody is. */
  signIn(request: IncomingMessage): Promise<OpenRequest | 'rate_limited' | 'unauthenticated'>
  /** Resolves when somebody who has signed in may go on, at once where they have waited before. */
  enterOnce(handshake: IncomingMessage): Promise<void>
}

/** Sign-ins of one address that are looked up at a time, and that wait. */
const SIGN_INS = { most: 32, mostWaiting: 5_000 }

export const createHandshakes = ({
  requests,
  originRefusal,
  enter,
  byAddress,
}: HandshakeOptions): Handshakes => {
  const limited = createKeyedLimit(SIGN_INS)
  const enterUnknown = createAdmissionQueue(UNKNOWN_CALLERS, { isFromBothEnds: true })
  const entered = new WeakSet<IncomingMessage>()

  const turnIn = (queue: AdmissionQueue, { socket }: IncomingMessage) =>
    new Promise<boolean>((resolve) => {
      const leave = () => resolve(false)
      socket.once('close', leave)
      queue(
        () => {
          socket.off('close', leave)
          resolve(!socket.destroyed)
        },
        () => socket.destroyed,
      )
    })

  const signIn: Handshakes['signIn'] = async (request) => {
    const known = openOf(request)
    if (known) {
      if (known.isDue()) await known.renew()
      return known
    }
    const open = await limited(
      addressOf(request),
      async () => (await requests.open(request)) ?? 'unauthenticated',
    )
    if (open === null) return 'rate_limited'
    if (typeof open === 'object') request.socket.once('close', open.end)
    return open
  }

  return {
    signIn,
    admit: async (request) => {
      if (byAddress(addressOf(request)) !== null) return 'rate_limited'
      if (originRefusal(request)) return 'cross_origin'
      // What fails here is asked again when the socket signs in, and answered there.
      const open = await signIn(request).catch(() => null)
      if (open === 'rate_limited') return open
      const isKnown = typeof open === 'object' && open !== null
      if (isKnown) entered.add(request)
      return (await turnIn(isKnown ? enter : enterUnknown, request)) ? null : undefined
    },
    enterOnce: async (handshake) => {
      if (!entered.has(handshake)) await turnIn(enter, handshake)
    },
  }
}
