// Keeps edits beyond the page, for their user, and resends saves that got no answer when the server is reachable again: in
// order, one after the other. Each keeps its first mutation id, so it is written once, whichever page sends it and however
// often. A refused save waits for its user and blocks nothing else.

import type { RecordAddress } from '../../../server/protocol/index.ts'
import { createListeners, createWritable } from '../base/store.ts'
import { createTimers } from '../base/timers.ts'
import { limitStorage, limitTabs } from '../device/browser-limits.ts'
import { createBrowserTabs } from '../device/browser-tabs.ts'
import * as reducer from '../record/reducer.ts'
import { reducerCode } from '../record/store.ts'
import { type CreatedId, keepCreatedIds } from './created-ids.ts'
import { draftClient } from './draft-client.ts'
import {
  isAsked,
  type LateAnswer,
  NOTHING_UNSENT,
  type QueuedRequest,
  type UnsentEntry,
  type UnsentState,
} from './draft-storage.ts'
import { keepEdits } from './draft-sync.ts'
import { createHeldRequests } from './held-requests.ts'
import { isLocalId } from './local-ids.ts'
import { defaultStorage, type Offline, type OfflineOptions } from './options.ts'
import { createQueuedWrites } from './queued-writes.ts'
import { keepRequests } from './request-queue.ts'
import { createSender, type OpenQueue } from './sender.ts'
import { createMemoryStorage, type EditStorage } from './storages.ts'
import { createUnsentRows } from './unsent-rows.ts'
import { unmadeOf, waitsOf } from './waiting-parents.ts'

reducerCode.provide(reducer)

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
  const createdStorage: EditStorage<CreatedId> =
    options.created ?? (options.storage ? createMemoryStorage() : defaultStorage('noclobber-created'))
  const givenTabs = options.tabs ?? createBrowserTabs()
  const unsent = createWritable<UnsentState>(NOTHING_UNSENT)
  const set = (patch: Partial<UnsentState>) => unsent.set({ ...unsent.get(), ...patch })
  const answered = createListeners<[LateAnswer]>()
  let opened: OpenQueue | null = null
  /** What waits is being put on the version that a save has made. */
  let advancing: Promise<unknown> = Promise.resolve()

  const queued = createQueuedWrites({
    now: () => opened,
    openAs,
    versionOf: ({ id, version }) => version || (opened?.ids.find(id)?.version ?? 0),
    send: () => void send(),
  })

  const rows = createUnsentRows({ unsent, ids: () => opened?.ids ?? null })

  /** New records that aren't on the server. */
  const unmade = () => (opened ? unmadeOf(opened.keeping.all(), opened.ids) : new Map<string, UnsentEntry>())
  const isWaitingFor = (named: unknown, self?: string) =>
    opened !== null && waitsOf(named, unmade(), opened.ids, self) !== null

  const { send, sendFound } = createSender({
    now: () => opened,
    advanced: () => advancing,
    isWaitingFor,
    show: set,
    onEnd: queued.endTries,
  })

  function openAs({ type, id }: RecordAddress): string {
    const now = opened?.ids.idOf(id) ?? id
    const entry = isLocalId(now) ? undefined : unmade().get(now)
    return entry?.type === type ? entry.id : now
  }

  return {
    unsent,
    overlay: rows.overlay,
    ...queued.writes,
    openAs,
    ...createHeldRequests(() => opened?.ids ?? null),
    created(address, record) {
      void opened?.ids.add(address, record)
      queued.created(address, record)
      if (opened) rows.arrive(record, opened.client.clock)
      if (isLocalId(address.id)) void send()
    },
    async elsewhere(address) {
      if (!isLocalId(address.id) || opened?.keeping.find(address)) return null
      await opened?.ids.loaded()
      const isKnown = opened?.ids.find(address.id) || unmade().has(address.id)
      return isKnown
        ? { outcome: 'unreachable', retryAfterMs: null, detail: 'Another page has it.' }
        : { outcome: 'not_found' }
    },
    open(parts) {
      const client = draftClient(parts)
      const timers = createTimers(client.clock)
      const tabs = limitTabs(givenTabs, client.clock)
      const stopTab = tabs.enter(client.tabId)
      const ids = keepCreatedIds({
        client,
        storage: limitStorage(createdStorage, client.clock),
        onFound(found) {
          for (const { type, id, local } of found) void client.becomes({ type, id: local }, id)
          void send()
        },
      })
      const keeping = keepEdits({
        client,
        storage: limitStorage(givenStorage, client.clock),
        tabs,
        ids,
        show: set,
        onTabsChanged() {
          void opened?.requests.refresh()
          void sendFound()
        },
        onSaved(address, version, at) {
          advancing = advancing.then(() =>
            opened?.requests.advance(address.type, new Map([[address.id, version]]), at),
          )
        },
      })
      const requests = keepRequests({
        client,
        tabs,
        show: set,
        answered,
        ids,
        isWaitingFor,
        isKept: keeping.isKept,
        storage: limitStorage(requestStorage, client.clock),
      })
      opened = { client, timers, tabs, keeping, requests, ids }
      void Promise.all([ids.load(), keeping.refresh(), requests.adopt()]).then(() => {
        if (unsent.get().entries.some(({ waits }) => waits)) void keeping.refresh()
        const { entries, requests: waiting } = unsent.get()
        if (entries.some(isAsked) || waiting.length > 0) void send()
      })
      return () => {
        timers.cancelAll()
        requests.answerCallers()
        queued.endTries()
        requests.stop()
        const writing = keeping.stop()
        if (writing) void writing.finally(stopTab)
        else stopTab()
        opened = null
        set({ ...NOTHING_UNSENT, isSending: unsent.get().isSending })
      }
    },
    async recall(address, stateNow) {
      const edits = (await opened?.keeping.recall(address, stateNow)) ?? null
      if (edits?.unanswered) void send()
      return edits
    },
    enqueue: async (request) => (await opened?.requests.add(request, () => void send())) ?? null,
    leave() {
      opened?.keeping.leave()
      opened?.requests.leave()
      queued.endTries()
      rows.leave()
    },
    keep: (address, state) => opened?.keeping.keep(address, state),
    isKept: async (address) => opened?.keeping.isKept(address) ?? false,
    reachable: () => void send(),
    retry: () => void send(),
    resend: (key) => void opened?.requests.bringBack(key).then(send),
    onAnswered: answered.add,
    async discard(key) {
      if (!(await opened?.requests.discard(key))) await opened?.keeping.discard(key)
    },
    undoDiscard(key) {
      if (unsent.get().discardedRequests.some((one) => one.key === key))
        void opened?.requests.bringBack(key).then(send)
      else {
        opened?.keeping.undoDiscard(key)
        void send()
      }
    },
    async clear() {
      await Promise.all([opened?.keeping.clear(), opened?.requests.clear()])
    },
  }
}
