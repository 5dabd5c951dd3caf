// A window over a long list: some hundred rows, with those at its ends loaded as one comes near and those far away dropped.
// Its order is the server's, its ends are positions in the list. A refresh asks what became of that part since the cursor.
// Invariant: loads, jumps and refreshes run one after another, so that each finds the rows that the one before has left.

import type { Refusal } from '../http/outcomes.ts'
import { lostRecords } from './fetch.ts'
import type { ListState } from './initial-state.ts'
import {
  type ListRefresh,
  type ListRefreshOptions,
  MOST_MOVES,
  offerStaged,
  showFailure,
  showState,
} from './refresh.ts'
import { dropRows } from './state.ts'
import type { WindowMoves } from './store-options.ts'
import { append, patched, placed, prepend, trimmed, type WindowRows } from './window-rows.ts'
import { extendWindow, showStagedWindow, showWindow, stageWindow, windowMoves } from './window-state.ts'

/** Most rows of one answer. */
const MOST_ANSWERED = 1000
/** Rows of a page, and how many pages are kept. */
const LEAST_SIZE = 10
const MOST_SIZE = 250
const PAGES = 4

export interface WindowRefresh extends ListRefresh {
  moves: WindowMoves
}

export function createWindowRefresh(
  options: Omit<ListRefreshOptions, 'most' | 'compare' | 'cursor'> & { size: number },
): WindowRefresh {
  const { client, type, wanted, state, personNow } = options
  const size = Math.min(MOST_SIZE, Math.max(LEAST_SIZE, Math.floor(options.size)))
  const most = PAGES * size
  let window: WindowRows | null = null
  let cursor: string | null = null
  let isForced = false
  let needsRecheck = false
  /** The row that is looked at first, and the last one, by id. */
  let looking: { first: string | null; last: string | null } = { first: null, last: null }
  let queue: Promise<unknown> = Promise.resolve()

  /** One after another; of a person who has left nothing is begun. */
  function inTurn(work: (isStill: () => boolean) => Promise<void>): Promise<void> {
    const person = personNow()
    const isStill = () => person === personNow()
    const turn = queue
      .then(() => (isStill() ? work(isStill) : undefined))
      .catch(() => {
        // The code of the request could not be loaded.
        if (!isStill()) return
        setLoading(null)
        showFailure(options, 'unreachable')
      })
    queue = turn
    return turn
  }

  const ask = (part: { after?: string; before?: string; from?: string; to?: string }, more = {}) =>
    client.list(type, { ...wanted, window: part, limit: size, ...more })
  type Answer = Awaited<ReturnType<typeof ask>>
  type Found = Extract<Answer, { outcome: 'found' }>

  /** The rows around a position that is among them. */
  async function around(position: string): Promise<{ window: WindowRows; answer: Found } | Refusal> {
    const below = await ask({ from: position, to: 'end' })
    if (below.outcome !== 'found') return below
    const above = await ask({ before: position })
    if (above.outcome !== 'found') return above
    const rows = { rows: placed(below), from: position, to: below.next ?? 'end' }
    return { window: prepend(rows, above), answer: below }
  }

  function fail({ outcome }: Refusal) {
    // A position that the server takes no more: from the start again.
    if (outcome === 'failed') window = null
    showFailure(options, outcome)
  }

  /** The first rows, or others: nothing that was shown has to stay. */
  function begin(next: WindowRows, answer: Found) {
    window = next
    take(answer)
    const now = state.get()
    state.set(showWindow({ ...now, byId: new Map() }, next))
  }

  function take(answer: Found) {
    cursor = answer.cursor
    needsRecheck = answer.recheck
  }

  const run = () => inTurn(refresh)
  const offer = (next: ListState) => offerStaged(options, next)

  async function refresh(isStill: () => boolean) {
    const forced = isForced
    isForced = false
    const before = state.get().byId
    if (!window || cursor === null) return load(window ? looking.first : null, isStill)
    const { from, to } = window
    const answer = await ask({ from, to }, { cursor, limit: MOST_ANSWERED })
    if (!isStill()) return
    if (answer.outcome !== 'found') return fail(answer)
    let next = answer.reset ? null : patched(window, answer)
    if (!next && !answer.reset) return load(looking.first, isStill)
    if (!next && answer.next !== null) return load(looking.first, isStill)
    next ??= { rows: placed(answer), from, to }
    window = trimmed(next, most, looking.first)
    take(answer)
    settle(forced, before)
    if (needsRecheck && !answer.reset) await recheck()
  }

  /** Anew, with the row that is looked at, or from the list's start. */
  async function load(id: string | null, isStill: () => boolean) {
    const before = state.get().byId
    const rows = window?.rows ?? []
    const { position } = rows.find(({ record }) => record.id === id) ?? rows[rows.length >> 1] ?? {}
    const isAtStart = position === undefined || (window?.from === 'start' && rows[0]?.position === position)
    if (isAtStart) {
      const answer = await ask({ after: 'start' })
      if (!isStill()) return
      if (answer.outcome !== 'found') return fail(answer)
      const first = { rows: placed(answer), from: 'start', to: answer.next ?? 'end' }
      if (state.get().status !== 'ready') return begin(first, answer)
      window = first
      take(answer)
    } else {
      const found = await around(position)
      if (!isStill()) return
      if ('outcome' in found) return fail(found)
      window = found.window
      take(found.answer)
    }
    settle(true, before)
  }

  /** Shows what is new, or lets it wait. */
  function settle(forced: boolean, before: ListState['byId']) {
    if (!window) return
    const now = state.get()
    const staged = stageWindow(now, window, before)
    if (forced) return show(staged)
    if (staged.isOffered || windowMoves(staged, window) > MOST_MOVES) return offer(staged)
    if (staged.isHeld) {
      if (staged.staged.size > 0 || now.staged.size > 0 || now.trouble) state.set(staged)
      return
    }
    show(staged)
  }

  function show(next: ListState) {
    if (!window) return
    const now = state.get()
    const staged = next === now ? stageWindow(now, window, now.byId) : next
    const shown = showStagedWindow(staged, window)
    if (shown === staged && staged.staged.size === 0 && now.trouble === null) return
    showState(options, staged, shown)
  }

  async function extend(end: 'before' | 'after', isStill: () => boolean) {
    if (!window || isThere(end)) return setLoading(null)
    const answer = await ask(end === 'after' ? { after: window.to } : { before: window.from })
    if (!isStill()) return
    setLoading(null)
    if (answer.outcome !== 'found') return fail(answer)
    needsRecheck = answer.recheck
    const longer = end === 'after' ? append(window, answer) : prepend(window, answer)
    const next = trimmed(longer, most, end === 'after' ? looking.last : looking.first)
    state.set(extendWindow(state.get(), window, next))
    window = next
  }

  const isThere = (end: 'before' | 'after') =>
    !window || (end === 'after' ? window.to === 'end' : window.from === 'start')

  function setLoading(loading: 'before' | 'after' | 'elsewhere' | null) {
    const now = state.get()
    if (now.window) state.set({ ...now, window: { ...now.window, loading } })
  }

  async function jump(part: { after: string } | { before: string }, isStill: () => boolean) {
    setLoading('elsewhere')
    const answer = await ask(part)
    if (!isStill()) return
    setLoading(null)
    if (answer.outcome !== 'found') return fail(answer)
    looking = { first: null, last: null }
    const isStart = 'after' in part
    const rows = placed(answer)
    begin(
      isStart
        ? { rows, from: 'start', to: answer.next ?? 'end' }
        : { rows, from: answer.previous ?? 'start', to: 'end' },
      answer,
    )
  }

  function showing(first: number, last: number) {
    const { rows } = state.get()
    looking = { first: rows[first]?.id ?? null, last: rows[last]?.id ?? null }
    const margin = Math.floor(size / 2)
    const end = last >= rows.length - margin && !isThere('after') ? 'after' : 'before'
    if (end === 'before' && (first > margin || isThere('before'))) return
    if (state.get().window?.loading) return
    setLoading(end)
    void inTurn((isStill) => extend(end, isStill))
  }

  /** Rows that may no longer be read disappear at once, even while the list is held. */
  async function recheck() {
    const person = personNow()
    const lost = await lostRecords(client, [...state.get().byId.values()])
    if (person === personNow()) drop(lost)
  }

  function drop(ids: ReadonlySet<string>) {
    if (window) window = { ...window, rows: window.rows.filter(({ record }) => !ids.has(record.id)) }
    state.set(dropRows(state.get(), ids))
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
      window = null
      cursor = null
      isForced = false
      needsRecheck = false
      looking = { first: null, last: null }
    },
    moves: {
      showing,
      toStart: () => inTurn((isStill) => jump({ after: 'start' }, isStill)),
      toEnd: () => inTurn((isStill) => jump({ before: 'end' }, isStill)),
    },
  }
}
