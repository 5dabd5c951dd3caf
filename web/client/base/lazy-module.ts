// Code that a page loads when it first uses it; who has it anyway provides it. Invariant: what was asked for runs once, in order, when the code is here; a
// load that fails is tried again for as long as somebody waits for it.

import type { Clock, Stop } from './clock.ts'
import { createListeners } from './store.ts'

const TRY_AGAIN_MS = 5000

/** One piece of code. */
export interface LazyModule<M> {
  /** The code, where it is here already. */
  now(): M | null
  load(): Promise<M>
  provide(code: M): void
}

export function lazyModule<M>(fetchCode: () => Promise<M>): LazyModule<M> {
  let code: M | null = null
  return {
    now: () => code,
    provide(provided) {
      code = provided
    },
    async load() {
      code ??= await fetchCode()
      return code
    },
  }
}

/** Functions whose code is loaded with their first call; where it can't be had, `withoutCode` answers. */
export function lateFunctions<T extends object>(
  names: readonly (keyof T & string)[],
  load: () => Promise<T>,
  withoutCode: (error: unknown, name: keyof T & string, asked: unknown[]) => unknown,
): T {
  const late = (name: keyof T & string) =>
    async function (this: unknown, ...asked: unknown[]): Promise<unknown> {
      const code = await load().catch((error: unknown) => ({ error }))
      if ('error' in code) return withoutCode(code.error, name, asked)
      return (code[name] as (...given: unknown[]) => unknown).apply(this, asked)
    }
  return Object.fromEntries(names.map((name) => [name, late(name)])) as T
}

/** A part of the client that is made when its code is here. */
export interface LazyPart<T> {
  /** The part, where its code is here. */
  now(): T | null
  /** Runs at once where the part is here, else once it is; the result undoes it, or calls it off. */
  use(run: (part: T) => Stop | undefined): Stop
  /** The code could not be loaded so far. */
  isFailing(): boolean
  onFailing(listener: () => void): Stop
  /** Calls off what waits. */
  close(): void
}

export function createLazyPart<M, T>(
  module: LazyModule<M>,
  create: (code: M) => T,
  clock: Clock,
): LazyPart<T> {
  let part: T | null = null
  let isLoading = false
  let isFailing = false
  let stopRetry: Stop = () => {}
  const waiting = new Set<() => void>()
  const failing = createListeners()

  function now(): T | null {
    const code = part ? null : module.now()
    if (code) part = create(code)
    return part
  }

  async function load() {
    if (isLoading) return
    isLoading = true
    isFailing = await module.load().then(
      () => false,
      () => true,
    )
    if (isFailing) {
      failing.notify()
      stopRetry = clock.after(TRY_AGAIN_MS, () => {
        isLoading = false
        if (waiting.size > 0) void load()
      })
      return
    }
    isLoading = false
    for (const run of [...waiting]) run()
  }

  return {
    now,
    use(run) {
      const here = now()
      if (here) return run(here) ?? (() => {})
      let stop: Stop = () => void waiting.delete(runNow)
      const runNow = () => {
        waiting.delete(runNow)
        const loaded = now()
        if (loaded) stop = run(loaded) ?? (() => {})
      }
      waiting.add(runNow)
      void load()
      return () => stop()
    },
    isFailing: () => isFailing,
    onFailing: failing.add,
    close() {
      stopRetry()
      waiting.clear()
    },
  }
}
