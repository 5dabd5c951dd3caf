// Fetches what is new in a list, and decides whether it is shown, held back while the list is held, or offered because too
// much would move. The store decides when.
import type { Writable } from '../base/store.ts'
import { type FetchedList, fetchDelta, fetchWhole, lostRecords } from './fetch.ts'
import type { CompareRecords } from './order.ts'
import type { wantedOf } from './query.ts'
import {
  dropRows,
  fadeHighlight,
  type ListState,
  movesOf,
  patchOf,
  showList,
  showStaged,
  stage,
} from './state.ts'
import type { ListStoreOptions } from './store-options.ts'

/** If more rows would move, the refresh is offered instead of shown. */
export const MOST_MOVES = 50
/** If there are more changes, the refresh is offered before it is fetched. */
export const MOST_FETCHED = 500
const HIGHLIGHT_MS = 3000

export interface ListRefreshOptions extends Pick<ListStoreOptions, 'client' | 'type'> {
  wanted: ReturnType<typeof wantedOf>
  /** The most rows. */
  most: number
  compare: CompareRecords
  state: Writable<ListState>
  /** Where the shown rows stand in the change log, if there are some. */
  cursor: string | null
  /** Rises with each change of person: an answer to an earlier one is dropped. */
  personNow: () => number
  later: (delayMs: number, run: () => void) => void
}

/** Fetches what is new and shows it, or lets it wait. */
export interface ListRefresh {
  run(): Promise<void>
  /** Lets it wait for the user. */
  offer(next: ListState): void
  show(next: ListState): void
  recheck(): Promise<void>
  /** These rows are gone at once. */
  drop(ids: ReadonlySet<string>): void
  cursor(): string | null
  /** Rows were read whose permission may end without an event. */
  needsRecheck(): boolean
  /** The next run shows what it finds, however much moves. */
  force(): void
  leave(): void
}

type Shown = Pick<ListRefreshOptions, 'state' | 'later'>

/** Lets what is staged wait for the user. */
export const offerStaged = ({ state }: Pick<Shown, 'state'>, next: ListState) => {
  if (!next.isOffered || next !== state.get()) state.set({ ...next, isOffered: true })
}

/** Shows a state, and ends the highlights that are new in it after a while. */
export const showState = ({ state, later }: Shown, next: ListState, shown: ListState) => {
  state.set(shown)
  const fresh = new Map(
    [...shown.highlighted].filter(([id, highlight]) => next.highlighted.get(id) !== highlight),
  )
  if (fresh.size > 0) later(HIGHLIGHT_MS, () => state.set(fadeHighlight(state.get(), fresh)))
}

/** The list could not be refreshed. */
export const showFailure = ({ state }: Pick<Shown, 'state'>, outcome: string) => {
  const trouble =
    outcome === 'unauthenticated' ? 'signed_out' : outcome === 'unreachable' ? 'unreachable' : 'refused'
  const now = state.get()
  state.set({ ...now, status: now.status === 'ready' ? 'ready' : 'failed', trouble })
}

export function createListRefresh(options: ListRefreshOptions): ListRefresh {
  const { client, type, wanted, most, compare, state, personNow } = options
  let { cursor } = options
  let isForced = false
  let needsRecheck = false

  async function run() {
    const person = personNow()
    const forced = isForced
    isForced = false
    const { isWhole, isOffered, imported, byId } = state.get()
    if (isOffered && imported && !forced) return
    const fetched =
      cursor !== null && isWhole
        ? await fetchDelta(client, type, wanted, {
            most,
            cursor,
            mostChanges: forced ? Number.POSITIVE_INFINITY : MOST_FETCHED,
          })
        : await fetchWhole(client, type, wanted, most)
    if (person !== personNow()) return
    take(fetched, forced, byId)
    if (needsRecheck && fetched.kind === 'delta') await recheck()
  }

  function take(
    { kind, data, removed, more, refusal, ...fetched }: FetchedList,
    forced: boolean,
    before: ListState['byId'],
  ) {
    if (refusal) showFailure(options, refusal.outcome)
    if (refusal && kind === 'whole') return
    cursor = refusal?.outcome === 'failed' ? null : fetched.cursor
    needsRecheck = fetched.recheck
    const now = state.get()
    if (kind === 'whole' && now.status !== 'ready') return state.set(showList(now, data, !more, compare))
    const staged = stage(now, kind === 'whole' ? patchOf(now, data) : { data, removed }, before)
    if (refusal) return state.set({ ...staged, trouble: now.trouble })
    if (kind === 'delta' && more) return offer({ ...staged, imported: { count: null } })
    const isWhole = kind === 'whole' ? !more : now.isWhole
    const next = isWhole === now.isWhole ? staged : { ...staged, isWhole }
    if (forced) return show(next)
    if (next.isOffered || movesOf(next, compare) > MOST_MOVES) return offer(next)
    if (next.isHeld) return state.set(next)
    show(next)
  }

  const offer = (next: ListState) => offerStaged(options, next)
  const show = (next: ListState) => showState(options, next, showStaged(next, compare))
  const drop = (ids: ReadonlySet<string>) => state.set(dropRows(state.get(), ids))

  /** Rows that may no longer be read disappear at once, even while the list is held. */
  async function recheck() {
    const person = personNow()
    const lost = await lostRecords(client, [...state.get().byId.values()])
    if (person === personNow()) drop(lost)
  }

  return {
    run,
    offer,
    show,
    recheck,
    drop,
    cursor: () => cursor,
    needsRecheck: () => needsRecheck,
    force() {
      isForced = true
    },
    leave() {
      cursor = null
      isForced = false
      needsRecheck = false
    },
  }
}
