// The wire: every name, header, code and message shape that server and clients share.
// With its parts, the other files of its folder, the only file of the server that web/ may import. It holds types and constants.
import type { ChangedValues, HistoryEvent } from './history.ts'
import type { Fields, RecordAddress, WireRecord, Writer } from './record.ts'
import type { RecordEvent } from './socket.ts'

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
  type WireOpenProposal,
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
  type ClientMessages,
  type ImportEvent,
  type ListAddress,
  MAX_ROOMS,
  type PresenceAnswer,
  type PresenceEvent,
  type PresenceMessage,
  type PresenceState,
  type PresentPerson,
  type RecordEvent,
  type RecordEventName,
  type RefusedMessage,
  type RevokedEvent,
  type Scope,
  type ServerEvents,
  type SpreadEvent,
  type WatchAnswer,
  type WatchedList,
  type WatchedRecord,
  type WatchingEvent,
  type WatchMessage,
} from './socket.ts'
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
  /** A positive integer. */
  version: number
  /** ISO 8601 UTC with microseconds. */
  updated_at: string
  /** The writer's name; `null` only where nothing is known. */
  updated_by_name: string | null
  /** The version is that of its deletion. */
  deleted: boolean
}

/** What became of one record of `POST /records/versions` that differs from what the client holds. */
export interface WireVersionDifference extends RecordAddress, Pick<WireRecord, 'rights'> {
  /** `null` where the record is not there or may not be read: one answer for both. */
  version: number | null
  /** ISO 8601 UTC with microseconds; `null` as `version`. */
  updated_at: string | null
  /** Who made that version; `null` as `version`. */
  updated_by: Writer | null
  /** The version is that of its deletion. */
  deleted: boolean
}

/** Body of `PATCH /records/:type/:id`. */
export interface SaveBody {
  /** The version that the editor loaded and built its changes on. */
  client_version: number
  /** New values by field; the others stay. */
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
  /** Values by field; columns left out get the database's defaults. */
  fields: Fields
  /** A key made by the client, for uuid and text keys. Default: the database's. */
  id?: string
  /** At most 200 characters. A replay of the same write gets its first answer back. */
  mutation_id?: string
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
