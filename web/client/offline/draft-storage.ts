// Storage of unsent edits: its interface, and an implementation in memory. An entry belongs to one person and one page;
// the entries of a closed page go to the page that claims them first.

import type { ProblemCode, RecordAddress } from '../../../server/protocol/index.ts'
import type { UnsentEdits } from '../record/state.ts'

/** Why a save was refused: it waits for its owner, and holds nothing else up. */
export type UnsentTrouble =
  | { kind: 'conflict' }
  | { kind: 'gone' }
  | { kind: 'forbidden' }
  | { kind: 'refused'; detail: string; code?: ProblemCode }

/** One record's edits that are not on the server. */
export interface UnsentEntry extends RecordAddress {
  key: string
  /** Whose they are: nobody else ever gets, shows or sends them. */
  person: string
  /** The page load that has them. */
  tab: string
  edits: UnsentEdits
  /** When they began, in this machine's milliseconds: they are sent in this order. */
  at: number
  changedAt: number
  trouble: UnsentTrouble | null
}

/** What is not on the server, as a panel shows it. */
export interface UnsentState {
  /** Of this person, on this device: this page's, other pages', and those of pages that are no more. */
  entries: readonly UnsentEntry[]
  /**
   * `unknown`: it has not answered yet, so there may be more entries. `full`: no room left; `barred`: the browser allows none. Then
   * edits are kept in this page's memory alone.
   */
  storage: 'unknown' | 'ok' | 'full' | 'barred'
  isSending: boolean
  /** What was discarded here, the latest first, for the life of this page: it can be restored. */
  discarded: readonly UnsentEntry[]
}

/** A save was asked for, and has no answer. */
export const isAsked = ({ edits }: UnsentEntry): boolean => edits.unanswered !== null

export const entryKey = (person: string, { type, id }: RecordAddress, tab: string): string =>
  JSON.stringify([person, type, id, tab])

/** Every function may reject: without room, or where the browser allows no storage. */
export interface EditStorage {
  all(person: string): Promise<UnsentEntry[]>
  put(entry: UnsentEntry): Promise<void>
  remove(key: string): Promise<void>
  /** MUST be one transaction: puts `entry` in the place of the one under `key`; `false` where that is gone already. */
  claim(key: string, entry: UnsentEntry): Promise<boolean>
}

/** Lasts as long as the object: for tests, and for programs that are no pages. */
export function createMemoryStorage(): EditStorage {
  const entries = new Map<string, UnsentEntry>()
  return {
    all: async (person) => [...entries.values()].filter((entry) => entry.person === person),
    put: async (entry) => void entries.set(entry.key, structuredClone(entry)),
    remove: async (key) => void entries.delete(key),
    async claim(key, entry) {
      if (!entries.delete(key)) return false
      entries.set(entry.key, structuredClone(entry))
      return true
    },
  }
}
