// Keeps edits beyond the page, for their user, and resends saves that got no answer when the server is reachable again: in
// order, one after the other. Each keeps its first mutation id, so it is written once, whichever page sends it and however
// often. A refused save waits for its user and blocks nothing else.

import { createWritable, type Readable } from '../base/store.ts'
import { createTimers } from '../base/timers.ts'
import type { DraftClient, DraftPersistence } from '../record/draft-persistence.ts'
import { limitStorage, limitTabs } from './browser-limits.ts'
import { createBrowserTabs, type Tabs } from './browser-tabs.ts'
import {
  createMemoryStorage,
  type EditStorage,
  isAsked,
  type UnsentEntry,
  type UnsentState,
} from './draft-storage.ts'
import { type EditKeeping, keepEdits } from './draft-sync.ts'
import { createIndexedDbStorage } from './indexeddb-storage.ts'
import { editsAfter, troubleAfter } from './remaining-edits.ts'

const RETRY_AFTER_MS = 5_000
const LONGEST_RETRY_MS = 60_000

/** Edits that outlive the page, and saves that wait for the server. */
export interface Offline extends DraftPersistence {
  unsent: Readable<UnsentState>
  /** Tries to send what waits, now. */
  retry(): void
  /** Discards one record's edits. Another page that has them open keeps its own. */
  discard(key: string): Promise<void>
  /** Restores what was discarded on this page: see `unsent.discarded`. */
  undoDiscard(key: string): void
  /** Discards all of this person's edits on this device: for a sign-out that leaves nothing behind. */
  clear(): Promise<void>
}

/** What {@link createOffline} takes. */
export interface OfflineOptions {
  /** Default: IndexedDB, database `noclobber`. */
  storage?: EditStorage
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
  const givenStorage = options.storage ?? defaultStorage()
  const givenTabs = options.tabs ?? createBrowserTabs()
  let tabs = givenTabs
  const unsent = createWritable<UnsentState>({
    entries: [],
    storage: 'unknown',
    isSending: false,
    discarded: [],
  })
  const set = (patch: Partial<UnsentState>) => unsent.set({ ...unsent.get(), ...patch })
  let keeping: EditKeeping | null = null
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
    if (failures > 0) sendLater()
  }

  function sendLater() {
    const delayMs = Math.min(LONGEST_RETRY_MS, RETRY_AFTER_MS * 2 ** Math.min(failures - 1, 6))
    timers?.start('retry', delayMs * (0.75 + Math.random() / 2), () => void send())
  }

  async function sendOwn() {
    failures = 0
    for (const entry of inOrder(keeping?.live() ?? [])) if (!(await sendOne(entry))) return
  }

  /** Sends what closed pages have left; one page at a time does it. */
  async function sendOrphans() {
    if (failures > 0) return
    for (const entry of await askedOrphans()) {
      if (!(await sendOne(entry))) return
      const isStillThere = (await askedOrphans()).some(({ key }) => key === entry.key)
      if (isStillThere && !(await sendPast(entry))) return
    }
  }

  /** Another page has written, perhaps before it closed. Where it is unknown which pages are alive, nothing is claimed. */
  async function sendFound() {
    if ((await tabs.alive()) && (await askedOrphans()).length > 0) void send()
  }

  const askedOrphans = async () => inOrder((await keeping?.orphans()) ?? [])

  const inOrder = (entries: UnsentEntry[]) => entries.filter(isAsked).toSorted((a, b) => a.at - b.at)

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
      const onTabsChanged = () => void sendFound()
      const current = keepEdits({ client: opened, storage, tabs, show: set, onTabsChanged })
      keeping = current
      void current.refresh().then(() => {
        if (unsent.get().entries.some(isAsked)) void send()
      })
      const { cancelAll } = timers
      return () => {
        cancelAll()
        const writing = current.stop()
        if (writing) void writing.finally(stopTab)
        else stopTab()
        keeping = null
        client = null
        set({ entries: [], storage: 'unknown', discarded: [] })
      }
    },
    async recall(address, stateNow) {
      const edits = (await keeping?.recall(address, stateNow)) ?? null
      if (edits?.unanswered) void send()
      return edits
    },
    leave: () => keeping?.leave(),
    keep: (address, state) => keeping?.keep(address, state),
    isKept: async (address) => keeping?.isKept(address) ?? false,
    reachable: () => void send(),
    retry: () => void send(),
    discard: async (key) => keeping?.discard(key),
    undoDiscard: (key) => keeping?.undoDiscard(key),
    clear: async () => keeping?.clear(),
  }
}

/** Outside a browser there is no IndexedDB. A page that may not use it sees that it is `barred`. */
const defaultStorage = (): EditStorage =>
  typeof document === 'undefined' && typeof indexedDB === 'undefined'
    ? createMemoryStorage()
    : createIndexedDbStorage()
