// One record as its editor holds it: what is shown, what is typed, what is known to be newer; and all events of it. The
// status follows from the state in one place (`statusOf`), so that the two never disagree.

import type { Fields, ProblemCode, StaleProblem, WireRecord, Writer } from '../../../server/protocol/index.ts'
import { isEmpty } from '../base/values.ts'
import type { ClientProposeOutcome } from '../history/reviews.ts'
import type { Refusal } from '../http/outcomes.ts'
import type { MergedWith, Mutation, OwnSave } from '../http/own-writes.ts'
import type { NewerVersion, RemoteVersion } from '../transport/transport.ts'

/** In the order of the columns of reducer.ts. */
export const STATUSES = [
  'loading',
  'clean',
  'dirty',
  'saving',
  'behind',
  'conflicted',
  'gone',
  'offline',
  'forbidden',
  'signed_out',
] as const

/** Where an editor stands. `offline`: the last request got no answer. `signed_out`: the last one was answered 401. */
export type RecordStatus = (typeof STATUSES)[number]

export type { MergedWith, Mutation, OwnSave } from '../http/own-writes.ts'
export type { NewerVersion } from '../transport/transport.ts'

/** Edits set aside that can be restored. */
export interface Kept {
  /** Values by field. */
  fields: Fields
  /** `restored`: the server's database went back. */
  why: 'reloaded' | 'reverted' | 'discarded' | 'access' | 'resolved' | 'recalled' | 'restored'
  /** Of them what had been saved, and was lost when the server was restored. */
  lost?: { fields: string[]; at: number }
  /** Dismissed: still there for `restore`, not shown. */
  isHidden: boolean
}

export type Trouble =
  /** `isKept`: the save waits on this device, and is sent by itself. */
  | { kind: 'unreachable'; during: 'load' | 'save'; isKept?: boolean }
  | { kind: 'signed_out' }
  | { kind: 'not_allowed' }
  | { kind: 'failed'; detail: string; code?: ProblemCode }

/** A line about something done, shown for some seconds. */
type Notice =
  | { kind: 'updated'; version: number; by: Writer | null; at: number; isOwn: boolean; fields: string[] }
  | { kind: 'loaded'; version: number }
  | { kind: 'saved'; version: number; merged: MergedWith | null }
  | { kind: 'merged'; version: number }
  | { kind: 'recalled' }
  | { kind: 'restored' }
  | { kind: 'proposed' }

/** What outlives the page: the edits of one record, and what they are built on. */
export interface UnsentEdits {
  /** `null` where access has gone: nothing of the record is kept then. */
  base: WireRecord | null
  /** What is typed, by field. */
  draft: Fields
  /** What was set aside, and can be restored. */
  kept: Kept | null
  /** A write that was asked for and has no answer yet: it may have been written. */
  unanswered: Mutation | null
  /** What was asked for after that one: a save of all that is typed, or the removal. */
  next: RecordState['next']
}

/** An open record as it is shown now, with what is typed. */
export interface RecordState {
  /** Where the editor stands; it follows from the rest. */
  status: RecordStatus
  /** The version that is shown; the draft is built on it. `null` before the first load and after access has gone. */
  record: WireRecord | null
  /** What is typed and not saved, by field; only what differs. */
  draft: Fields
  /** A newer version that was received whole and is not shown. */
  latest: WireRecord | null
  /** A newer version that is known and not shown; `null`: none. */
  newer: NewerVersion | null
  /** The newest version whose banner was dismissed; 0 for none. */
  dismissed: number
  /** Versions that arrived while they could not be compared: before the first load, and while a write is in flight. */
  held: RemoteVersion[]
  /** The write that is on its way. */
  writing: Mutation | null
  /** A write without an answer: it may have been written. */
  unanswered: Mutation | null
  /** A write that was asked for and waits for the answer to the one in flight. */
  next: Pick<Mutation, 'kind' | 'mutationId'> | null
  /** The newest version was asked for, in place of what is typed. */
  reloading: boolean
  /** The newest version was asked for, to go under what is typed. */
  merging: boolean
  /** Both sides are looked at before anything was refused. */
  reviewing: boolean
  /** Edits that were set aside, and can be restored. */
  kept: Kept | null
  /** Why the last save was refused, until it is reloaded or closed. */
  conflict: StaleProblem | null
  /** The record was deleted: by whom, and when in this machine's milliseconds. */
  deletion: { version: number; by: Writer | null; at: number; isOwn: boolean } | null
  /** This person may not read it, or it isn't there. */
  isRefused: boolean
  /** It was created in this tab, and the server lost it. */
  lostCreation: { at: number; fields: Fields } | null
  /** Why the last request failed; `null`: it didn't. */
  trouble: Trouble | null
  /** The server's error for each field. */
  errors: Record<string, string>
  /** A line about something done, for some seconds. */
  notice: Notice | null
  /** Fields that somebody else has just changed. */
  highlighted: readonly string[]
  /** What the last save replaced and became: see `undoOf`. */
  undoable: { before: Fields; after: Fields } | null
  /** The last ones; where the server's database goes back, some may be lost. */
  ownSaves: readonly OwnSave[]
  /** The server's database may have gone back, and the record was not loaded since. */
  isUnsure: boolean
}

/** All events of an open record. */
export type RecordStateEvent =
  | { kind: 'opened' }
  | { kind: 'typed'; field: string; value: unknown }
  | { kind: 'save_asked'; mutationId: string }
  /** The last save is undone by another. */
  | { kind: 'undo_asked'; mutationId: string }
  /** What is sent, and the form as it stands with that: see history/ask.ts. */
  | { kind: 'write_asked'; mutationId: string; mutation: Mutation; form: Pick<RecordState, 'draft' | 'kept'> }
  /** The server seems reachable again: what got no answer is sent again, and nothing else. */
  | { kind: 'resume_asked' }
  | { kind: 'remove_asked'; mutationId: string }
  | { kind: 'reload_asked' }
  /** Without `fields`: all of them. */
  | { kind: 'restore_asked'; fields?: readonly string[] }
  /** `isDiscard`: nothing is offered before the record is opened again. */
  | { kind: 'revert_asked'; isDiscard?: boolean }
  | { kind: 'dismissed' }
  /** A version whose banner was dismissed is shown again. */
  | { kind: 'show_asked' }
  | { kind: 'merge_asked' }
  | { kind: 'review_asked' }
  | Resolution
  /** `isNewest`: they come before what is set aside already. */
  | { kind: 'recalled'; edits: UnsentEdits; isNewest?: boolean }
  | { kind: 'recreated' }
  /** Everything unsaved is discarded, at the user's explicit request. */
  | { kind: 'discarded' }
  | { kind: 'conflict_closed' }
  /** `since`: the newest version known when it was asked for; an older answer shows that the record went back. `isCreated`: here. */
  | { kind: 'loaded'; record: WireRecord; at: number; isOwn: boolean; since?: number; isCreated?: boolean }
  | { kind: 'load_failed'; refusal: Refusal; at: number }
  | {
      kind: 'saved'
      mutationId: string
      record: WireRecord
      mergedFields: string[]
      mergedBy?: Writer | null
      at?: number
    }
  | { kind: 'removed'; mutationId: string; at: number }
  | { kind: 'write_refused'; mutationId: string; refusal: WriteRefusal; at: number; isKept?: boolean }
  | { kind: 'version_received'; remote: RemoteVersion }
  | { kind: 'revoked' }
  /** The server's database is in another history: it was restored, failed over, or only restarted. */
  | { kind: 'history_changed' }
  /** These of the tab's own saves are not in the new history. */
  | { kind: 'saves_lost'; saves: readonly OwnSave[] }
  | { kind: 'creation_lost'; save: Pick<OwnSave, 'at' | 'changes'> }
  | { kind: 'faded'; what: 'highlight' | 'notice' }

/** The user's decision, field by field, on one version of the others. */
export interface Resolution {
  kind: 'resolved'
  /** The version that was looked at; where a newer one is here by now, nothing happens. */
  version: number
  /** Fields in which the others' value is taken. */
  theirs: readonly string[]
  /** Fields that become something else than either side. Every other edit stays mine. */
  edited: Fields
  /** Saves at once under this id; `null` only puts it into the form. */
  mutationId: string | null
  /** Nobody decided: the changes fit together. */
  merged?: MergedWith
}

type WriteRefusal =
  | Refusal
  /** Nothing is written yet: somebody else decides. */
  | Extract<ClientProposeOutcome, { outcome: 'proposed' }>
  | { outcome: 'conflict'; problem: StaleProblem }
  | { outcome: 'invalid'; errors: { field: string; message: string }[] }

type StateEventKind = RecordStateEvent['kind']
export type StateEventOf<K extends StateEventKind> = Extract<RecordStateEvent, { kind: K }>

/** What the store has to do after a step. `forget_loads`: answers on their way are no longer wanted. */
export type RecordEffect =
  | { kind: 'load'; when: 'now' | 'soon' }
  | { kind: 'write'; mutation: Mutation }
  | { kind: 'forget_loads' }
  | { kind: 'fade'; what: 'highlight' | 'notice' }

export interface Transition {
  state: RecordState
  effects: RecordEffect[]
}

export const initialRecordState: RecordState = {
  status: 'loading',
  record: null,
  draft: {},
  latest: null,
  newer: null,
  dismissed: 0,
  held: [],
  writing: null,
  unanswered: null,
  next: null,
  reloading: false,
  merging: false,
  reviewing: false,
  kept: null,
  conflict: null,
  deletion: null,
  isRefused: false,
  lostCreation: null,
  trouble: null,
  errors: {},
  notice: null,
  highlighted: [],
  undoable: null,
  ownSaves: [],
  isUnsure: false,
}

/** Both sides are on the screen, after a refusal or before one. */
export const isReviewed = (state: RecordState): boolean => state.conflict !== null || state.reviewing

/** The one place where the state becomes a status; the first that applies. */
export function statusOf(state: RecordState): RecordStatus {
  if (state.isRefused) return 'forbidden'
  if (state.deletion) return 'gone'
  if (state.writing) return 'saving'
  if (isReviewed(state)) return 'conflicted'
  if (state.trouble?.kind === 'signed_out') return 'signed_out'
  if (state.trouble?.kind === 'unreachable' || (state.trouble && !state.record)) return 'offline'
  if (!state.record) return 'loading'
  if (state.newer) return 'behind'
  return isEmpty(state.draft) ? 'clean' : 'dirty'
}

/**
 * What has to outlive the page; `null` where nothing is unsaved. A write on its way is one whose answer may be missed, and
 * a refused one waits for its owner though there be no text in it, as in a removal.
 */
export function editsOf(state: RecordState): UnsentEdits | null {
  const { record, draft, kept } = state
  const unanswered = state.writing ?? state.unanswered
  if (isEmpty(draft) && !kept && !unanswered && !state.conflict) return null
  return { base: record, draft, kept, unanswered, next: unanswered && state.next }
}

/** What a form shows: the record with the draft over it. */
export const valuesOf = (state: RecordState): Fields => ({ ...state.record?.fields, ...state.draft })

/** It exists only here: see new-record.ts. */
export const isNew = ({ record }: Pick<RecordState, 'record'>): boolean => record?.version === 0

/** A save would be sent, and could be. A new record may be created as it is. */
export const canSave = (state: RecordState): boolean =>
  state.record !== null &&
  (isNew(state) || !isEmpty(state.draft)) &&
  (state.status === 'dirty' ||
    (state.status === 'clean' && isNew(state)) ||
    state.status === 'behind' ||
    state.status === 'offline' ||
    state.status === 'signed_out')

/** The topic of a banner, if any: one at a time, the most serious first. */
export type Topic = 'forbidden' | 'gone' | 'signed_out' | 'trouble' | 'newer' | 'kept' | 'notice'

/** The conflict has its own surface; while it is there or a write is in flight, there is no topic. */
export function topicOf(state: RecordState): Topic | null {
  if (state.isRefused) return 'forbidden'
  if (state.deletion) return 'gone'
  if (state.writing || isReviewed(state)) return null
  if (state.trouble) return state.trouble.kind === 'signed_out' ? 'signed_out' : 'trouble'
  if (state.newer && !isEmpty(state.draft) && state.newer.version > state.dismissed) return 'newer'
  if (state.kept && !state.kept.isHidden) return 'kept'
  return state.notice ? 'notice' : null
}
