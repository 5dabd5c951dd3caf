// Objects by key, one for each key. Invariant: an object that is not kept lives only as long as somebody else holds it,
// so that a key that was only ever mentioned costs nothing.

export interface ObjectCache<T extends object> {
  find(key: string): T | undefined
  /** Adds it without keeping it. */
  add(key: string, value: T): void
  /** Holds it from now on, unless another one is kept under this key. */
  keep(key: string, value: T): void
  /** Stops holding it; it can be found for as long as somebody else holds it. */
  release(key: string, value: T): void
  /** Forgets it. */
  drop(key: string, value: T): void
  /** The value, as it is handed out: while another one is kept under its key, whatever is asked of it is asked of that. */
  handleOf(key: string, value: T): T
  entries(): [key: string, value: T][]
  kept(): Iterable<[key: string, value: T]>
}

export function createObjectCache<T extends object>(): ObjectCache<T> {
  const kept = new Map<string, T>()
  const seen = new Map<string, WeakRef<T>>()
  const collected = new FinalizationRegistry<string>((key) => {
    if (!seen.get(key)?.deref()) seen.delete(key)
  })

  const find = (key: string) => kept.get(key) ?? seen.get(key)?.deref()

  function add(key: string, value: T) {
    seen.set(key, new WeakRef(value))
    collected.register(value, key)
  }

  function release(key: string, value: T) {
    if (kept.get(key) === value) kept.delete(key)
  }

  return {
    find,
    add,
    keep(key, value) {
      if (kept.has(key)) return
      kept.set(key, value)
      if (seen.get(key)?.deref() !== value) add(key, value)
    },
    release,
    drop(key, value) {
      release(key, value)
      if (seen.get(key)?.deref() === value) seen.delete(key)
    },
    handleOf(key, value) {
      const handle = { ...value }
      const now = (): object => {
        const other = kept.get(key)
        return other && other !== handle ? other : value
      }
      for (const [name, own] of Object.entries(value))
        if (typeof own === 'function')
          Reflect.set(handle, name, (...given: unknown[]) => Reflect.get(now(), name)(...given))
      return handle
    },
    kept: () => kept.entries(),
    entries: () =>
      [...seen.keys()].flatMap((key) => {
        const value = find(key)
        return value ? [[key, value] as [string, T]] : []
      }),
  }
}
