// What is proposed for one record and not decided yet, as a store: live by the record's events, and what this person may do.
// Accepting is a guarded save by who decides. Invariant: what others have changed since a suggestion was made is overwritten only
// by who has seen both sides.

import type {
  Fields,
  MayDecide,
  RecordAddress,
  WireProposal,
  WireRecord,
} from '../../../server/protocol/index.ts'
import { createWritable, type Readable } from '../../client/base/store.ts'
import { isSame } from '../../client/base/values.ts'
import type { RecordClient } from '../../client/record-client-options.ts'

export interface SuggestionsState {
  status: 'loading' | 'ready' | 'failed'
  open: readonly WireProposal[]
  /** `null` before it is known. */
  may: MayDecide | null
}

export const NO_SUGGESTIONS: SuggestionsState = { status: 'loading', open: [], may: null }

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

export interface SuggestionStore extends Readable<SuggestionsState> {
  refresh(): Promise<void>
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

type SuggestionClient = Pick<
  RecordClient,
  | 'proposals'
  | 'acceptProposal'
  | 'rejectProposal'
  | 'readPast'
  | 'read'
  | 'onEvent'
  | 'connection'
  | 'onPersonChanged'
>

/** How often a suggestion follows a record that goes on changing in other fields. */
const MOST_TRIES = 4

/** @param persons Rises with each change of person: what one has loaded isn't there for the next. */
export function createSuggestionStore(
  client: SuggestionClient,
  { type, id }: RecordAddress,
  persons: () => number = () => 0,
): SuggestionStore {
  const state = createWritable<SuggestionsState>(NO_SUGGESTIONS)
  let asked = 0
  let person = persons()

  function get() {
    if (person !== persons()) {
      person = persons()
      asked += 1
      state.replace(NO_SUGGESTIONS)
    }
    return state.get()
  }

  async function refresh() {
    if (id === '') return
    asked += 1
    const own = asked
    const answer = await client.proposals(type, id, { state: 'open' })
    if (own !== asked) return
    if (answer.outcome === 'found')
      return state.set({ status: 'ready', open: answer.proposals, may: answer.may })
    const isGone = answer.outcome === 'gone' || answer.outcome === 'not_found'
    state.set({ ...state.get(), status: isGone ? 'ready' : 'failed', ...(isGone && { open: [] }) })
  }

  function close({ id: decided }: WireProposal) {
    const now = state.get()
    state.set({ ...now, open: now.open.filter((one) => one.id !== decided) })
    void refresh()
  }

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
    if (answer.outcome === 'saved' || answer.outcome === 'decided') close(proposal)
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
    get,
    subscribe(listener) {
      const stops = [
        state.subscribe(listener),
        client.onPersonChanged(() => {
          get()
          void refresh()
        }),
        client.onEvent(({ event }) => {
          if (event.name !== 'ProposalCreated' && event.name !== 'ProposalDecided') return
          if (event.event.type === type && event.event.id === id) void refresh()
        }),
      ]
      let { status, lastCheckedAt } = client.connection.get()
      stops.push(
        client.connection.subscribe(() => {
          const before = { status, lastCheckedAt }
          ;({ status, lastCheckedAt } = client.connection.get())
          // Where no events arrive, suggestions are asked for as often as versions are.
          const isPolled = status === 'polling' && lastCheckedAt !== before.lastCheckedAt
          if (isPolled || (status !== before.status && ['live', 'polling'].includes(status))) void refresh()
        }),
      )
      return () => {
        for (const stop of stops) stop()
      }
    },
    refresh,
    async accept(proposal, fields) {
      const read = await client.read<Fields>(type, id)
      if (read.outcome === 'found') return follow(proposal, read.record, fields)
      return 'problem' in read ? { outcome: 'refused', detail: read.problem.detail } : { outcome: 'failed' }
    },
    decide,
    async reject(proposal) {
      const answer = await client.rejectProposal(type, id, proposal.id)
      if (answer.outcome !== 'rejected' && answer.outcome !== 'decided') return 'failed'
      close(proposal)
      return answer.outcome
    },
  }
}
