// The interface of what keeps edits beyond the page, and how an open record gets them back from it. The client itself keeps
// nothing: `noclobber/offline` does, and an app that needs no more than the tab's memory never loads it.

import type { Fields, RecordAddress, WireRecord } from '../../../server/protocol/index.ts'
import type { Clock, Page, Stop } from '../base/clock.ts'
import type { Person } from '../base/person.ts'
import type { ClientProposeOutcome, Reviews } from '../history/reviews.ts'
import type { HttpAnswer, HttpRequest } from '../http/fetch-json.ts'
import type { ClientRemoveOutcome, ClientSaveOutcome, Refusal } from '../http/outcomes.ts'
import type { RequestToQueue } from '../http/queued-request.ts'
import type { Requests } from '../http/requests.ts'
import type { Mutation, RecordState, RecordStateEvent, UnsentEdits } from './state.ts'

/** What a client hands to the persistence of its drafts, which loads what it needs of them. */
export interface DraftParts {
  /** Its requests, and how it treats a stale save. */
  client: Pick<Requests, 'read' | 'create' | 'save' | 'saveMany' | 'remove'> &
    Pick<Reviews, 'restoreVersion' | 'propose'> &
    Pick<DraftClient, 'tabId' | 'fetch'> & { onStale: 'reject' | 'merge' }
  /** The open records: `of` opens one. */
  records: {
    of(address: RecordAddress): {
      resume(): Promise<RecordState>
      recall(): Promise<void>
      remove(): Promise<unknown>
      dispatch(stateEvent: RecordStateEvent): unknown
    }
    find(address: RecordAddress): { becomes(record: WireRecord): void } | undefined
    discard(address: RecordAddress): boolean
  }
  /** Who is here. */
  person: Pick<Person, 'id' | 'isNamed'>
  /** The client's. */
  clock: Clock
  /** The client's. */
  page: Page
}

/** What the persistence of drafts may do with its client. */
export interface DraftClient {
  /** Of this page load. */
  tabId: string
  /** The owner of the edits; `null` while unknown: then nothing is kept and nothing brought back. */
  userId(): string | null
  /** The client's. */
  clock: Clock
  /** The client's. */
  page: Page
  /** Brings kept edits back and sends what was asked to be saved; resolves when that has its answer. */
  resume(address: RecordAddress): Promise<RecordState>
  /** Brings kept edits back, and sends nothing. */
  recall(address: RecordAddress): Promise<void>
  /** Sends it as it was asked for, past the record's editor. */
  send(
    address: RecordAddress,
    mutation: Mutation,
  ): Promise<ClientSaveOutcome<Fields> | ClientRemoveOutcome | ClientProposeOutcome>
  /** Restores discarded edits, or adds some. `isNewest`: before what is set aside already. */
  bringBack(address: RecordAddress, edits: UnsentEdits, isNewest?: boolean): void
  /** Discards its edits; `false` where the record is not open here. */
  discard(address: RecordAddress): boolean
  /** A new record is this one on the server by now: what shows it here goes on with that. */
  becomes(address: RecordAddress, id: string): Promise<void>
  /** Asks to delete a record after what was asked for of it; a new one once it is created, if that may have happened. */
  remove(address: RecordAddress): void
  /** As of the client. */
  saveMany: Requests['saveMany']
  /** Sends a request of the app's own, as `client.fetch` does. */
  fetch: typeof fetch
}

/** Keeps edits; made by `createOffline`. Never rejects: storage that fails is a state, not an error. */
export interface DraftPersistence {
  /** Called once by the client. */
  open(parts: DraftParts): Stop
  /**
   * Edits of a page that is no more, if the record as it stands then has room for them; asked before the first load, and
   * again until there are none.
   */
  recall(address: RecordAddress, stateNow: () => RecordState): Promise<UnsentEdits | null>
  /** After each change of an open record. */
  keep(address: RecordAddress, state: RecordState): void
  /** Resolves soon: whether storage has this record's edits as they are now, so that they outlive the page. */
  isKept(address: RecordAddress): Promise<boolean>
  /**
   * Keeps a request of the app's own and sends it in its turn: its answer, or 202 where it goes on waiting. `null` where nobody is
   * named: then nothing is kept.
   */
  enqueue?(request: RequestToQueue): Promise<Response | null>
  /** A new record was created here. It is called before its edits are dropped. */
  created?(address: RecordAddress, record: WireRecord): void
  /** The id under which a record is open here: that of a new one while it waits, and its own from then on. */
  openAs?(address: RecordAddress): string
  /** Why a new record that was opened by its id can't be shown; `null` where its edits are here. */
  elsewhere?(address: RecordAddress): Promise<Refusal | null>
  /** A request as it is sent, or its answer where it names a record that is not on the server yet. */
  translate?(request: HttpRequest): HttpRequest | Promise<HttpRequest | HttpAnswer>
  /** Sends what the client sends, whatever that is, unless it names such a record: then it rejects. */
  pass?(send: typeof fetch, input: RequestInfo | URL, init: RequestInit): Promise<Response>
  /** The person changes: shows the edits of the new one, and keeps those of the one before. */
  leave(): void
  /** The server seems reachable again. */
  reachable(): void
}

/** No load waits longer for what the browser keeps: what comes later is brought back then. */
const LIMIT_MS = 1000

/** Brings edits of earlier pages back into an open record, before its first load: they come back on their own version. */
interface Recall {
  /** Resolves once all of them were brought back for the first time, or the limit has passed. */
  once(): Promise<void>
  /** Brings back what has come since. */
  again(): Promise<void>
  /** The person changes: theirs were not asked for yet. */
  leave(): void
}

interface RecallOptions {
  address: RecordAddress
  persistence: Pick<DraftPersistence, 'recall'> | undefined
  clock: Clock
  stateNow: () => RecordState
  /** A value that changes with the person. */
  personNow: () => unknown
  personId: () => string | null
  /** Resolves when the record can take edits back: before that they stay where they are. */
  whenReady: () => Promise<unknown>
  onRecalled: (edits: UnsentEdits) => void
  /** Edits that arrived after their owner had left. */
  setAside: (owner: string | null, edits: UnsentEdits) => void
}

export function createRecall(options: RecallOptions): Recall {
  const { address, persistence, clock, stateNow, personNow, personId, whenReady, onRecalled, setAside } =
    options
  let recalled: Promise<void> | null = null

  async function recallAll() {
    const person = personNow()
    const owner = personId()
    if (!persistence) return
    await whenReady()
    if (person !== personNow()) return
    const next = () => persistence.recall(address, stateNow)
    for (let edits = await next(); edits; edits = await next()) {
      if (person !== personNow()) return setAside(owner, edits)
      onRecalled(edits)
    }
  }

  const withinLimit = () =>
    new Promise<void>((resolve) => {
      const stop = clock.after(LIMIT_MS, resolve)
      void recallAll().finally(() => {
        stop()
        resolve()
      })
    })

  return {
    once() {
      recalled ??= persistence ? withinLimit() : Promise.resolve()
      return recalled
    },
    async again() {
      recalled ??= Promise.resolve()
      await recalled
      await recallAll()
    },
    leave() {
      recalled = null
    },
  }
}
