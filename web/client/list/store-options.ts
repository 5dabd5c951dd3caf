// What a list's store is to the page, what it needs of the client that it belongs to, and what that client alone may do to it.

import type { Scope } from '../../../server/protocol/index.ts'
import type { Clock, Page, Stop } from '../base/clock.ts'
import type { Readable } from '../base/store.ts'
import type { OwnWrite } from '../http/own-writes.ts'
import type { Requests } from '../http/requests.ts'
import type { ConnectionState } from '../transport/connection-status.ts'
import type { ListEvent } from '../transport/event-router.ts'
import type { LiveListQuery } from './query.ts'
import type { ListState } from './state.ts'

/** What of the client a list uses. */
export interface ListClient extends Pick<Requests, 'list' | 'versions'> {
  watchList(
    list: { type: string; scope?: Scope; cursor: () => string | null },
    listener: (news: ListEvent) => void,
  ): Stop
  connection: Pick<Readable<ConnectionState>, 'get'>
  onOwnWrite(listener: (write: OwnWrite) => void): Stop
}

export interface ListStoreOptions {
  client: ListClient
  clock: Clock
  page: Page
  random: () => number
  /** Notices where somebody else is here by now; before it returns, `leave` was called. */
  checkPerson: () => unknown
  /** Another number for each person after the other. */
  epoch: () => number
  type: string
  query: LiveListQuery
  /** Another list of the same records, whose rows are here already, in another order. */
  seed: ListStore | null
  onIdle: () => void
}

/** What the client does to a list of its own. */
export interface OwnedListStore extends ListStore {
  /** Somebody else is here: it holds nothing any more, and looks anew. */
  leave(): void
}

export interface ListStore extends Readable<ListState> {
  type: string
  query: LiveListQuery
  /** Where the rows and what waits stand in the change log. */
  cursor(): string | null
  /** Looks for changes now, and shows them, whatever waits. */
  reload(): Promise<void>
  /** Puts the bar away; what waits goes on waiting. */
  keepEditing(): void
  /** Somebody works in the list: nothing moves until the returned function is called. */
  hold(): Stop
  /** Called when somebody else is here, and nothing of before may stay on the screen. */
  onLeft(listener: () => void): Stop
  close(): void
}
