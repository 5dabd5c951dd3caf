// Since when each person's changes are counted on this device: by type the position at which they last looked.
// Invariant: what one person has is neither read nor written for another. Where the browser keeps nothing, the page does.

import type { Stop } from '../base/clock.ts'

/** By type an opaque position. */
export type LastLooks = Readonly<Record<string, string>>

/** Keeps them, by person. */
export interface LastLooksStorage {
  /** Empty where there are none. */
  read(person: string): LastLooks
  /** Keeps them in place of those of before. */
  write(person: string, looks: LastLooks): void
  /** Another page of this device has written. */
  onChange(listener: () => void): Stop
}

const PREFIX = 'noclobber-looks '

const orNull = <T>(get: () => T): T | null => {
  try {
    return get()
  } catch {
    return null
  }
}

const looksOf = (text: string | null): LastLooks => {
  const kept: unknown = text === null ? null : orNull(() => JSON.parse(text))
  if (typeof kept !== 'object' || kept === null) return {}
  return Object.fromEntries(Object.entries(kept).filter(([, at]) => typeof at === 'string'))
}

/** In the browser's `localStorage`. */
export function browserLooks(): LastLooksStorage {
  const storage = orNull(() => globalThis.localStorage)
  const unkept = new Map<string, LastLooks>()
  return {
    read: (person) => unkept.get(person) ?? looksOf(orNull(() => storage?.getItem(PREFIX + person) ?? null)),
    write(person, looks) {
      const isKept = orNull(() => {
        storage?.setItem(PREFIX + person, JSON.stringify(looks))
        return storage
      })
      if (isKept) unkept.delete(person)
      else unkept.set(person, looks)
    },
    onChange(listener) {
      if (typeof window === 'undefined') return () => {}
      const receive = ({ key }: StorageEvent) => (key === null || key.startsWith(PREFIX)) && listener()
      window.addEventListener('storage', receive)
      return () => window.removeEventListener('storage', receive)
    },
  }
}
