// The connection's state as the pill shows it: how changes arrive now, and when the data was last known to be current.

import { type Age, BEHIND_MS, HEARTBEAT_MS } from '../../../server/protocol/index.ts'
import { type Clock, elapsedOf, type Page, type Stop } from '../base/clock.ts'
import type { ServerTime } from '../base/server-clock.ts'
import { createWritable, type Readable } from '../base/store.ts'
import type { PollResult } from './polling.ts'
import type { TransportKind, TransportStatus } from './transport.ts'

/** Lost connections in a row before the pill shows how changes arrive without one. */
const FAILURES_BEFORE_POLLING = 2

/** After so long without a heartbeat it is unknown how far the server has read. */
const SILENCE_MS = 2.5 * HEARTBEAT_MS

/** What the pill shows: see {@link ConnectionState.status}. */
export type ConnectionStatus =
  | 'live'
  | 'behind'
  | 'connecting'
  | 'reconnecting'
  | 'polling'
  | 'offline'
  | 'signed_out'

/** How changes arrive now. */
export interface ConnectionState {
  /** `live`: events arrive. `behind`: connected, but the server is late in reading what was committed. `polling`: versions are polled instead. `signed_out`: sign in, then `reconnect()`. */
  status: ConnectionStatus
  /** Which way events come: `websocket`, `event_stream` …; `null`: none does. */
  transport: TransportKind | null
  /** When the data was last known to be current, in this machine's milliseconds. */
  lastCheckedAt: number | null
  /** Everything that was committed before has arrived; ISO 8601, by the database's clock. `null`: unknown. */
  asOf: string | null
}

export interface Connection {
  state: Readable<ConnectionState>
  /** All subscriptions are joined: only now may the pill say Live. */
  joined(age: Partial<Age>): void
  transportChanged(status: TransportStatus, kind: TransportKind | null): void
  polled(result: PollResult): void
  /** The server says how far it has read, and everything until then has arrived. */
  aged(age: Partial<Age>): void
  /** The server has given any answer. */
  reached(): void
  signedOut(): void
  signedIn(): void
}

export const initialConnection: ConnectionState = {
  status: 'connecting',
  transport: null,
  lastCheckedAt: null,
  asOf: null,
}

/** `onPollingNeeded` is called once when the connection has failed often enough to poll. */
export function createConnection(
  clock: Clock,
  page: Page,
  onPollingNeeded: () => void,
  serverTime?: Pick<ServerTime, 'learnAge' | 'connected'>,
): Connection {
  const state = createWritable<ConnectionState>(initialConnection)
  let failures = 0

  const set = (patch: Partial<ConnectionState>) => {
    const now = state.get()
    const next = { ...now, ...patch }
    const isSame = next.status === now.status && next.transport === now.transport
    if (!isSame || next.lastCheckedAt !== now.lastCheckedAt || next.asOf !== now.asOf) state.set(next)
  }
  const checked = () => set({ lastCheckedAt: clock.now() })

  let isBehind = false
  let stopSilence: Stop = () => {}
  const isConnected = () => state.get().status === 'live' || state.get().status === 'behind'
  const connected = (): ConnectionStatus => (isBehind ? 'behind' : 'live')
  const awaitHeartbeat = (since = elapsedOf(clock)) => {
    stopSilence()
    stopSilence = clock.after(SILENCE_MS, () => {
      if (elapsedOf(clock) - since < SILENCE_MS) return awaitHeartbeat(since)
      isBehind = true
      if (isConnected()) set({ status: 'behind' })
    })
  }

  function aged(age: Partial<Age>) {
    const { as_of: asOf = null, behind_ms: behindMs = null } = age
    serverTime?.learnAge(age)
    // What a transport has kept of an earlier answer says nothing new.
    if (asOf === null || behindMs === null || asOf < (state.get().asOf ?? '')) return
    isBehind = behindMs > BEHIND_MS
    const lastCheckedAt = Math.max(state.get().lastCheckedAt ?? 0, clock.now() - behindMs)
    if (isConnected()) awaitHeartbeat()
    set({ asOf, lastCheckedAt, ...(isConnected() && { status: connected() }) })
  }

  return {
    state,
    joined(age) {
      failures = 0
      awaitHeartbeat()
      if (state.get().status !== 'signed_out') set({ status: connected(), lastCheckedAt: clock.now() })
      aged(age)
    },
    aged,
    transportChanged(status, kind) {
      serverTime?.connected()
      if (status === 'connected') return set({ transport: kind, asOf: null })
      stopSilence()
      isBehind = false
      if (status === 'refused') return set({ status: 'signed_out', transport: null })
      if (status === 'closed' || state.get().status === 'signed_out') return set({ transport: null })
      const isFirst = failures < FAILURES_BEFORE_POLLING
      failures = status === 'lost' ? failures + 1 : Math.max(failures, FAILURES_BEFORE_POLLING)
      if (!page.isOnline()) return set({ status: 'offline', transport: null })
      if (failures < FAILURES_BEFORE_POLLING) return set({ status: 'reconnecting', transport: null })
      set({ transport: null, ...(isConnected() ? { status: 'reconnecting' } : {}) })
      if (isFirst) onPollingNeeded()
    },
    polled(result) {
      const { status } = state.get()
      if (result === 'unauthenticated') return set({ status: 'signed_out' })
      if (result === 'answered') checked()
      if (result === 'idle' || isConnected() || status === 'signed_out') return
      if (result === 'unreachable') set({ status: 'offline' })
      else if (failures >= FAILURES_BEFORE_POLLING || status === 'offline') set({ status: 'polling' })
    },
    reached() {
      const { status } = state.get()
      const isWithout = failures >= FAILURES_BEFORE_POLLING || status === 'offline'
      if (isWithout && !isConnected() && status !== 'signed_out') set({ status: 'polling' })
    },
    signedOut: () => set({ status: 'signed_out' }),
    signedIn() {
      failures = 0
      set({ status: 'reconnecting' })
    },
  }
}
