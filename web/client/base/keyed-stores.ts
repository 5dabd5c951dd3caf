// A store for each key, all with the same empty value. Invariant: a store is kept only while it has a listener or a value
// that isn't empty; of the latter only the newest without listeners. It is handed what makes a store, for what a later chunk
// shares with a page's first code becomes a chunk of its own.

import { createObjectCache } from './object-cache.ts'
import type { createWritable, Readable, Writable } from './store.ts'

/** Stores with a value and without listeners; beyond it the oldest becomes empty. */
const MOST_UNUSED = 1000

export interface KeyedStores<T> {
  of(key: string): Readable<T>
  get(key: string): T
  set(key: string, value: T): void
  /** Empties all, and notifies their listeners in a microtask. */
  reset(): void
}

export function createKeyedStores<T>(
  create: typeof createWritable,
  empty: T,
  isEmpty: (value: T) => boolean,
): KeyedStores<T> {
  const stores = createObjectCache<Writable<T>>()
  const unused = new Map<string, Writable<T>>()

  function added(key: string): Writable<T> {
    const value = create(empty)
    let listeners = 0
    const keepIfNeeded = () => {
      const isFull = !isEmpty(value.get())
      if (isFull && listeners === 0) unused.set(key, store)
      else unused.delete(key)
      if (isFull || listeners > 0) stores.keep(key, store)
      else stores.release(key, store)
    }
    const store: Writable<T> = {
      get: value.get,
      subscribe(listener) {
        const stop = value.subscribe(listener)
        listeners += 1
        keepIfNeeded()
        let isStopped = false
        return () => {
          if (isStopped) return
          isStopped = true
          stop()
          listeners -= 1
          keepIfNeeded()
        }
      },
      set(next) {
        value.set(next)
        keepIfNeeded()
      },
      replace(next) {
        value.replace(next)
        keepIfNeeded()
      },
    }
    stores.add(key, store)
    return store
  }

  const of = (key: string) => stores.find(key) ?? added(key)

  return {
    of,
    get: (key) => stores.find(key)?.get() ?? empty,
    set(key, value) {
      if (isEmpty(value)) stores.find(key)?.set(empty)
      else of(key).set(value)
      const [oldest] = unused.size > MOST_UNUSED ? unused.values() : []
      oldest?.set(empty)
    },
    reset() {
      for (const [, store] of stores.entries()) store.replace(empty)
    },
  }
}
