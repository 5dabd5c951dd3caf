// Earlier versions and proposals, as a client offers them. Types only.

import type { UndoneRow } from '../../../server/protocol/bulk-and-import.ts'
import type {
  Fields,
  MayDecide,
  ProposalState,
  WireDeleted,
  WireOpenProposal,
  WireProposal,
  WireRecord,
} from '../../../server/protocol/index.ts'
import type {
  ClientConflict,
  ClientInvalid,
  ClientSaveOutcome,
  FetchOutcome,
  Refusal,
} from '../http/outcomes.ts'

/** Which version is asked for: by its number, or the one that stood at a time. */
export type Moment = { version: number } | { asOf: Date | string }

/**
 * `writable`: the fields that this person may write now, and so bring back. `no_longer_known`: the log doesn't reach back so
 * far, or not for this person.
 */
export type ClientPastOutcome<F extends object> =
  | { outcome: 'found'; record: WireRecord<F>; writable: string[] }
  | { outcome: 'no_longer_known' }
  | Refusal

/** What `client.restoreVersion` takes. */
export interface RestoreVersionOptions {
  /** The version that is looked at. */
  clientVersion: number
  /** The version whose values come back. */
  toVersion: number
  /** These fields alone. Default: all that may be written. */
  fields?: readonly string[]
  /** Default: a new one. A retry of the same write has the same. */
  mutationId?: string
  /** @internal An open record has asked, and shows the answer by itself. */
  isShown?: boolean
}

/** What `client.propose` answers. */
export type ClientProposeOutcome =
  | { outcome: 'proposed'; proposal: WireProposal }
  | ClientConflict<Fields>
  | ClientInvalid
  | Refusal

/** Proposals, the newest first; `may`: what this person may do with the record. */
export interface ProposalsPage {
  /** Of one page. */
  proposals: WireProposal[]
  /** Send it as `after`; `null` on the last. */
  next: string | null
  /** What this person may do with them. */
  may: MayDecide
}

/** Open proposals of a type's records, the one that waits longest first, each with its record as it is now. */
export interface OpenProposalsPage {
  /** Of one page. */
  proposals: WireOpenProposal[]
  /** Send it as `after`; `null` on the last. */
  next: string | null
}

/** What `client.acceptProposal` takes. */
export interface AcceptProposalOptions {
  /** The version that is looked at. */
  clientVersion: number
  /** These of the proposed fields alone. Default: all. */
  fields?: readonly string[]
  /** What was made of some of them instead. */
  edited?: Fields
  /** Default: a new one. A retry of the same write has the same. */
  mutationId?: string
}

/** Deleted records as they last were, the last deletion first. */
export interface DeletedPage {
  /** Of one page. */
  records: WireDeleted[]
  /** Send it as `after`. */
  next: string | null
}

/** What `client.undoImport` takes. */
export interface ClientUndoImportOptions {
  /** Called with how many rows were looked at, of how many changes that the import made. */
  onProgress?: (progress: { done: number; total: number }) => void
  /** Ends it after the part that is under way; asked again it goes on. */
  signal?: AbortSignal
}

/** `rows`: those that this person may read, with what became of each. */
export type ClientUndoImportOutcome = { outcome: 'undone'; rows: UndoneRow[]; isWhole: boolean } | Refusal

/** `decided`: somebody has accepted or rejected it before. */
interface Decided {
  outcome: 'decided'
}

/** Earlier versions and proposals of one server. */
export interface Reviews {
  /** The record as it was at a version, or at a time; of types with `history: 'values'`. */
  readPast<F extends object = Fields>(type: string, id: string, moment: Moment): Promise<ClientPastOutcome<F>>
  /**
   * Saves what the record was at a version, guarded like any save; where the log doesn't know it any more, `failed` with that
   * code. Of an open record use `editor.restoreVersion`.
   */
  restoreVersion<F extends object = Fields>(
    type: string,
    id: string,
    options: RestoreVersionOptions,
  ): Promise<ClientSaveOutcome<F>>
  /** Keeps changes for somebody else to decide about. Of an open record use `editor.propose`. */
  propose(
    type: string,
    id: string,
    options: { clientVersion: number; changes: Fields; note?: string; mutationId?: string },
  ): Promise<ClientProposeOutcome>
  /** What is proposed for a record. */
  proposals(
    type: string,
    id: string,
    query?: { state?: ProposalState; after?: string },
  ): Promise<FetchOutcome<ProposalsPage>>
  /**
   * What is proposed for any record of a type and waits for this person's decision; `mine`: what this person has proposed, or an agent
   * for them. 50 a page, at most 200.
   */
  openProposals(
    type: string,
    page?: { mine?: boolean; limit?: number; after?: string },
  ): Promise<FetchOutcome<OpenProposalsPage>>
  /** Saves what is proposed, all or some fields of it, guarded like any save. */
  acceptProposal<F extends object = Fields>(
    type: string,
    id: string,
    proposalId: string,
    options: AcceptProposalOptions,
  ): Promise<ClientSaveOutcome<F> | Decided>
  /** Closes a proposal; its proposer may too. */
  rejectProposal(
    type: string,
    id: string,
    proposalId: string,
    options?: { mutationId?: string },
  ): Promise<{ outcome: 'rejected' } | Decided | Refusal>
  /** Deleted records of a type with `history: 'values'`, as far as this person could read them: 50 a page, at most 200. */
  deleted(type: string, page?: { limit?: number; after?: string }): Promise<FetchOutcome<DeletedPage>>
  /**
   * Brings a deleted record back as it last was, with the parts that went with it, if nothing has happened to its id since.
   * `clientVersion`: that of the deletion. Where the log doesn't know it any more, `failed` with `no_longer_known`.
   */
  restoreDeleted<F extends object = Fields>(
    type: string,
    id: string,
    options: { clientVersion: number; mutationId?: string },
  ): Promise<ClientSaveOutcome<F>>
  /**
   * Undoes an import, part by part, each row guarded by the version that the import made. Asked again it undoes nothing twice.
   *
   * @example
   * const undone = await client.undoImport('task', answer.import_id, { onProgress: ({ done, total }) => show(done / total) })
   */
  undoImport(
    type: string,
    importId: string,
    options?: ClientUndoImportOptions,
  ): Promise<ClientUndoImportOutcome>
}
