// What carries events: the interface that every transport keeps, whatever its wire. The client above it only knows
// this file; `createTransport` takes another one. `connect` is one try. A transport MUST say `lost` once for each try
// that failed and each connection that ended, and MUST NOT try again by itself (ladder.ts does, with a backoff); MUST
// NOT deliver after `close`; MUST, once connected again, answer `watch` with versions read after it was connected.
// Events may be late, doubled or out of order, but none may be missing while it is connected: else it says `Resync`.

import type {
  ImportEvent,
  ImportingEvent,
  PresenceAnswer,
  PresenceEvent,
  PresenceMessage,
  RecordEvent,
  RecordEventName,
  RefusedMessage,
  RevokedEvent,
  SpreadEvent,
  TakeOverAnswer,
  TakeOverEvent,
  TakeOverMessage,
  WatchAnswer,
  WatchMessage,
} from '../../../server/protocol/index.ts'

/**
 * `lost`: this try or this connection is over. `stalled`: asked, and nothing was heard so far. `refused`: the server does
 * not know this person (any more), only `reconnect` after a new sign-in helps. `off`: the server has no live events for
 * this person.
 */
export type TransportStatus = 'connected' | 'lost' | 'stalled' | 'refused' | 'off' | 'closed'

/** By which wire the events come. */
export type TransportKind = 'websocket' | 'event_stream' | 'long_polling'

/** What a transport delivers. `Resync`: it cannot prove that nothing was missed. */
export type TransportEvent =
  | { name: RecordEventName; event: RecordEvent }
  | { name: 'RecordsImported'; event: ImportEvent }
  | { name: 'RecordsImporting'; event: ImportingEvent }
  | { name: 'PresenceChanged'; event: PresenceEvent }
  | { name: 'TakeOver'; event: TakeOverEvent }
  | { name: 'AccessRevoked'; event: RevokedEvent }
  | { name: 'SpreadChanged'; event: SpreadEvent }
  | { name: 'Resync' }

/** Whom a transport tells. */
export interface TransportListener {
  onStatus(status: TransportStatus, kind: TransportKind | null): void
  onEvent(event: TransportEvent): void
}

/** One connection to the server. */
export interface Transport {
  /** Tries to open the connection, once. Does nothing while one is open or being opened. */
  connect(): void
  /** Drops the connection and opens it with the credentials as they are now: after a sign-in. */
  reconnect(): void
  /** The server's name for this connection, `null` while there is none. */
  id(): string | null
  /** `null` where no answer came in time. */
  watch(message: WatchMessage): Promise<WatchAnswer | RefusedMessage | null>
  unwatch(message: WatchMessage): Promise<void>
  /** `null` where no answer came in time, or this transport carries no presence. */
  presence?(message: PresenceMessage): Promise<PresenceAnswer | RefusedMessage | null>
  takeOver?(message: TakeOverMessage): Promise<TakeOverAnswer | RefusedMessage | null>
  close(): void
}

/** Makes a transport for one client. */
export type CreateTransport = (listener: TransportListener) => Transport
