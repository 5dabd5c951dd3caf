// The connection's state as the pill shows it: how changes arrive now, and when the data was last known to be current.

import type { Clock, Page } from '../base/clock.ts'
import { createWritable, type Readable } from '../base/store.ts'
import type { PollResult } from './polling.ts'
import type { TransportKind, TransportStatus } from './transport.ts'

/** Lost connections in a row before the pill shows how changes arrive without one. */
const FAILURES_BEFORE_POLLING = 2

export type ConnectionStatus = 'live' | 'connecting' | 'reconnecting' | 'polling' | 'offline' | 'signed_out'

export interface ConnectionState {
  /** `live`: events arrive. `polling`: versions are polled instead. `signed_out`: sign in, then `reconnect()`. */
  status: ConnectionStatus
  transport: TransportKind | null
  /** When the data was last known to be current, in this machine's milliseconds. */
  lastCheckedAt: number | null
}

export interface Connection {
  state: Readable<ConnectionState>
  /** All subscriptions are joined: only now may the pill say Live. */
  joined(): void
  transportChanged(status: TransportStatus, kind: TransportKind | null): void
  polled(result: PollResult): void
  /** The server has given any answer. */
  reached(): void
  /** A message arrived that proves the shown state current. */
  checked(): void
  signedOut(): void
  signedIn(): void
}

export const initialConnection: ConnectionState = {
  status: 'connecting',
  transport: null,
  lastCheckedAt: null,
}

/** `onPollingNeeded` is called once when the connection has failed often enough to poll. */
export function createConnection(clock: Clock, page: Page, onPollingNeeded: () => void): Connection {
  const state = createWritable<ConnectionState>(initialConnection)
  let failures = 0

  const set = (patch: Partial<ConnectionState>) => {
    const now = state.get()
    const next = { ...now, ...patch }
    const isSame = next.status === now.status && next.transport === now.transport
    if (!isSame || next.lastCheckedAt !== now.lastCheckedAt) state.set(next)
  }
  const checked = () => set({ lastCheckedAt: clock.now() })

  return {
    state,
    checked,
    joined() {
      failures = 0
      if (state.get().status !== 'signed_out') set({ status: 'live', lastCheckedAt: clock.now() })
    },
    transportChanged(status, kind) {
      if (status === 'connected') return set({ transport: kind })
      if (status === 'refused') return set({ status: 'signed_out', transport: null })
      if (status === 'closed' || state.get().status === 'signed_out') return set({ transport: null })
      const isFirst = failures < FAILURES_BEFORE_POLLING
      failures = status === 'lost' ? failures + 1 : Math.max(failures, FAILURES_BEFORE_POLLING)
      if (!page.isOnline()) return set({ status: 'offline', transport: null })
      if (failures < FAILURES_BEFORE_POLLING) return set({ status: 'reconnecting', transport: null })
      set({ transport: null, ...(state.get().status === 'live' ? { status: 'reconnecting' } : {}) })
      if (isFirst) onPollingNeeded()
    },
    polled(result) {
      const { status } = state.get()
      if (result === 'unauthenticated') return set({ status: 'signed_out' })
      if (result === 'answered') checked()
      if (result === 'idle' || status === 'live' || status === 'signed_out') return
      if (result === 'unreachable') set({ status: 'offline' })
      else if (failures >= FAILURES_BEFORE_POLLING || status === 'offline') set({ status: 'polling' })
    },
    reached() {
      const { status } = state.get()
      const isWithout = failures >= FAILURES_BEFORE_POLLING || status === 'offline'
      if (isWithout && status !== 'live' && status !== 'signed_out') set({ status: 'polling' })
    },
    signedOut: () => set({ status: 'signed_out' }),
    signedIn() {
      failures = 0
      set({ status: 'reconnecting' })
    },
  }
}
