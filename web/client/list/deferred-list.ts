// A live list whose code is not here yet. It is made with its first subscriber, as any list; until then it is loading.

import type { LazyPart } from '../base/lazy-module.ts'
import { initialListState } from './initial-state.ts'
import type { LiveLists } from './live-lists.ts'
import type { LiveListQuery } from './query.ts'
import type { ListState } from './state.ts'
import type { ListStore } from './store-options.ts'

const unreachable: ListState = { ...initialListState, status: 'failed', trouble: 'unreachable' }

export function createDeferredList(
  lists: LazyPart<LiveLists>,
  type: string,
  query: LiveListQuery,
): ListStore {
  let list: ListStore | null = null
  const open = (opener: LiveLists) => {
    list ??= opener.open(type, query)
    return list
  }
  const now = () => {
    const opener = lists.now()
    return opener && open(opener)
  }
  const once = (act: 'reload' | 'toStart' | 'toEnd') => () =>
    new Promise<void>((resolve, reject) => {
      lists.use((opener) => void open(opener)[act]().then(resolve, reject))
    })
  return {
    type,
    query,
    cursor: () => now()?.cursor() ?? null,
    asOf: () => now()?.asOf() ?? null,
    get: () => now()?.get() ?? (lists.isFailing() ? unreachable : initialListState),
    subscribe(listener) {
      if (lists.now()) return lists.use((opener) => open(opener).subscribe(listener))
      const stopFailing = lists.onFailing(listener)
      const stop = lists.use((opener) => {
        const stopList = open(opener).subscribe(listener)
        listener()
        return stopList
      })
      return () => {
        stopFailing()
        stop()
      }
    },
    reload: once('reload'),
    toStart: once('toStart'),
    toEnd: once('toEnd'),
    showing: (first, last) => now()?.showing(first, last),
    keepEditing: () => void lists.use((opener) => void open(opener).keepEditing()),
    hold: () => lists.use((opener) => open(opener).hold()),
    onLeft: (listener) => lists.use((opener) => open(opener).onLeft(listener)),
    close: () => list?.close(),
  }
}
