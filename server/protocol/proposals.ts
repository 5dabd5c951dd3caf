// Proposed changes on the wire. Types and constants only. Exported by index.ts.
import type { Fields, RecordAddress, Writer } from './record.ts'

/** The most proposals of one record that may be open, and that one answer holds. */
export const MAX_PROPOSALS = 100

/** The longest note, in characters. */
export const MAX_NOTE_CHARS = 2_000

/** Whether a proposal waits for a decision, and which it got. */
export type ProposalState = 'open' | 'accepted' | 'rejected'

/** Body of `POST /records/:type/:id/proposals`. */
export interface ProposeBody {
  /** The version that the changes were built on. */
  client_version: number
  changes: Fields
  /** Why. */
  note?: string
  mutation_id?: string
}

/** Changes that somebody proposes. */
export interface WireProposal {
  id: string
  state: ProposalState
  /** The version that the changes were built on. */
  client_version: number
  changes: Fields
  note: string | null
  proposed_by: Writer | null
  proposed_at: string
  decided_by: Writer | null
  decided_at: string | null
  /** Of an accepted one: which of the changes. */
  accepted_fields: string[] | null
  /** Of an accepted one: the version that has them. */
  accepted_version: number | null
}

/** What the asker may do with a record: save changes and accept proposals, or propose. */
export interface MayDecide {
  save: boolean
  propose: boolean
}

/** `ProposalCreated` and `ProposalDecided`: in the record's room. Metadata alone; the list has the rest. */
export interface ProposalEvent extends RecordAddress {
  tenant_id: string | null
  proposal_id: string
  state: ProposalState
  client_version: number
  changed_fields: string[]
  /** Who proposed it, or who decided. */
  by: Writer | null
  at: string
}
