// Proposed changes on the wire. Types and constants only. Exported by index.ts.
import type { Fields, RecordAddress, WireRecord, Writer } from './record.ts'

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
  /** Proposed values, by field. */
  changes: Fields
  /** Why. */
  note?: string
  /** At most 200 characters. A replay of the same proposal gets its first answer back. */
  mutation_id?: string
}

/** Changes that somebody proposes. */
export interface WireProposal {
  /** A uuid. */
  id: string
  /** `open`, `accepted` or `rejected`. */
  state: ProposalState
  /** The version that the changes were built on. */
  client_version: number
  /** Proposed values, by field. */
  changes: Fields
  /** Why, in the proposer's words; `null`: none was given. */
  note: string | null
  /** Who; `null` only where nothing is known. */
  proposed_by: Writer | null
  /** ISO 8601 UTC. */
  proposed_at: string
  /** Who accepted or rejected it; `null` while it is open. */
  decided_by: Writer | null
  /** ISO 8601 UTC; `null` while it is open. */
  decided_at: string | null
  /** Of an accepted one: which of the changes. */
  accepted_fields: string[] | null
  /** Of an accepted one: the version that has them. */
  accepted_version: number | null
}

/** An open proposal, with the record as it is now: what `GET /proposals/:type` lists. */
export interface WireOpenProposal extends WireProposal {
  /** What it is proposed for. */
  record: WireRecord
}

/** What the asker may do with a record: save changes and accept proposals, or propose. */
export interface MayDecide {
  /** May save changes, and accept proposals. */
  save: boolean
  /** May propose. */
  propose: boolean
}

/** `ProposalCreated` and `ProposalDecided`: in the record's room. Metadata alone; the list has the rest. */
export interface ProposalEvent extends RecordAddress {
  /** Whose it is; `null` where the table has no tenants. */
  tenant_id: string | null
  /** Of the proposal that was made or decided about. */
  proposal_id: string
  /** What it is now. */
  state: ProposalState
  /** The version that the changes were built on. */
  client_version: number
  /** The first ten of the fields that it would change. */
  changed_fields: string[]
  /** Who proposed it, or who decided. */
  by: Writer | null
  /** When: ISO 8601 UTC. */
  at: string
}
