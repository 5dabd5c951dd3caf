// The wire: every name, header, code and message shape that server and clients share.
// With its parts, the other files of its folder, the only file of the server that web/ may import. It holds types and constants.
import type { Age } from './age.ts'
import type { ChangedValues, HistoryEvent } from './history.ts'
import type { ImportingEvent } from './import-progress.ts'
import type { ProposalEvent } from './proposals.ts'
import type { Fields, ProblemCode, RecordAddress, WireRecord, Writer } from './record.ts'
import type { TakeOverAnswer, TakeOverEvent, TakeOverMessage } from './take-over.ts'

export { type Age, BEHIND_MS, HEARTBEAT_MS } from './age.ts'
export { DECEPTIVE_CHARACTERS, printable } from './hidden-characters.ts'
export type { ChangedValues, HistoryEvent, RestoreBody, WireDeleted, WireHistoryEntry } from './history.ts'
export type { ImportingEvent } from './import-progress.ts'
export type { ChangedCount, CountedType, ListAnswer, ListDelta, ListTotals } from './list.ts'
export {
  MAX_NOTE_CHARS,
  MAX_PROPOSALS,
  type MayDecide,
  type ProposalEvent,
  type ProposalState,
  type ProposeBody,
  type WireProposal,
} from './proposals.ts'
export {
  type DeletedProblem,
  type FieldError,
  type Fields,
  type InvalidProblem,
  MAX_NAME_CHARS,
  PROBLEM_STATUS,
  type Problem,
  type ProblemCode,
  type RecordAddress,
  type StaleProblem,
  type WireRecord,
  type Writer,
  type WriterKind,
} from './record.ts'
export {
  TAKE_OVER_MS,
  type TakeOverAnswer,
  type TakeOverEvent,
  type TakeOverMessage,
  type TakeOverWord,
} from './take-over.ts'

/** Where the router is mounted unless the embedding app chooses otherwise. */
export const DEFAULT_BASE_PATH = '/api/v1'

/** Request headers that this toolkit reads, besides HTTP's own `If-Match` and `If-None-Match`. */
export const HEADERS = {
  /** Origin of a change: one id per page load. The event carries it as `tab_id`. */
  tabId: 'X-Tab-ID',
  /** The socket that must not receive the echo of this write. */
  socketId: 'X-Socket-ID',
  /** The same as `mutation_id` in the body. */
  idempotencyKey: 'Idempotency-Key',
  /** Whom the page believes to be signed in: a request in another person's session is refused, 401. Of an answer: for
   * whom the server acted. Percent-encoded. */
  personId: 'X-Person-ID',
  /** The file's name, percent-encoded: an import is shown under it. */
  importName: 'X-Import-Name',
} as const

/** The media type of every error answer (RFC 9457). */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/** `GET /records/:type/:id/version`. */
export interface WireVersion {
  version: number
  updated_at: string
  updated_by_name: string | null
  deleted: boolean
}

/** What became of one record of `POST /records/versions` that differs from what the client holds. */
export interface WireVersionDifference extends RecordAddress, Pick<WireRecord, 'rights'> {
  /** `null` where the record is not there or may not be read: one answer for both. */
  version: number | null
  updated_at: string | null
  updated_by: Writer | null
  deleted: boolean
}

/** Body of `PATCH /records/:type/:id`. */
export interface SaveBody {
  /** The version that the editor loaded and built its changes on. */
  client_version: number
  changes: Fields
  /** At most 200 characters. A replay of the same write gets its first answer back. */
  mutation_id?: string
  /** Default `reject`. `merge` only where the type allows it. */
  on_stale?: 'reject' | 'merge'
  /** The texts that the changes were made in, by field: with them texts are merged by place, where the type allows it. */
  base?: Record<string, string>
}

/** Body of `POST /records/:type`. */
export interface CreateBody {
  fields: Fields
  id?: string
  mutation_id?: string
}

/** `{}`: all records of the type. Else declared parent columns and their values, `{"project_id":"1"}`. */
export type Scope = Record<string, string>

/** A list that is watched, and where its watcher stands in the change log. */
export interface ListAddress {
  type: string
  scope?: Scope
}

/** Client → server, with an acknowledgement. The same message after each reconnect, one for everything. */
export interface WatchMessage {
  records?: (RecordAddress & { version?: number })[]
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
  records: WatchedRecord[]
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
  field: string | null
  tabs: number
  /** In one of their tabs something is typed and not saved. */
  unsaved?: boolean
}

/** The acknowledgement of `presence`. */
export interface PresenceAnswer {
  ok: true
  people: PresentPerson[]
}

/** `PresenceChanged`: everybody who is at the record now, at most 50 of them, the busiest first. Advisory. */
export interface PresenceEvent extends RecordAddress {
  people: PresentPerson[]
}

/** The acknowledgement of a message that could not be read or not be answered at all. */
export interface RefusedMessage {
  ok: false
  code: ProblemCode
  detail: string
}

/** `RecordCreated`, `RecordUpdated`, `RecordDeleted`: metadata only, under 1 KB. */
export interface RecordEvent {
  tenant_id: string | null
  type: string
  id: string
  version: number
  /** Only where one transaction made several versions of the record: the one before them. All are this event. */
  previous_version?: number
  changed_fields: string[]
  updated_at: string
  updated_by: Writer | null
  /** The tab that wrote it, which ignores this event; `null` for writers without one. */
  tab_id: string | null
  /** The version whose values this one brought back. */
  restored_from?: number
}

/** One entry of `GET /changes`: what its event would say, with all of the declared fields that changed. */
export interface WireChange extends RecordEvent {
  event: HistoryEvent
  /** As in a record's history. */
  values?: ChangedValues
}

/** `GET /changes`. */
export interface ChangesAnswer {
  /** Oldest first, as far as one record goes. */
  data: WireChange[]
  /** Send it with the next request. It moves on even where `data` is empty. */
  cursor: string
  /** There is more already: ask again at once. */
  more: boolean
  /** The cursor sent is too old, or of another database: read everything anew, then go on from `cursor`. */
  reset?: true
}

/** The longest time that `GET /changes` waits for a change, in seconds. */
export const MAX_WAIT_S = 25

/** `RecordsImported`: one for an import or a bulk write, to lists, instead of one a record. */
export interface ImportEvent {
  tenant_id: string | null
  type: string
  /** The lists concerned; `[{}]` alone stands for any list of the type. */
  scopes: Scope[]
  /** Records changed; `null` for a watcher who may not read every record of the type. */
  count: number | null
  import_id: string
  updated_at: string
  updated_by: Writer | null
  tab_id: string | null
}

/** `AccessRevoked`: the rooms were left. `signed_out`: since the sign-in ended; nothing was taken from the person. */
export interface RevokedEvent {
  signed_out?: true
  records: RecordAddress[]
  lists: { type: string; scope: Scope }[]
}

/** `SpreadChanged`: far more are connected than when `spread_ms` was said last. It takes that one's place. */
export interface SpreadEvent {
  spread_ms: number
}

/** The events of one record. */
export type RecordEventName = 'RecordCreated' | 'RecordUpdated' | 'RecordDeleted'

/** Client → server messages of the Socket.IO connection. */
export interface ClientMessages {
  watch: (message: WatchMessage, answer: (answer: WatchAnswer | RefusedMessage) => void) => void
  unwatch: (message: WatchMessage, answer: (answer: WatchAnswer | RefusedMessage) => void) => void
  presence: (message: PresenceMessage, answer: (answer: PresenceAnswer | RefusedMessage) => void) => void
  take_over: (message: TakeOverMessage, answer: (answer: TakeOverAnswer | RefusedMessage) => void) => void
}

/** Server → client events of the Socket.IO connection. */
export interface ServerEvents {
  RecordCreated: (event: RecordEvent) => void
  RecordUpdated: (event: RecordEvent) => void
  RecordDeleted: (event: RecordEvent) => void
  RecordsImported: (event: ImportEvent) => void
  RecordsImporting: (event: ImportingEvent) => void
  PresenceChanged: (event: PresenceEvent) => void
  /** In the record's room; a hint, as presence is. */
  ProposalCreated: (event: ProposalEvent) => void
  ProposalDecided: (event: ProposalEvent) => void
  TakeOver: (event: TakeOverEvent) => void
  AccessRevoked: (event: RevokedEvent) => void
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
