// The smallest store: one value and those who watch it. `get` returns the same object until the value changes,
// which is what React's useSyncExternalStore needs.

import type { Stop } from './clock.ts'

/** A value that can be read and watched. */
export interface Readable<T> {
  get(): T
  /** Calls the listener after each change, not at once. */
  subscribe(listener: () => void): Stop
}

export interface Writable<T> extends Readable<T> {
  set(value: T): void
  /** Sets it now and tells a moment later: for what is noticed while something is drawn. */
  replace(value: T): void
}

/** Every listener hears of every call, even when one of them stops itself meanwhile. */
export function createListeners<A extends unknown[]>() {
  const listeners = new Set<{ hear: (...args: A) => void }>()
  return {
    get size() {
      return listeners.size
    },
    add(hear: (...args: A) => void): Stop {
      const entry = { hear }
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    tell(...args: A) {
      for (const { hear } of [...listeners]) hear(...args)
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
      listeners.tell()
    },
    replace(next) {
      if (Object.is(next, value)) return
      value = next
      queueMicrotask(() => listeners.tell())
    },
    subscribe: listeners.add,
  }
}
