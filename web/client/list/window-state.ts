// What a window's rows are to what is shown: nothing new, something to show, or something that waits.
// Invariants: a row that did not change stays the same object; no row goes back to an older version, unless the server's database did.

import type { WireRecord } from '../../../server/protocol/index.ts'
import { differingFields } from '../base/values.ts'
import { initialListState, type ListState } from './initial-state.ts'
import type { WindowRows } from './window-rows.ts'

/** Which rows there are and how much of the list, without their order. */
const windowOf = ({ from, to }: WindowRows, loading: 'before' | 'after' | 'elsewhere' | null = null) => ({
  isStart: from === 'start',
  isEnd: to === 'end',
  loading,
})

/** The first rows, or others than before. */
export function showWindow(state: ListState, window: WindowRows): ListState {
  const rows = window.rows.map(({ record }) => newest(state, record))
  const part = windowOf(window)
  return {
    ...state,
    status: 'ready',
    rows,
    byId: new Map(rows.map((record) => [record.id, record])),
    trouble: null,
    staged: initialListState.staged,
    isOffered: false,
    isKept: false,
    misplaced: initialListState.misplaced,
    window: part,
    isWhole: part.isStart && part.isEnd,
  }
}

/** The one that is shown, unless this is newer. */
function newest({ byId }: ListState, record: WireRecord): WireRecord {
  const shown = byId.get(record.id)
  return shown && shown.version >= record.version ? shown : record
}

/**
 * What waits to be shown, as a list stages it: rows that are newer or come, `null` for those that go.
 *
 * @param before The rows that were shown when they were asked for: one that is older than the row was then shows that the server's
 * database went back.
 */
export function stageWindow(state: ListState, window: WindowRows, before: ListState['byId']): ListState {
  const staged = new Map<string, WireRecord | null>()
  const ids = new Set<string>()
  for (const { record } of window.rows) {
    ids.add(record.id)
    const shown = state.byId.get(record.id)
    const went = shown && shown === before.get(record.id) && shown.version > record.version
    if (!shown || went || shown.version < record.version) staged.set(record.id, record)
  }
  for (const id of state.byId.keys()) if (!ids.has(id)) staged.set(id, null)
  return { ...state, staged, trouble: null }
}

/** How many rows would come, go or change their place among the others. */
export function windowMoves(state: ListState, { rows }: WindowRows): number {
  const { staged, byId } = state
  const behindOf = (records: Iterable<WireRecord>) => {
    const behind = new Map<string, string | null>()
    let last: string | null = null
    for (const { id } of records) {
      if (staged.has(id)) behind.set(id, last)
      else last = id
    }
    return behind
  }
  const shown = behindOf(state.rows)
  const next = behindOf(rows.map(({ record }) => record))
  let moves = 0
  for (const [id, record] of staged)
    if (!record || !byId.has(id) || shown.get(id) !== next.get(id)) moves += 1
  return moves
}

/** Shows what is staged, every row in its place. */
export function showStagedWindow(state: ListState, window: WindowRows): ListState {
  const { staged, misplaced, rows, isOffered, isKept } = state
  const part = windowOf(window, state.window?.loading)
  const isSamePart = state.window?.isStart === part.isStart && state.window.isEnd === part.isEnd
  const isCalm = staged.size === 0 && misplaced.size === 0 && !isOffered && !isKept && isSamePart
  if (isCalm && rows.length === window.rows.length) return state
  const highlighted = new Map(state.highlighted)
  for (const [id, record] of staged) {
    const shown = state.byId.get(id)
    if (record) highlighted.set(id, shown ? differingFields(shown.fields, record.fields) : 'arrived')
    else highlighted.delete(id)
  }
  const taken = { ...state, byId: new Map([...state.byId].filter(([id]) => !staged.has(id))) }
  return { ...showWindow(taken, window), highlighted, window: part }
}

/** With rows that were loaded at one end, and without those that were dropped at the other; what waits goes on waiting. */
export function extendWindow(state: ListState, before: WindowRows, window: WindowRows): ListState {
  if (state.staged.size === 0) return { ...showWindow(state, window), misplaced: state.misplaced }
  const held = new Set(before.rows.map(({ record }) => record.id))
  const kept = new Set(window.rows.map(({ record }) => record.id))
  const isFresh = (id: string) => !held.has(id) && !state.byId.has(id)
  const fresh = (from: number, to: number) =>
    window.rows.slice(from, to).flatMap(({ record }) => (isFresh(record.id) ? record : []))
  const first = Math.max(
    0,
    window.rows.findIndex(({ record }) => held.has(record.id)),
  )
  const stay = state.rows.filter(({ id }) => kept.has(id) || !held.has(id))
  const rows = [...fresh(0, first), ...stay, ...fresh(first, window.rows.length)]
  const staged = new Map([...state.staged].filter(([id, record]) => !record || kept.has(id)))
  const byId = new Map(rows.map((record) => [record.id, record]))
  return { ...state, rows, byId, staged, window: windowOf(window) }
}
