// One live list as pure functions, (state, input) → state. What was fetched is staged first and shown in one step.
// Invariants: laid over the shown rows, what is staged gives what a fresh list gives; no row goes back to an older version,
// unless the server's database did;
// a row that did not change stays the same object, so that nothing that shows it has to be drawn again.

import type { WireRecord } from '../../../server/protocol/index.ts'
import { differingFields } from '../base/values.ts'
import { initialListState, type ListState, type RowHighlight } from './initial-state.ts'
import { type CompareRecords, mergeRows } from './order.ts'

export type { ListState, ListTrouble, RowHighlight } from './initial-state.ts'

/** An answer that is laid over what is there. */
export interface Patch {
  data: readonly WireRecord[]
  removed: readonly string[]
}

/** The first rows. */
export function showList(
  state: ListState,
  data: readonly WireRecord[],
  isWhole: boolean,
  compare: CompareRecords,
): ListState {
  const byId = new Map(data.map((record) => [record.id, record]))
  const rows = [...byId.values()].sort(compare)
  return { ...state, status: 'ready', rows, byId, isWhole, trouble: null }
}

/** A whole list, fetched anew, as a patch of what is there. */
export function patchOf(state: ListState, data: readonly WireRecord[]): Patch {
  const ids = new Set(data.map(({ id }) => id))
  const held = [...state.byId.keys(), ...state.staged.keys()]
  return { data, removed: held.filter((id) => !ids.has(id)) }
}

/**
 * Takes a patch in, without showing it. Of a patch that says nothing new the state stays the same object.
 *
 * @param before The rows that were shown when it was asked for. One that is older than the row was then shows that the
 * server's database went back.
 */
export function stage(
  state: ListState,
  { data, removed }: Patch,
  before: ListState['byId'] = new Map(),
): ListState {
  const staged = new Map(state.staged)
  for (const record of data) {
    const shown = state.byId.get(record.id)
    const wasNewer = (before.get(record.id)?.version ?? 0) > record.version
    if (shown && wasNewer && before.get(record.id)?.version === shown.version) staged.set(record.id, record)
    else if (shown && shown.version >= record.version) staged.delete(record.id)
    else if ((staged.get(record.id)?.version ?? 0) < record.version) staged.set(record.id, record)
  }
  for (const id of removed) {
    if (state.byId.has(id)) staged.set(id, null)
    else staged.delete(id)
  }
  const isSame =
    staged.size === state.staged.size && [...staged].every(([id, to]) => state.staged.get(id) === to)
  return isSame && state.trouble === null
    ? state
    : { ...state, staged: isSame ? state.staged : staged, trouble: null }
}

/** How many rows would come, go or change their place. */
export function movesOf({ staged, byId }: ListState, compare: CompareRecords): number {
  let moves = 0
  for (const [id, record] of staged) {
    const shown = byId.get(id)
    if (!shown || !record || compare(shown, record) !== 0) moves += 1
  }
  return moves
}

/** Shows what is staged, and puts every row into its place. */
export function showStaged(state: ListState, compare: CompareRecords): ListState {
  const { staged, misplaced } = state
  const calm = {
    ...state,
    staged: initialListState.staged,
    imported: null,
    isOffered: false,
    isKept: false,
  }
  if (staged.size === 0 && misplaced.size === 0) return isCalm(state) ? state : calm
  const byId = new Map(state.byId)
  const highlighted = new Map(state.highlighted)
  const arriving: WireRecord[] = []
  for (const [id, record] of staged) {
    const shown = byId.get(id)
    if (!record) {
      byId.delete(id)
      highlighted.delete(id)
      continue
    }
    byId.set(id, record)
    arriving.push(record)
    highlighted.set(id, shown ? differingFields(shown.fields, record.fields) : 'arrived')
  }
  for (const id of misplaced) {
    const record = byId.get(id)
    if (record && !staged.has(id)) arriving.push(record)
  }
  const staying = state.rows.filter(({ id }) => !staged.has(id) && !misplaced.has(id))
  const rows = mergeRows(staying, arriving.sort(compare), compare)
  return { ...calm, rows, byId, highlighted, misplaced: new Set() }
}

const isCalm = ({ staged, imported, isOffered, isKept }: ListState) =>
  staged.size === 0 && !imported && !isOffered && !isKept

/** Saved in this tab: shown at once in its present place; the next refresh decides whether it still belongs there. */
export function adoptOwn(state: ListState, record: WireRecord): ListState {
  const shown = state.byId.get(record.id)
  const staged = state.staged.get(record.id)
  if (!shown || shown.version >= record.version || (staged && staged.version >= record.version)) return state
  const waiting = new Map(state.staged)
  if (staged) waiting.delete(record.id)
  return {
    ...state,
    rows: state.rows.map((row) => (row === shown ? record : row)),
    byId: new Map(state.byId).set(record.id, record),
    staged: waiting,
    misplaced: new Set(state.misplaced).add(record.id),
  }
}

/** Removed in this tab, or no longer to be seen: gone at once, whatever waits. */
export function dropRows(state: ListState, ids: ReadonlySet<string>): ListState {
  const staged = new Map(state.staged)
  const byId = new Map(state.byId)
  for (const id of ids) {
    staged.delete(id)
    byId.delete(id)
  }
  if (byId.size === state.byId.size && staged.size === state.staged.size) return state
  return { ...state, byId, staged, rows: state.rows.filter(({ id }) => !ids.has(id)) }
}

/** Ends the highlights of one refresh; what has changed again since stays highlighted. */
export function fadeHighlight(state: ListState, faded: ReadonlyMap<string, RowHighlight>): ListState {
  const highlighted = new Map([...state.highlighted].filter(([id, highlight]) => faded.get(id) !== highlight))
  return highlighted.size === state.highlighted.size ? state : { ...state, highlighted }
}

/** What the bar counts: `null` where unknown how many. */
export function waitingCount({ staged, imported }: ListState): number | null {
  if (imported?.count === null) return null
  return staged.size + (imported?.count ?? 0)
}

/** Something waits, and the user decides when it is shown. */
export const isBarShown = (state: ListState): boolean =>
  (state.isHeld || state.isOffered) && (state.staged.size > 0 || state.imported !== null)
