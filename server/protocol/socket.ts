// What goes over a connection: the messages of a client with their acknowledgements, and the events of the server. Streams carry the
// same events.
import type { Age } from './age.ts'
import type { ImportingEvent } from './import-progress.ts'
import type { ProposalEvent } from './proposals.ts'
import type { ProblemCode, RecordAddress, WireRecord, Writer } from './record.ts'
import type { TakeOverAnswer, TakeOverEvent, TakeOverMessage } from './take-over.ts'

/** `{}`: all records of the type. Else declared parent columns and their values, `{"project_id":"1"}`. */
export type Scope = Record<string, string>

/** A list that is watched, and where its watcher stands in the change log. */
export interface ListAddress {
  /** The record type's name. */
  type: string
  /** Which part of it. Default `{}`: all records of the type. */
  scope?: Scope
}

/** Client → server, with an acknowledgement. The same message after each reconnect, one for everything. */
export interface WatchMessage {
  /** Records to watch, each with the version that the client holds; at most 500. */
  records?: (RecordAddress & { version?: number })[]
  /** Lists to watch, each with the cursor that its rows are of; at most 500. */
  lists?: (ListAddress & { cursor?: string })[]
}

/** Whether a record is watched, and the version that it has. */
export type WatchedRecord =
  | (RecordAddress & {
      ok: true
      version: number
      updated_at: string
      updated_by: Writer | null
      deleted: boolean
    } & Pick<WireRecord, 'rights'>)
  | (RecordAddress & { ok: false; code: ProblemCode })

/** Whether a list is watched; `behind`: it has changed since the cursor that was sent. */
export type WatchedList =
  | { type: string; scope: Scope; ok: true; cursor: string; behind: boolean }
  | { type: string; scope: Scope; ok: false; code: ProblemCode }

/** The acknowledgement of `watch` and `unwatch`; `{ok:false}` where the message itself could not be read. */
export interface WatchAnswer extends Partial<Age> {
  /** Each in the order asked. */
  records: WatchedRecord[]
  /** Each in the order asked. */
  lists: WatchedList[]
  /**
   * Of `watch`: the history that the database is in, an opaque text. Where it is another one than before, the database was
   * restored, failed over or restarted: what was answered before may be lost, and a version may be lower than one held.
   */
  history?: string
  /**
   * Where many are connected: when the connection is lost, come back at a random moment of so many milliseconds, and of
   * the second or two that any client waits.
   */
  spread_ms?: number
}

/** What somebody does at a record: `idle` is a tab in the background, or a person who has not moved for a while. */
export type PresenceState = 'viewing' | 'editing' | 'idle'

/**
 * Client → server: what this tab does at a record that it watches, or that a list shows which it watches. Sent again every
 * 15 s; after 45 s without it ends.
 */
export interface PresenceMessage extends RecordAddress {
  /** `null`: this tab is there no more. */
  state: PresenceState | null
  /** The field that the cursor is in. */
  field?: string | null
  /** Something is typed here and not saved, also while the tab is in the background. */
  unsaved?: boolean
}

/** One person at a record, with all their tabs. */
export interface PresentPerson {
  /** `on_behalf_of`: of an agent, for whom it acts. */
  user: Pick<Writer, 'id' | 'name' | 'on_behalf_of'>
  /** The busiest of their tabs. */
  state: PresenceState
  /** The field that their cursor is in; `null`: in none. */
  field: string | null
  /** In how many tabs they have it open. */
  tabs: number
  /** In one of their tabs something is typed and not saved. */
  unsaved?: boolean
}

/** The acknowledgement of `presence`. */
export interface PresenceAnswer {
  ok: true
  /** Everybody who is at the record, this person too. */
  people: PresentPerson[]
}

/** `PresenceChanged`: everybody who is at the record now, at most 50 of them, the busiest first. Advisory. */
export interface PresenceEvent extends RecordAddress {
  /** All of them, in place of those of before. */
  people: PresentPerson[]
}

/** The acknowledgement of a message that could not be read or not be answered at all. */
export interface RefusedMessage {
  ok: false
  /** As of a problem over HTTP. */
  code: ProblemCode
  /** A sentence for developers. */
  detail: string
}

/** `RecordCreated`, `RecordUpdated`, `RecordDeleted`: metadata only, under 1 KB. */
export interface RecordEvent {
  /** Whose it is; `null` where the table has no tenants. */
  tenant_id: string | null
  /** The record type's name. */
  type: string
  /** The record's. */
  id: string
  /** The version that was made. */
  version: number
  /** Only where one transaction made several versions of the record: the one before them. All are this event. */
  previous_version?: number
  /** Declared fields that differ from the version before; all of them of a creation. */
  changed_fields: string[]
  /** ISO 8601 UTC with microseconds. */
  updated_at: string
  /** Who wrote it; `null` only where nothing is known. */
  updated_by: Writer | null
  /** The tab that wrote it, which ignores this event; `null` for writers without one. */
  tab_id: string | null
  /** The version whose values this one brought back. */
  restored_from?: number
}

/** `RecordsImported`: one for an import or a bulk write, to lists, instead of one a record. */
export interface ImportEvent {
  /** Whose it is; `null` where the table has no tenants. */
  tenant_id: string | null
  /** The record type's name. */
  type: string
  /** The lists concerned; `[{}]` alone stands for any list of the type. */
  scopes: Scope[]
  /** Records changed; `null` for a watcher who may not read every record of the type. */
  count: number | null
  /** Of the import, or made for the bulk write. */
  import_id: string
  /** ISO 8601 UTC with microseconds. */
  updated_at: string
  /** Who wrote it, an import under its file's name. */
  updated_by: Writer | null
  /** The tab that wrote it, which ignores this event; `null` for writers without one. */
  tab_id: string | null
}

/** `AccessRevoked`: the rooms were left. `signed_out`: since the sign-in ended; nothing was taken from the person. */
export interface RevokedEvent {
  /** There only where the sign-in has ended. */
  signed_out?: true
  /** Records that were left. */
  records: RecordAddress[]
  /** Lists that were left. */
  lists: { type: string; scope: Scope }[]
}

/** `SpreadChanged`: far more are connected than when `spread_ms` was said last. It takes that one's place. */
export interface SpreadEvent {
  /** Milliseconds. */
  spread_ms: number
}

/** The events of one record. */
export type RecordEventName = 'RecordCreated' | 'RecordUpdated' | 'RecordDeleted'

/** Client → server messages of the Socket.IO connection. */
export interface ClientMessages {
  /** Begins to watch records and lists, or goes on after a reconnect. */
  watch: (message: WatchMessage, answer: (answer: WatchAnswer | RefusedMessage) => void) => void
  /** Ends it. */
  unwatch: (message: WatchMessage, answer: (answer: WatchAnswer | RefusedMessage) => void) => void
  /** Says what this tab does at a record. */
  presence: (message: PresenceMessage, answer: (answer: PresenceAnswer | RefusedMessage) => void) => void
  /** Asks another person for a record, or answers. */
  take_over: (message: TakeOverMessage, answer: (answer: TakeOverAnswer | RefusedMessage) => void) => void
}

/** Server → client events of the Socket.IO connection. */
export interface ServerEvents {
  /** To lists that the record is in. */
  RecordCreated: (event: RecordEvent) => void
  /** To the record's watchers and to its lists. */
  RecordUpdated: (event: RecordEvent) => void
  /** To the record's watchers and to its lists. */
  RecordDeleted: (event: RecordEvent) => void
  /** To lists, once for an import or a bulk write. */
  RecordsImported: (event: ImportEvent) => void
  /** To lists, about once a second while an import goes on. */
  RecordsImporting: (event: ImportingEvent) => void
  /** To the record's watchers. */
  PresenceChanged: (event: PresenceEvent) => void
  /** In the record's room; a hint, as presence is. */
  ProposalCreated: (event: ProposalEvent) => void
  /** In the record's room: it was accepted or rejected. */
  ProposalDecided: (event: ProposalEvent) => void
  /** To the person who is asked or answered. */
  TakeOver: (event: TakeOverEvent) => void
  /** To a socket whose rooms were left. */
  AccessRevoked: (event: RevokedEvent) => void
  /** To every socket. */
  SpreadChanged: (event: SpreadEvent) => void
  /** Every 10 s, and at once when the node falls behind by more than 5 s and when it has caught up. */
  Heartbeat: (age: Age) => void
  /** The server cannot prove that this connection missed nothing: watch again. */
  Resync: () => void
}

/** The first event of a stream (`GET /events`), named `Watching`, as the acknowledgement of `watch`: what happened since follows. */
export type WatchingEvent = WatchAnswer

/** The most records or lists that one `watch` may name, and that one socket may watch. */
export const MAX_ROOMS = 500
