// Deciding about a suggestion: a guarded save by who decides, which follows a record that goes on changing. Invariant: what others
// have changed since it was made is overwritten only by who has seen both sides.

import type { Fields, RecordAddress, WireProposal, WireRecord } from '../../../server/protocol/index.ts'
import { isSame } from '../../client/base/values.ts'
import type { RecordClient } from '../../client/record-client-options.ts'

/** Both sides of a suggestion that was made on an older version, where both changed the same. */
export interface OverlappingSuggestion {
  proposal: WireProposal
  /** The record as it was when it was made. */
  base: WireRecord
  current: WireRecord
  fields: readonly string[]
}

export type AcceptAnswer =
  | { outcome: 'saved'; version: number }
  | ({ outcome: 'overlap' } & OverlappingSuggestion)
  | { outcome: 'decided' }
  | { outcome: 'refused'; detail: string }
  | { outcome: 'failed' }

/** Decisions about the suggestions for one record. */
export interface Decisions {
  accept(proposal: WireProposal, fields: readonly string[]): Promise<AcceptAnswer>
  /** What was decided between both sides, on that version. */
  decide(
    proposal: WireProposal,
    version: number,
    fields: readonly string[],
    edited: Fields,
  ): Promise<AcceptAnswer>
  reject(proposal: WireProposal): Promise<'rejected' | 'decided' | 'failed'>
}

/** What they need of their client. */
export type DecidingClient = Pick<RecordClient, 'acceptProposal' | 'rejectProposal' | 'readPast' | 'read'>

/** How often a suggestion follows a record that goes on changing in other fields. */
const MOST_TRIES = 4

/** @param onDecided Somebody has decided about it, here or elsewhere. */
export function createDecisions(
  client: DecidingClient,
  { type, id }: RecordAddress,
  onDecided: (proposal: WireProposal) => void,
): Decisions {
  async function decide(
    proposal: WireProposal,
    clientVersion: number,
    fields: readonly string[],
    edited: Fields = {},
    tries = 1,
  ): Promise<AcceptAnswer> {
    const isEdited = Object.keys(edited).length > 0
    const options = { clientVersion, fields, ...(isEdited && { edited }) }
    const answer = await client.acceptProposal(type, id, proposal.id, options)
    if (answer.outcome === 'saved' || answer.outcome === 'decided') onDecided(proposal)
    switch (answer.outcome) {
      case 'saved':
        return { outcome: 'saved', version: answer.record.version }
      case 'decided':
        return { outcome: 'decided' }
      case 'conflict':
        return tries < MOST_TRIES
          ? follow(proposal, answer.problem.current, fields, tries + 1)
          : { outcome: 'failed' }
      case 'invalid':
        return { outcome: 'refused', detail: answer.errors[0]?.message ?? '' }
      case 'failed':
      case 'forbidden':
      case 'gone':
        return { outcome: 'refused', detail: answer.problem.detail }
      default:
        return { outcome: 'failed' }
    }
  }

  /** On the record as it is: at once where nobody has changed these fields since, else both sides have to be seen. */
  async function follow(
    proposal: WireProposal,
    current: WireRecord,
    fields: readonly string[],
    tries = 1,
  ): Promise<AcceptAnswer> {
    if (current.version === proposal.client_version)
      return decide(proposal, current.version, fields, {}, tries)
    const past = await client.readPast<Fields>(type, id, { version: proposal.client_version })
    const base = past.outcome === 'found' ? past.record : null
    const isOver = (field: string) =>
      !base ||
      (!isSame(base.fields[field], current.fields[field]) &&
        !isSame(current.fields[field], proposal.changes[field]))
    if (!fields.some(isOver)) return decide(proposal, current.version, fields, {}, tries)
    // Where nobody knows what it was, the record as it is stands for it: each field is to be looked at.
    const known = base ?? { ...current, version: proposal.client_version, fields: {} }
    return { outcome: 'overlap', proposal, base: known, current, fields }
  }

  return {
    async accept(proposal, fields) {
      const read = await client.read<Fields>(type, id)
      if (read.outcome === 'found') return follow(proposal, read.record, fields)
      return 'problem' in read ? { outcome: 'refused', detail: read.problem.detail } : { outcome: 'failed' }
    },
    decide,
    async reject(proposal) {
      const answer = await client.rejectProposal(type, id, proposal.id)
      if (answer.outcome !== 'rejected' && answer.outcome !== 'decided') return 'failed'
      onDecided(proposal)
      return answer.outcome
    },
  }
}
