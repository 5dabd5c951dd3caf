// The interfaces of a list's store: to the page, to its client, and what it needs of that client.

import type { Scope } from '../../../server/protocol/index.ts'
import type { Clock, Page, Stop } from '../base/clock.ts'
import type { Readable } from '../base/store.ts'
import type { OwnWrite } from '../http/own-writes.ts'
import type { Requests } from '../http/requests.ts'
import type { ConnectionState } from '../transport/connection-status.ts'
import type { ListEvent } from '../transport/event-router.ts'
import type { CompareRecords } from './order.ts'
import type { LiveListQuery } from './query.ts'
import type { ListState } from './state.ts'

/** What of the client a list uses. */
export interface ListClient extends Pick<Requests, 'list' | 'versions'> {
  watchList(
    list: { type: string; scope?: Scope; cursor: () => string | null },
    listener: (event: ListEvent) => void,
  ): Stop
  connection: Pick<Readable<ConnectionState>, 'get'>
  onOwnWrite(listener: (write: OwnWrite) => void): Stop
}

/** A list over which something is laid. */
export interface OverlaidList {
  /** The record type's name. */
  type: string
  /** Which records are in it. */
  query: LiveListQuery
  /** Its order. */
  compare: CompareRecords
}

/** Lays what is not on the server over lists: `createOffline()` does. */
export interface ListOverlay {
  /** MUST give the same object until something has changed. */
  over(list: OverlaidList, state: ListState): ListState
  /** Called when what it gives may have changed. */
  subscribe(listener: () => void): Stop
}

export interface ListStoreOptions {
  client: ListClient
  clock: Clock
  page: Page
  random: () => number
  /** Detects a change of person; before it returns, `leave` was called. */
  checkPerson: () => unknown
  /** Rises with each change of person. */
  epoch: () => number
  type: string
  query: LiveListQuery
  /** Another list of the same records, whose rows are here already, in another order. */
  seed: ListStore | null
  overlay?: ListOverlay | undefined
  /** It has a listener: the client has to keep it. */
  onUsed: () => void
  onIdle: () => void
}

/** What the client does to a list of its own. */
export interface OwnedListStore extends ListStore {
  /** The person changes: it empties, and loads anew. */
  leave(): void
}

/** What a page does with a list that has a `window`; other lists don't move. */
export interface WindowMoves {
  /**
   * These rows are looked at, by their places among the rows that are here: those near an end are loaded, and what is far away is
   * dropped. Call it when one scrolls and when the rows have changed.
   */
  showing(first: number, last: number): void
  /** To the list's first rows. Does not throw: the state has a `trouble`. */
  toStart(): Promise<void>
  /** To its last ones. */
  toEnd(): Promise<void>
}

/** A live list: its state, and what may be done with it. */
export interface ListStore extends Readable<ListState>, WindowMoves {
  /** The record type's name. */
  type: string
  /** What it was opened with. */
  query: LiveListQuery
  /** Where the rows and what waits stand in the change log. */
  cursor(): string | null
  /**
   * The rows that are shown, with those that wait, were the list at this time; ISO 8601, by the database's clock. `null`:
   * unknown. It stands still while a refresh is due.
   */
  asOf(): string | null
  /** Refreshes now, and shows everything, even while the list is held. */
  reload(): Promise<void>
  /** The user goes on: the bar stays and goes on counting what waits, and asks no more. */
  keepEditing(): void
  /** Nothing moves until the returned function is called. */
  hold(): Stop
  /** Called when the person changes, and nothing of before may stay on the screen. */
  onLeft(listener: () => void): Stop
  /** Lets go of it; the last one who does ends its requests. */
  close(): void
}
