// Changes that this node has just committed and knows whole, so that its watchers need not wait for the log to be read.
// Invariant: the saver doesn't know who listens; a listener is called until its subscription ends.
import type { PermissionRecord } from '../base/record-type.ts'
import type { Change } from '../log/log-reader.ts'

export interface SavedChange {
  change: Change
  /** The record as it is now. */
  row: PermissionRecord
  /** Nobody else changed the record in the two seconds before. */
  isAlone: boolean
}

export interface SavedChanges {
  publish(saved: SavedChange): void
  /** Gives the function that ends the subscription. */
  subscribe(listener: (saved: SavedChange) => void): () => void
}

export const createSavedChanges = (): SavedChanges => {
  const listeners = new Set<(saved: SavedChange) => void>()
  return {
    publish: (saved) => {
      for (const listener of listeners) listener(saved)
    },
    subscribe: (listener) => {
      const own = (saved: SavedChange) => listener(saved)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
}
