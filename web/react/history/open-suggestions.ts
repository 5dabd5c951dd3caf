// What is proposed for any record of a type and waits for a decision, as a store: pages of it, live by the events of the type's list.
// Invariant: no suggestion stands there twice, and what one person has loaded isn't there for the next.

import type { WireOpenProposal } from '../../../server/protocol/index.ts'
import { createWritable, type Readable } from '../../client/base/store.ts'
import type { RecordClient } from '../../client/record-client-options.ts'
import { whenAsked } from './when-asked.ts'

export interface OpenSuggestionsState {
  status: 'loading' | 'ready' | 'failed'
  suggestions: readonly WireOpenProposal[]
  /** Whether there is another page. */
  isMore: boolean
}

export const NONE_KNOWN: OpenSuggestionsState = { status: 'loading', suggestions: [], isMore: false }

export interface OpenSuggestionStore extends Readable<OpenSuggestionsState> {
  refresh(): Promise<void>
  loadMore(): Promise<void>
  /** Takes one out that is decided. */
  remove(id: string): void
}

type OpenSuggestionClient = Pick<
  RecordClient,
  'openProposals' | 'onEvent' | 'onEvents' | 'connection' | 'seconds'
>

interface Which {
  mine: boolean
  /** Of one page. */
  limit: number
}

/** How long further events are waited for, in milliseconds. */
const COALESCE_MS = 300

export function createOpenSuggestions(
  client: OpenSuggestionClient,
  type: string,
  { mine, limit }: Which,
): OpenSuggestionStore {
  const state = createWritable<OpenSuggestionsState>(NONE_KNOWN)
  let asked = 0
  let pages = 1

  /** As many pages as are shown, anew: what was decided leaves them, and what changed of the records is shown. */
  async function load() {
    asked += 1
    const own = asked
    const suggestions = new Map<string, WireOpenProposal>()
    let after: string | null = null
    for (let page = 0; page < pages && (page === 0 || after); page += 1) {
      const answer = await client.openProposals(type, { mine, limit, ...(after && { after }) })
      if (own !== asked) return
      if (answer.outcome !== 'found') return state.set({ ...state.get(), status: 'failed' })
      for (const one of answer.proposals) suggestions.set(one.id, one)
      after = answer.next
    }
    state.set({ status: 'ready', suggestions: [...suggestions.values()], isMore: after !== null })
  }

  return {
    get: state.get,
    subscribe(listener) {
      let timer: ReturnType<typeof setTimeout> | undefined
      const soon = () => {
        timer ??= setTimeout(() => {
          timer = undefined
          void load()
        }, COALESCE_MS)
      }
      const stops = [
        state.subscribe(listener),
        // The list of the type: its watchers are sent what is proposed for its records, too.
        client.onEvents(type, load),
        client.onEvent(({ event }) => {
          const isProposal = event.name === 'ProposalCreated' || event.name === 'ProposalDecided'
          if (isProposal && event.event.type === type) soon()
        }),
        whenAsked(client, soon),
      ]
      return () => {
        clearTimeout(timer)
        for (const stop of stops) stop()
      }
    },
    refresh: load,
    loadMore() {
      pages += 1
      return load()
    },
    remove(id) {
      const now = state.get()
      state.set({ ...now, suggestions: now.suggestions.filter((one) => one.id !== id) })
    },
  }
}
