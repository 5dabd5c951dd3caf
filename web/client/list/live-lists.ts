// The live lists of one client, one store for all who show the same list. A list in another order begins with the rows
// that are here already. Invariant: a list that nobody shows is forgotten a little later.

import type { Clock, Page, Stop } from '../base/clock.ts'
import type { OwnWrite } from '../http/own-writes.ts'
import { type LiveListQuery, orderKey, recordsKey } from './query.ts'
import { createListStore, type ListStore } from './store.ts'
import type { ListClient, OwnedListStore } from './store-options.ts'

/** What a client offers of them. */
export interface LiveListsOfClient {
  /** A list that stays true, one for all who show it in this tab. Nothing happens before somebody subscribes. */
  liveList(type: string, query?: LiveListQuery): ListStore
  /** Every write of this tab that was answered: its events don't come back to it. */
  onOwnWrite(listener: (write: OwnWrite) => void): Stop
}

export interface LiveLists {
  open(type: string, query?: LiveListQuery): ListStore
  /** Somebody else is here. */
  leave(): void
  close(): void
}

export interface LiveListsOptions {
  clock: Clock
  page: Page
  random?: () => number
  checkPerson: () => unknown
  epoch: () => number
}

export function createLiveLists(client: () => ListClient, options: LiveListsOptions): LiveLists {
  const { clock, page, checkPerson, epoch, random = Math.random } = options
  const lists = new Map<string, Map<string, OwnedListStore>>()
  return {
    open(type, query = {}) {
      checkPerson()
      const key = recordsKey(type, query)
      const order = orderKey(query)
      const orders = lists.get(key) ?? new Map<string, OwnedListStore>()
      lists.set(key, orders)
      const known = orders.get(order)
      if (known) return known
      const isWhole = (list: ListStore) => list.get().status === 'ready' && list.get().isWhole
      const seed = [...orders.values()].find(isWhole) ?? null
      const onIdle = () => {
        if (orders.get(order) === list) orders.delete(order)
        if (orders.size === 0 && lists.get(key) === orders) lists.delete(key)
      }
      const list = createListStore({
        client: client(),
        clock,
        page,
        random,
        checkPerson,
        epoch,
        type,
        query,
        seed,
        onIdle,
      })
      orders.set(order, list)
      return list
    },
    leave() {
      for (const orders of [...lists.values()]) for (const list of [...orders.values()]) list.leave()
    },
    close() {
      for (const orders of [...lists.values()]) for (const list of [...orders.values()]) list.close()
    },
  }
}
