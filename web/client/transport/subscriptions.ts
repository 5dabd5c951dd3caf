// The records and lists that this client watches, and their joins. Joins of one microtask are one message; after each
// (re)connect everything is joined again in one message, with the known versions: see joins.ts.

import type {
  Age,
  ListAddress,
  RecordAddress,
  Scope,
  WatchedList,
  WatchedRecord,
} from '../../../server/protocol/index.ts'
import type { Clock, Stop } from '../base/clock.ts'
import type { Transport } from './transport.ts'

const TRY_AGAIN_MS = 2500

/** A watcher of one record. */
export interface RecordWatcher extends RecordAddress {
  /** The version that is shown, `null` before the first load. */
  version(): number | null
  /** With which rights it was read, where it says so. */
  rights(): string | undefined
  onAnswer(answer: WatchedRecord): void
  /** The server answers again: a failed load may be retried. */
  onReachable(): void
}

/** A watcher of one list. */
export interface ListWatcher extends ListAddress {
  cursor(): string | null
  onAnswer(answer: WatchedList): void
}

/** Who watches, what is joined, and what waits for it. */
export interface Rooms {
  transport: Transport
  records: ReadonlyMap<string, RecordWatcher>
  lists: ReadonlyMap<string, ReadonlySet<ListWatcher>>
  joined: Set<string>
  pendingRecords: Set<string>
  pendingLists: Set<string>
  onJoined: (age: Partial<Age>) => void
  onHistory: (history: string | undefined) => void
  /** There was no answer. */
  tryLater: () => void
}

export interface Watching {
  addRecord(watcher: RecordWatcher): Stop
  addList(watcher: ListWatcher): Stop
  /** Joins everything again: after a (re)connect and a `Resync`. */
  rejoin(): void
  /** The connection is lost: nothing is joined. */
  forgetJoins(): void
  records(): RecordWatcher[]
  /** Without events: each list refreshes itself from its cursor. */
  refreshLists(): void
  /** Watchers without events: their joins are unanswered, or were refused because of the limit. */
  unjoined(): RecordWatcher[]
}

export const recordKey = ({ type, id }: RecordAddress): string => JSON.stringify([type, id])

export const listKey = (type: string, scope: Scope = {}): string =>
  JSON.stringify([type, Object.entries(scope).sort(([a], [b]) => (a < b ? -1 : 1))])

export interface WatchingOptions extends Pick<Rooms, 'onJoined' | 'onHistory'> {
  /** Of joins.ts, whose code is here where there is a connection. */
  join: (rooms: Rooms) => unknown
}

export function createWatching(
  transport: Transport,
  clock: Clock,
  { join, ...listeners }: WatchingOptions,
): Watching {
  const records = new Map<string, RecordWatcher>()
  const lists = new Map<string, Set<ListWatcher>>()
  const joined = new Set<string>()
  const pendingRecords = new Set<string>()
  const pendingLists = new Set<string>()
  const leaving = { records: new Map<string, RecordAddress>(), lists: new Map<string, ListAddress>() }
  const rooms: Rooms = {
    transport,
    records,
    lists,
    joined,
    pendingRecords,
    pendingLists,
    ...listeners,
    tryLater() {
      stopRetry()
      stopRetry = clock.after(TRY_AGAIN_MS, ask)
    },
  }
  let isFlushAsked = false
  let stopRetry: Stop = () => {}

  function ask() {
    if (isFlushAsked) return
    isFlushAsked = true
    queueMicrotask(() => {
      isFlushAsked = false
      if (transport.id() === null) return
      leave()
      join(rooms)
    })
  }

  function leave() {
    if (leaving.records.size + leaving.lists.size === 0) return
    void transport.unwatch({ records: [...leaving.records.values()], lists: [...leaving.lists.values()] })
    leaving.records.clear()
    leaving.lists.clear()
  }

  return {
    addRecord(watcher) {
      const key = recordKey(watcher)
      records.set(key, watcher)
      leaving.records.delete(key)
      pendingRecords.add(key)
      ask()
      return () => {
        if (records.get(key) !== watcher) return
        records.delete(key)
        joined.delete(key)
        pendingRecords.delete(key)
        leaving.records.set(key, { type: watcher.type, id: watcher.id })
        ask()
      }
    },
    addList(watcher) {
      const key = listKey(watcher.type, watcher.scope)
      const watchers = lists.get(key) ?? new Set()
      lists.set(key, watchers.add(watcher))
      leaving.lists.delete(key)
      pendingLists.add(key)
      ask()
      return () => {
        if (!watchers.delete(watcher) || watchers.size > 0) return
        lists.delete(key)
        pendingLists.delete(key)
        leaving.lists.set(key, { type: watcher.type, scope: watcher.scope ?? {} })
        ask()
      }
    },
    rejoin() {
      joined.clear()
      leaving.records.clear()
      leaving.lists.clear()
      for (const key of records.keys()) pendingRecords.add(key)
      for (const key of lists.keys()) pendingLists.add(key)
      ask()
    },
    forgetJoins() {
      stopRetry()
      joined.clear()
    },
    records: () => [...records.values()],
    refreshLists() {
      for (const watchers of lists.values())
        for (const { type, scope = {}, cursor, onAnswer } of watchers)
          onAnswer({ type, scope, ok: true, cursor: cursor() ?? '', behind: true })
    },
    unjoined: () => [...records].filter(([key]) => !joined.has(key)).map(([, watcher]) => watcher),
  }
}
