// A live list for a table. A thin binding: the client's store holds everything, nothing is copied into React.

import { useEffect, useMemo } from 'react'
import type { Fields, WireRecord } from '../../server/protocol/index.ts'
import { initialListState, type ListWindow, type UnsentRow } from '../client/list/initial-state.ts'
import { liveListsCode } from '../client/list/lazy-lists.ts'
import type { LiveListQuery } from '../client/list/query.ts'
import {
  isBarShown,
  type ListState,
  type ListTrouble,
  type RowHighlight,
  waitingCount,
} from '../client/list/state.ts'
import type { ListStore } from '../client/list/store.ts'
import type { WindowMoves } from '../client/list/store-options.ts'
import { useRecordClient, useStore } from './base/LiveProvider.tsx'

// A page with this hook will show a list: its code is on the way before the first render.
void liveListsCode.load().catch(() => {})

/** A list as it is shown. Rows that did not change are the same objects in each render: memoize what draws them. */
export interface LiveList<F extends object = Fields> {
  /** `loading` until the first rows, then `ready`; `failed`: the first request was refused or not answered. See {@link trouble} for what keeps them from being current. */
  status: ListState['status']
  /** In order. */
  rows: readonly WireRecord<F>[]
  /** It is loaded, and has no rows. */
  isEmpty: boolean
  /** `false`: there are more than were fetched. */
  isWhole: boolean
  /** Of a query with a `window`: whether rows are missing at its ends, and what moves it. `null`: there is none, or no rows yet. */
  window: (ListWindow & WindowMoves) | null
  /** Why what is shown may be out of date. */
  trouble: ListTrouble | null
  /** What is new, by id, for three seconds. */
  highlighted: ReadonlyMap<string, RowHighlight>
  /** Rows with writes that wait for the server, by id: see `<UnsentMark>`. */
  unsent: ReadonlyMap<string, UnsentRow>
  /** There is a bar to show: so many changes wait for the user; `null` where unknown. */
  waiting: {
    count: number | null
    isImport: boolean
    /** The user has chosen to keep editing. */
    isKept?: boolean
  } | null
  /** Fetches and shows what waits. */
  reload: () => void
  /** The user goes on working: the bar stays, counts on, and asks no more. */
  keepEditing: () => void
  /** The list without React: for `useCellEditor`, and its `asOf()`. */
  store: ListStore
}

/**
 * Shows a list and keeps it true while the component is there. While `isBusy` (a cell is edited, rows are selected, a
 * filter is open) nothing moves, and what comes waits.
 *
 * @example
 * const tasks = useLiveList<Task>('task', { where: { status: 'todo' }, sort: 'due_on' }, { isBusy: selected.size > 0 })
 * return <><ListBar list={tasks} />{tasks.rows.map((task) => <Row key={task.id} task={task} />)}</>
 */
export function useLiveList<F extends object = Fields>(
  type: string,
  query: LiveListQuery = {},
  { isBusy = false }: { isBusy?: boolean } = {},
): LiveList<F> {
  const store = useRecordClient().liveList(type, query)
  const state = useStore(store, initialListState)
  useEffect(() => (isBusy ? store.hold() : undefined), [store, isBusy])
  return useMemo(() => listOf<F>(store, state), [store, state])
}

function listOf<F extends object>(store: ListStore, state: ListState): LiveList<F> {
  const { status, rows, isWhole, window, trouble, highlighted, imported, unsent } = state
  const { showing, toStart, toEnd } = store
  return {
    status,
    isWhole,
    trouble,
    highlighted,
    unsent,
    store,
    rows: rows as readonly WireRecord<F>[],
    window: window && { ...window, showing, toStart, toEnd },
    isEmpty: status === 'ready' && rows.length === 0,
    waiting: isBarShown(state)
      ? {
          count: waitingCount(state),
          isImport: imported !== null && imported.count !== null,
          isKept: state.isKept,
        }
      : null,
    reload: () => void store.reload(),
    keepEditing: store.keepEditing,
  }
}
