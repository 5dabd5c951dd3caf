// Keeps edits beyond the page, for their user, and resends saves that got no answer when the server is reachable again: in
// order, one after the other. Each keeps its first mutation id, so it is written once, whichever page sends it and however
// often. A refused save waits for its user and blocks nothing else.

import type { Stop } from '../base/clock.ts'
import { createListeners, createWritable, type Readable } from '../base/store.ts'
import { createTimers } from '../base/timers.ts'
import type { DraftClient, DraftPersistence } from '../record/draft-persistence.ts'
import { limitStorage, limitTabs } from './browser-limits.ts'
import { createBrowserTabs, type Tabs } from './browser-tabs.ts'
import {
  createMemoryStorage,
  type EditStorage,
  isAsked,
  type Kept,
  NOTHING_UNSENT,
  type QueuedRequest,
  type UnsentEntry,
  type UnsentState,
} from './draft-storage.ts'
import { type EditKeeping, keepEdits } from './draft-sync.ts'
import { createIndexedDbStorage } from './indexeddb-storage.ts'
import { editsAfter, troubleAfter } from './remaining-edits.ts'
import { keepRequests, type LateAnswer, type RequestQueue } from './request-queue.ts'

const RETRY_AFTER_MS = 5_000
const LONGEST_RETRY_MS = 60_000

/** Edits that outlive the page, and saves that wait for the server. */
export interface Offline extends DraftPersistence {
  unsent: Readable<UnsentState>
  /** Tries to send what waits, now. */
  retry(): void
  /** Sends a request that the server has refused once more, as it was: see `unsent.requests`. */
  resend(key: string): void
  /**
   * Called with each answer to a request of the app's own that came after `client.fetch` had answered 202, perhaps to an earlier page.
   * Listen before the client is made.
   *
   * @example
   * offline.onAnswered(({ request, response }) => toast(`${request.label}: ${response.ok ? 'done' : 'refused'}`))
   */
  onAnswered(listener: (answer: LateAnswer) => void): Stop
  /** Discards one record's edits, or a request. Another page that has the record open keeps its own edits. */
  discard(key: string): Promise<void>
  /** Restores what was discarded on this page: see `unsent.discarded`. */
  undoDiscard(key: string): void
  /** Discards all that this person has unsent on this device: for a sign-out that leaves nothing behind. */
  clear(): Promise<void>
}

/** What {@link createOffline} takes. */
export interface OfflineOptions {
  /** Default: IndexedDB, database `noclobber`. */
  storage?: EditStorage
  /**
   * Where requests of the app's own wait. Default: IndexedDB, database `noclobber-requests`; with a `storage` of your own, memory
   * alone.
   */
  requests?: EditStorage<QueuedRequest>
  /** Which pages are alive. Default: by the browser’s locks. */
  tabs?: Tabs
}

/**
 * Keeps edits beyond the page, and sends what could not be sent.
 *
 * @example
 * const offline = createOffline()
 * const client = createRecordClient({ offline, userId: () => session.user.id })
 */
export function createOffline(options: OfflineOptions = {}): Offline {
  const givenStorage = options.storage ?? defaultStorage<UnsentEntry>()
  const requestStorage: EditStorage<QueuedRequest> =
    options.requests ?? (options.storage ? createMemoryStorage() : defaultStorage('noclobber-requests'))
  const givenTabs = options.tabs ?? createBrowserTabs()
  let tabs = givenTabs
  const unsent = createWritable<UnsentState>(NOTHING_UNSENT)
  const set = (patch: Partial<UnsentState>) => unsent.set({ ...unsent.get(), ...patch })
  const answered = createListeners<[LateAnswer]>()
  let keeping: EditKeeping | null = null
  let requests: RequestQueue | null = null
  let client: DraftClient | null = null
  let timers: ReturnType<typeof createTimers> | null = null
  let isSending = false
  let isAskedAgain = false
  let failures = 0

  async function send(): Promise<void> {
    const whose = keeping?.person() ?? null
    if (!client || !keeping || whose === null) return
    if (isSending) {
      isAskedAgain = true
      return
    }
    isSending = true
    timers?.cancel('retry')
    try {
      do {
        isAskedAgain = false
        await sendOwn()
        await tabs.alone(`send ${keeping.person()}`, sendOrphans)
      } while (isAskedAgain && failures === 0)
    } catch {
      failures += 1
    }
    isSending = false
    set({ isSending: false })
    requests?.answerCallers()
    if (failures > 0) sendLater()
  }

  function sendLater() {
    const delayMs = Math.min(LONGEST_RETRY_MS, RETRY_AFTER_MS * 2 ** Math.min(failures - 1, 6))
    timers?.start('retry', delayMs * (0.75 + Math.random() / 2), () => void send())
  }

  async function sendOwn() {
    failures = 0
    for (const one of inOrder(keeping?.live() ?? [], requests?.live() ?? []))
      if (!(await ('edits' in one ? sendOne(one) : sendRequest(one)))) return
  }

  /** Sends what closed pages have left; one page at a time does it. */
  async function sendOrphans() {
    if (failures > 0) return
    for (const entry of await askedOrphans()) {
      if (!('edits' in entry)) {
        if (!(await sendRequest(entry))) return
        continue
      }
      if (!(await sendOne(entry))) return
      const isStillThere = (await askedOrphans()).some(({ key }) => key === entry.key)
      if (isStillThere && !(await sendPast(entry))) return
    }
  }

  /** Another page has written, perhaps before it closed. Where it is unknown which pages are alive, nothing is claimed. */
  async function sendFound() {
    if ((await tabs.alive()) && (await askedOrphans()).length > 0) void send()
  }

  const askedOrphans = async () =>
    inOrder((await keeping?.orphans()) ?? [], (await requests?.orphans().catch(() => [])) ?? [])

  /** Saves and requests as they were asked for. */
  const inOrder = (entries: UnsentEntry[], waiting: QueuedRequest[]) =>
    [...entries.filter(isAsked), ...waiting].toSorted((a, b) => a.at - b.at)

  /** `false`, as of `sendOne`. */
  async function sendRequest(request: QueuedRequest): Promise<boolean> {
    set({ isSending: true })
    const outcome = await requests?.send(request)
    if (outcome === 'unreachable') failures += 1
    return outcome === 'answered'
  }

  /** `false`: the server can't be reached, or knows nobody; the rest waits too. */
  async function sendOne(entry: UnsentEntry): Promise<boolean> {
    if (entry.person !== keeping?.person()) return false
    set({ isSending: true })
    const { status } = (await client?.resume(entry)) ?? {}
    if (status === 'offline') failures += 1
    return status !== 'offline' && status !== 'signed_out'
  }

  /** Its record has other edits here, or another version: it is sent as it was, and what is refused can be restored. */
  async function sendPast(entry: UnsentEntry): Promise<boolean> {
    const mutation = entry.edits.unanswered
    if (!mutation || !client || entry.person !== keeping?.person()) return false
    const answer = await client.send(entry, mutation)
    if (answer.outcome === 'unreachable') failures += 1
    if (answer.outcome === 'unreachable' || answer.outcome === 'unauthenticated') return false
    const left = editsAfter(entry.edits, mutation, answer)
    await keeping?.settle(entry, left, troubleAfter(answer))
    if (left?.unanswered) isAskedAgain = true
    else if (left) await client?.resume(entry)
    return true
  }

  return {
    unsent,
    open(opened) {
      client = opened
      timers = createTimers(opened.clock)
      tabs = limitTabs(givenTabs, opened.clock)
      const storage = limitStorage(givenStorage, opened.clock)
      const stopTab = tabs.enter(opened.tabId)
      const onTabsChanged = () => {
        void requests?.refresh()
        void sendFound()
      }
      const current = keepEdits({ client: opened, storage, tabs, show: set, onTabsChanged })
      const queue = keepRequests({
        ...{ client: opened, tabs, show: set, answered },
        storage: limitStorage(requestStorage, opened.clock),
      })
      keeping = current
      requests = queue
      void Promise.all([current.refresh(), queue.adopt()]).then(() => {
        const { entries, requests: waiting } = unsent.get()
        if (entries.some(isAsked) || waiting.length > 0) void send()
      })
      const { cancelAll } = timers
      return () => {
        cancelAll()
        queue.answerCallers()
        queue.stop()
        const writing = current.stop()
        if (writing) void writing.finally(stopTab)
        else stopTab()
        keeping = null
        requests = null
        client = null
        set({ ...NOTHING_UNSENT, isSending: unsent.get().isSending })
      }
    },
    async recall(address, stateNow) {
      const edits = (await keeping?.recall(address, stateNow)) ?? null
      if (edits?.unanswered) void send()
      return edits
    },
    enqueue: async (request) => (await requests?.add(request, () => void send())) ?? null,
    leave() {
      keeping?.leave()
      requests?.leave()
    },
    keep: (address, state) => keeping?.keep(address, state),
    isKept: async (address) => keeping?.isKept(address) ?? false,
    reachable: () => void send(),
    retry: () => void send(),
    resend: (key) => void requests?.bringBack(key).then(send),
    onAnswered: answered.add,
    async discard(key) {
      if (!(await requests?.discard(key))) await keeping?.discard(key)
    },
    undoDiscard(key) {
      if (unsent.get().discardedRequests.some((one) => one.key === key))
        void requests?.bringBack(key).then(send)
      else keeping?.undoDiscard(key)
    },
    async clear() {
      await Promise.all([keeping?.clear(), requests?.clear()])
    },
  }
}

/** Outside a browser there is no IndexedDB. A page that may not use it sees that it is `barred`. */
const defaultStorage = <Entry extends Kept>(name?: string): EditStorage<Entry> =>
  typeof document === 'undefined' && typeof indexedDB === 'undefined'
    ? createMemoryStorage<Entry>()
    : createIndexedDbStorage<Entry>(name)
