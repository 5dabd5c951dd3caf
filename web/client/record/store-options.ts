// The interfaces of a record's store: to the page, to its client, and what it needs of that client.

import type { Fields, RecordAddress, WireRecord, Writer } from '../../../server/protocol/index.ts'
import type { Clock, Stop } from '../base/clock.ts'
import type { TypedText } from '../base/field-text.ts'
import type { Readable } from '../base/store.ts'
import type { ClientPastOutcome, ClientProposeOutcome, Reviews } from '../history/reviews.ts'
import type { ClientCreateOutcome, ClientRemoveOutcome, ClientSaveOutcome } from '../http/outcomes.ts'
import type { Requests } from '../http/requests.ts'
import type { Watching } from '../transport/subscriptions.ts'
import type { RemoteVersion } from '../transport/transport.ts'
import type { DraftPersistence } from './draft-persistence.ts'
import type { RecordState, RecordStateEvent, Resolution, UnsentEdits } from './state.ts'

/** An event of an open record, and the state that it led to. */
export interface RecordTransition extends RecordAddress {
  /** What was done or received: `typed`, `saved`, `version_received` … */
  event: RecordStateEvent['kind']
  /** After the event. */
  state: RecordState
}

export interface RecordStoreOptions {
  address: RecordAddress
  requests: Pick<Requests, 'read' | 'save' | 'remove' | 'create' | 'history'> &
    Pick<Reviews, 'readPast' | 'restoreVersion' | 'propose'>
  watching: Pick<Watching, 'addRecord'>
  clock: Clock
  newId: () => string
  /** The server's time in this machine's milliseconds. */
  localTime: (iso: string | null) => number
  isOwn: (by: Writer | null) => boolean
  /** Detects a change of person; before it returns, `leave` was called. */
  checkPerson: () => unknown
  /** Rises with each change of person. */
  epoch: () => number
  personId: () => string | null
  /** Everything that was committed before has arrived at this client. */
  asOf: () => string | null
  /** Edits that arrived after their owner had left. */
  setAside: (owner: string | null, edits: UnsentEdits) => void
  /** Where edits outlive the page. */
  persistence?:
    | Pick<DraftPersistence, 'recall' | 'keep' | 'isKept' | 'created' | 'openAs' | 'elsewhere'>
    | undefined
  /** Saves pass a newer version where the type allows it and no field overlaps. */
  onStale?: 'reject' | 'merge' | undefined
  /** Called after each event, with the state that it led to. */
  onTransition?: ((transition: RecordTransition) => void) | undefined
  /** It has no listener and no unsaved edits: it can be forgotten. */
  onIdle: () => void
  /** It has a listener or unsaved edits: the client has to keep it. */
  onUsed: () => void
  /** It was forgotten, and another one is open for its record: what is unsent there is none of its own. */
  isReplaced?: () => boolean
}

/** What the client does to a store of its own. */
export interface OwnedRecordStore extends RecordStore {
  dispatch(stateEvent: RecordStateEvent): unknown
  receive(remote: RemoteVersion): void
  /** The server's database is in another history: what is shown, and what was saved here, may be lost. */
  historyChanged(): void
  isMounted(): boolean
  /** Loads it for the current person. */
  open(): void
  /** The person changes: returns the unsaved edits, and empties the store. */
  leave(): UnsentEdits | null
  /** Brings edits of earlier pages back. */
  recall(): Promise<void>
  /** Brings edits of earlier pages back and sends what got no answer; resolves when that has its answer. */
  resume(): Promise<RecordState>
  /** It was created, by another page: as after a save here. */
  becomes(record: WireRecord): void
  /** As if it had just been opened: what it had is another record's now. */
  reset(): void
  /** The page is visible again: a waiting load starts at once. */
  loadWaiting(): void
  close(): void
}

/** An open record: read and watched like any store, changed by what a person does. */
export interface RecordStore<F extends object = Fields> extends Readable<RecordState>, RecordAddress {
  /**
   * The version that is shown was the newest at this time; ISO 8601, by the database's clock. `null`: unknown. It stands still
   * from the moment at which a newer version is known.
   */
  asOf(): string | null
  /** What a form shows: the record with the draft over it. */
  values(): Partial<F>
  /** Types a value into a field; the value that the record has is no edit. @throws TypeError for what JSON has no form for. */
  change<K extends keyof F & string>(field: K, value: F[K]): void
  /** Sends what is typed. `null`: there was nothing to send. Calling it twice sends once. */
  save(): Promise<ClientSaveOutcome<F> | null>
  /**
   * Undoes the last save here, as a version of its own, guarded like any save. `null`: there is nothing to undo, something is
   * typed, or others have changed it since.
   */
  undo(): Promise<ClientSaveOutcome<F> | null>
  /**
   * Saves what the record was at an earlier version, or these fields of it, guarded like any save: where others have changed the
   * same since, both sides are shown. `null`: it is that already, or a save is on its way. Of types with `history: 'values'`.
   */
  restoreVersion(
    version: number,
    fields?: readonly (keyof F & string)[],
  ): Promise<ClientSaveOutcome<F> | Exclude<ClientPastOutcome<F>, { outcome: 'found' }> | null>
  /**
   * Sends what is typed for somebody else to decide about, instead of saving it. Where others have changed the same since, both
   * sides are shown first. `null`: there was nothing to propose.
   */
  propose(note?: string): Promise<ClientProposeOutcome | null>
  /** Deletes the record, if it is still at the shown version. `null`: there was nothing to delete. */
  remove(): Promise<ClientRemoveOutcome | null>
  /** Shows the newest version and keeps what is typed for `restore`. */
  reload(): void
  /** Kept edits go over what is shown: all, or those of the named fields. `revert` undoes it. */
  restore(fields?: readonly (keyof F & string)[]): void
  /** The newest version goes under what is typed; where both changed a field, it is reviewed instead. */
  merge(): void
  /** Both sides side by side, as after a refused save. */
  review(): void
  /** Applies a decision and saves it, guarded like any save; after a refused proposal it is proposed. `null`: nothing was saved. */
  resolve(decision: Decision): Promise<ClientSaveOutcome<F> | null>
  /** A deleted record from what is shown and typed, under its own id where the key allows that, else under a new one. */
  recreate(): Promise<ClientCreateOutcome<F> | null>
  /** Back to the shown version; `restore` undoes it. */
  revert(): void
  /** The same for a form that is closed: nothing is offered until the record is opened again. */
  discard(): void
  /**
   * Texts of inputs that are no value yet, as `12e` in an amount, by field: no draft can have them. A form leaves them here when it
   * goes, and the next takes them.
   */
  unread(): Map<string, TypedText>
  /** Called after each save of this record here, by whatever it was asked for: a button, a dialog, autosave, a retry. */
  onSaved(listener: (record: WireRecord) => void): Stop
  /** Puts the banner of this version away. Saves stay guarded. */
  dismiss(): void
  /** Shows the banner of a version again that was dismissed. */
  show(): void
  /** Closes the conflict without a decision; what is typed stays. */
  closeConflict(): void
  /** Retries what failed: the save when something is typed, otherwise the load. */
  retry(): void
}

/** What came of looking at both sides: see `resolutionOf`. */
export type Decision = Pick<Resolution, 'version' | 'theirs' | 'edited'>
