// The smallest store: one value and its listeners. `get` returns the same object until the value changes,
// which is what React's useSyncExternalStore needs.

import type { Stop } from './clock.ts'

/** A value that can be read and watched. */
export interface Readable<T> {
  /** The value as it is now; the same object until it changes. */
  get(): T
  /** Calls the listener after each change, not at once. */
  subscribe(listener: () => void): Stop
}

export interface Writable<T> extends Readable<T> {
  set(value: T): void
  /** Sets it now and notifies in a microtask: for changes that are detected during a render. */
  replace(value: T): void
}

/** Every call reaches every listener, even when one of them stops itself meanwhile. */
export function createListeners<A extends unknown[]>() {
  const listeners = new Set<{ listener: (...args: A) => void }>()
  return {
    get size() {
      return listeners.size
    },
    add(listener: (...args: A) => void): Stop {
      const entry = { listener }
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    notify(...args: A) {
      for (const { listener } of [...listeners]) listener(...args)
    },
  }
}

export function createWritable<T>(initial: T): Writable<T> {
  let value = initial
  const listeners = createListeners()
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return
      value = next
      listeners.notify()
    },
    replace(next) {
      if (Object.is(next, value)) return
      value = next
      queueMicrotask(() => listeners.notify())
    },
    subscribe: listeners.add,
  }
}

/** `of` the current value, computed once for each value. */
export function cached<T, R>(get: () => T, of: (value: T) => R): () => R {
  let last: { value: T; result: R } | null = null
  return () => {
    const value = get()
    if (last?.value !== value) last = { value, result: of(value) }
    return last.result
  }
}
