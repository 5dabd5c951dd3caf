// Live lists whose code is loaded with the first of them.

import { createLazyPart, type LazyPart, lazyModule } from '../base/lazy-module.ts'
import { createObjectCache } from '../base/object-cache.ts'
import { createDeferredList } from './deferred-list.ts'
import type { LiveLists, LiveListsOptions } from './live-lists.ts'
import type { LiveListQuery } from './query.ts'
import type { ListClient, ListStore } from './store-options.ts'

export const liveListsCode = lazyModule(() => import('./live-lists.ts'))

/** The live lists of a client, made when their code is here. */
export const createLateLists = (client: () => ListClient, options: LiveListsOptions): LazyPart<LiveLists> =>
  createLazyPart(liveListsCode, (code) => code.createLiveLists(client, options), options.clock)

/** Opens a list; before the code is here, the same question gives the same store. */
export function createListOpener(lists: LazyPart<LiveLists>) {
  const deferred = createObjectCache<ListStore>()
  return (type: string, query: LiveListQuery = {}): ListStore => {
    const opener = lists.now()
    if (opener) return opener.open(type, query)
    const key = JSON.stringify([type, query])
    const known = deferred.find(key)
    if (known) return known
    const list = createDeferredList(lists, type, query)
    deferred.add(key, list)
    return list
  }
}
