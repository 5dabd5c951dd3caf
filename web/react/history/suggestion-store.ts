// What is proposed for one record and not decided yet, as a store: live by the record's events, and what this person may do.

import type { MayDecide, RecordAddress, WireProposal } from '../../../server/protocol/index.ts'
import { createWritable, type Readable } from '../../client/base/store.ts'
import type { RecordClient } from '../../client/record-client-options.ts'
import { createDecisions, type DecidingClient, type Decisions } from './decisions.ts'
import { whenAsked } from './when-asked.ts'

export interface SuggestionsState {
  status: 'loading' | 'ready' | 'failed'
  open: readonly WireProposal[]
  /** `null` before it is known. */
  may: MayDecide | null
}

export const NO_SUGGESTIONS: SuggestionsState = { status: 'loading', open: [], may: null }

export interface SuggestionStore extends Readable<SuggestionsState>, Decisions {
  refresh(): Promise<void>
}

type SuggestionClient = DecidingClient &
  Pick<RecordClient, 'proposals' | 'onEvent' | 'connection' | 'seconds' | 'onPersonChanged'>

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

  const decisions = createDecisions(client, { type, id }, close)

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
        whenAsked(client, () => void refresh()),
      ]
      return () => {
        for (const stop of stops) stop()
      }
    },
    refresh,
    ...decisions,
  }
}
