// What an app may choose for its client (record-client.ts), with what holds where it chooses nothing; and what it gets.

import type { Fields } from '../../server/protocol/index.ts'
import type { Clock, Page, Stop } from './base/clock.ts'
import type { Readable } from './base/store.ts'
import type { ListToWatch } from './events/list-watching.ts'
import type { OnRecordEvents } from './events/record-events.ts'
import type { Reviews } from './history/reviews.ts'
import type { NewRecordOptions } from './http/new-record.ts'
import type { AppFetch } from './http/queued-request.ts'
import type { Requests } from './http/requests.ts'
import type { LiveListsOfClient } from './list/live-lists.ts'
import type { ListOverlay } from './list/store-options.ts'
import type { LostSave } from './lost/types.ts'
import type { Presence } from './presence/presence.ts'
import type { DraftPersistence } from './record/draft-persistence.ts'
import type { RecordStore } from './record/store.ts'
import type { RecordTransition } from './record/store-options.ts'
import type { ConnectionState } from './transport/connection-status.ts'
import type { ListEvent, ReceivedEvent } from './transport/event-router.ts'
import type { CreateTransport, TransportKind } from './transport/transport.ts'

/** What {@link createRecordClient} takes. */
export interface RecordClientOptions {
  /** Where the router is mounted. Default `/api/v1`. */
  url?: string
  /** Origin of the Socket.IO server. Default: that of `url`, else the page's own. */
  socketUrl?: string
  /** Default `/socket.io`. */
  socketPath?: string
  /** Sent as `Authorization: Bearer …` and as `auth.token`, for those who don't sign in by cookie. */
  token?: () => string | null
  /**
   * Whether cookies are sent to another origin. Default: `include`; with a `token` that signs in instead, `same-origin`, which an
   * API that allows every origin (`Access-Control-Allow-Origin: *`) needs.
   */
  credentials?: RequestCredentials
  /** Whom this client speaks for, as `updated_by.id` has it: it writes as nobody else. Else learned from a save. */
  userId?: () => string | null
  /**
   * How events come, the best first; below the last, versions are polled. Default: `websocket`, `event_stream`. Put
   * `long_polling` last where proxies hold answers back; with none at all versions are polled and nothing else.
   */
  transports?: TransportKind[]
  /**
   * Lets all tabs of one person read one event stream, where the browser can and the person is known by `token` or
   * `userId`: over HTTP/1.1 a browser opens six connections to a host. Default `true`.
   */
  shareStream?: boolean
  /** Another way to carry events (transport.ts), instead of all of these. */
  createTransport?: CreateTransport
  /** Keeps edits beyond the page: `createOffline()` of `noclobber/offline`. It needs `userId`. */
  offline?: DraftPersistence & { overlay?: ListOverlay }
  /**
   * `merge` (default): where the type allows it, a stale save of an editor, a cell or the offline queue passes if it overlaps
   * with nothing. `reject`: each is decided by the user.
   */
  onStale?: 'reject' | 'merge'
  /** Called after each event of an open record, with the state that it led to: what `noclobber/devtools` shows. Default: nobody is. */
  onTransition?: (transition: RecordTransition) => void
  /** Called once when the server no longer knows this person: ask for a sign-in, then `reconnect()`. */
  onSignedOut?: () => void
  /** Sends the requests. Default: the global one. */
  fetch?: typeof fetch
  /** Time and timers, for tests. Default: the system’s. */
  clock?: Clock
  /** Whether the page is visible and online, for tests and other platforms. Default: the browser’s. */
  page?: Page
  /** Origin of this tab's changes. Default: a new id for each page load. */
  tabId?: string
  /** Makes mutation ids and the tab’s id. Default: random UUIDs. */
  newId?: () => string
  /** A request is given up after this long. Default 10 s. */
  timeoutMs?: number
}

/** One client of a page: {@link createRecordClient}. */
export interface RecordClient extends Requests, Reviews, LiveListsOfClient {
  /** As chosen. */
  onStale: 'reject' | 'merge'
  /** Of this page load: sent with each write, and with the socket's handshake. */
  tabId: string
  /**
   * The open record, one for all who edit it in this tab. Nothing happens before somebody subscribes. With `null` a new one,
   * which its first save creates: from then on it is blank again, and the created record's own editor has what was typed since.
   */
  editor<F extends object = Fields>(
    type: string,
    id: string | null,
    unmade?: NewRecordOptions<F>,
  ): RecordStore<F>
  /** How events come now, and how old what is shown may be. */
  connection: Readable<ConnectionState>
  /** Who is at which record. */
  presence: Presence
  /** This machine's milliseconds, renewed each second for counting times. */
  seconds: Readable<number>
  /** Every event as it arrives. */
  onEvent(listener: (received: ReceivedEvent) => void): Stop
  /**
   * Calls the function once it watches these types, and after their changes: storms are one call, and none begins while one is
   * on its way. A hidden page is called when it is looked at.
   *
   * @example
   * const stop = client.onEvents(['task', 'project'], () => loadDashboard())
   */
  onEvents: OnRecordEvents
  /**
   * `fetch` for the app's own routes of the same server: a write names this tab, its socket, its person and an
   * `Idempotency-Key`, which `requestContext` of `noclobber/server` reads. What it changed is shown here as well: the records
   * in its answer's `data`, and whatever else is open. A request for somebody who has left is answered 401. Addresses of other
   * origins are fetched as they are. With `queue` it waits for the server where that can't be reached.
   */
  fetch: AppFetch
  /** Calls the listener with each event of a list, until the stop; the app's own lists use it. */
  watchList(list: ListToWatch, listener: (event: ListEvent) => void): Stop
  /** After each sign-in and sign-out: connects anew and looks at every open record again, for who is here now. */
  reconnect(): void
  /**
   * Writes of this page without an editor that the server had answered and lost when its database was restored: saves in a
   * cell or by `save`, which the record's editor offers again, creations, bulk edits and imports.
   */
  lostSaves: Readable<readonly LostSave[]>
  /** Takes one out of `lostSaves`; its editor still offers it. */
  dismissLost(save: LostSave): void
  /**
   * Makes a creation, a bulk edit or an import of `lostSaves` once more, and takes it out where that succeeds. A bulk edit is
   * made on what its records are now. `null` for a save: open its record.
   */
  restoreLost(save: LostSave): Promise<{ outcome: string } | null>
  /** Whom the client speaks for, as `userId` or the server says; `null` while nobody is known. */
  personId(): string | null
  /** Called when somebody else is here: what the page itself keeps of the one before is to go. */
  onPersonChanged(listener: () => void): Stop
  /** The server's time in this machine's milliseconds, for "5 s ago". */
  localTime(iso: string | null): number
  /** Ends everything that it does. A subscriber that comes afterwards opens it again, as React's double mounting does. */
  close(): void
}
