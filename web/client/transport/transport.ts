// The interface of every transport. The client knows only this file; `createTransport` takes another implementation. `connect` is one try. A transport MUST say `lost` once for each try
// that failed and each connection that ended, and MUST NOT retry by itself (transport-fallback.ts does, with a backoff); MUST
// NOT deliver after `close`; MUST, once connected again, answer `watch` with versions read after it was connected.
// Events may be late, doubled or out of order, but none may be missing while it is connected: else it says `Resync`. It MUST pass
// on the server's `Heartbeat` behind the events before it: without one for a while a page says that it is behind.

import type {
  Age,
  ImportEvent,
  ImportingEvent,
  PresenceAnswer,
  PresenceEvent,
  PresenceMessage,
  ProposalEvent,
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
  WireRecord,
  Writer,
} from '../../../server/protocol/index.ts'

/**
 * `lost`: this try or this connection is over. `stalled`: tried, without any answer so far. `refused`: the server does
 * not know this person (any more), only `reconnect` after a new sign-in helps. `off`: the server has no live events for
 * this person.
 */
export type TransportStatus = 'connected' | 'lost' | 'stalled' | 'refused' | 'off' | 'closed'

/** The wire that carries the events. */
export type TransportKind = 'websocket' | 'event_stream' | 'long_polling'

/** The events of a transport. `Resync`: it cannot prove that nothing was missed. */
export type TransportEvent =
  | { name: RecordEventName; event: RecordEvent }
  | { name: 'RecordsImported'; event: ImportEvent }
  | { name: 'RecordsImporting'; event: ImportingEvent }
  | { name: 'ProposalCreated' | 'ProposalDecided'; event: ProposalEvent }
  | { name: 'PresenceChanged'; event: PresenceEvent }
  | { name: 'TakeOver'; event: TakeOverEvent }
  | { name: 'AccessRevoked'; event: RevokedEvent }
  | { name: 'SpreadChanged'; event: SpreadEvent }
  | { name: 'Heartbeat'; event: Age }
  | { name: 'Resync' }

/** Receives the status and the events of a transport. */
export interface TransportListener {
  /** Called when it is connected, or not any more; `kind`: by what. */
  onStatus(status: TransportStatus, kind: TransportKind | null): void
  /** Called with each message of the server, in order. */
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
  /** Ends watching these; resolves when it was answered, or can't be any more. */
  unwatch(message: WatchMessage): Promise<void>
  /** `null` where no answer came in time, or this transport carries no presence. */
  presence?(message: PresenceMessage): Promise<PresenceAnswer | RefusedMessage | null>
  /** `null` where no answer came in time; left out where it can't be carried. */
  takeOver?(message: TakeOverMessage): Promise<TakeOverAnswer | RefusedMessage | null>
  /** Ends the connection for good. */
  close(): void
}

/** Makes a transport for one client. */
export type CreateTransport = (listener: TransportListener) => Transport

/** One version of a record as the client learns of it, by an event, an acknowledgement, a poll or an answer; late, twice or out of order. */
export interface RemoteVersion {
  version: number
  /** Of several versions that one transaction made, which this one stands for: the one before them. */
  previousVersion?: number
  /** The fields that this one version changed; `null` where the source does not know. */
  changedFields: string[] | null
  by: Writer | null
  /** When it was written, in this machine's milliseconds. */
  at: number
  /** The same person wrote it, elsewhere. */
  isOwn: boolean
  deleted: boolean
  /** The server was asked for it; events come by themselves. */
  isAnswer?: true
  /** The whole record at that version, where it came along. */
  record?: WireRecord
}

/** The newest version that is known and not shown. */
export interface NewerVersion {
  /** Its number. */
  version: number
  /** Who made it; `null` only where nothing is known. */
  by: Writer | null
  /** When, in this machine's milliseconds. */
  at: number
  /** The same person made it, in another tab. */
  isOwn: boolean
  /** Changed fields of each version that was received. */
  fieldsByVersion: Record<number, string[]>
}
