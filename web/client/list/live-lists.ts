// The live lists of one client, one store for each list. A list in another order starts with the rows that are already
// loaded. Invariant: a store is kept only while it has a listener, and for a moment after.

import type { Clock, Page, Stop } from '../base/clock.ts'
import { createObjectCache } from '../base/object-cache.ts'
import * as moreRequests from '../http/more-requests.ts'
import type { OwnWrite } from '../http/own-writes.ts'
import { moreRequestsCode } from '../http/requests.ts'
import { type LiveListQuery, orderKey, recordsKey } from './query.ts'
import { createListStore, type ListStore } from './store.ts'
import type { ListClient, ListOverlay, OwnedListStore } from './store-options.ts'

export { countLive } from './live-count.ts'

moreRequestsCode.provide(moreRequests)

/** What a client offers of them. */
export interface LiveListsOfClient {
  /** A list that stays current, one store for each list of this tab. It loads with its first subscriber. */
  liveList(type: string, query?: LiveListQuery): ListStore
  /** Every answered write of this tab, whose events are not sent back to it. */
  onOwnWrite(listener: (write: OwnWrite) => void): Stop
}

export interface LiveLists {
  open(type: string, query?: LiveListQuery): ListStore
  /** The person changes. */
  leave(): void
  close(): void
}

export interface LiveListsOptions {
  clock: Clock
  page: Page
  random?: () => number
  checkPerson: () => unknown
  epoch: () => number
  /** What is not on the server yet is shown over the rows. */
  overlay?: ListOverlay | undefined
}

export function createLiveLists(client: () => ListClient, options: LiveListsOptions): LiveLists {
  const { clock, page, checkPerson, epoch, overlay, random = Math.random } = options
  const lists = createObjectCache<OwnedListStore>()
  return {
    open(type, query = {}) {
      checkPerson()
      const records = `${recordsKey(type, query)} `
      const key = records + orderKey(query)
      const known = lists.find(key)
      if (known) return known
      const isSeed = ([other, list]: [string, OwnedListStore]) =>
        other.startsWith(records) && list.get().status === 'ready' && list.get().isWhole
      const own = createListStore({
        client: client(),
        clock,
        page,
        random,
        checkPerson,
        epoch,
        overlay,
        type,
        query,
        seed: (!query.window && [...lists.kept()].find(isSeed)?.[1]) || null,
        onUsed: () => lists.keep(key, list),
        onIdle: () => lists.drop(key, list),
      })
      const list = lists.handleOf(key, own)
      lists.add(key, list)
      return list
    },
    leave() {
      for (const [, list] of lists.entries()) list.leave()
    },
    close() {
      for (const [, list] of lists.entries()) list.close()
    },
  }
}
