// Keeps edits beyond the page, for their user, and resends saves that got no answer when the server is reachable again: in
// order, one after the other. Each keeps its first mutation id, so it is written once, whichever page sends it and however
// often. A refused save waits for its user and blocks nothing else.

import type { RecordAddress, WireRecord } from '../../../server/protocol/index.ts'
import { createListeners, createWritable } from '../base/store.ts'
import { createTimers } from '../base/timers.ts'
import { limitStorage, limitTabs } from '../device/browser-limits.ts'
import { createBrowserTabs } from '../device/browser-tabs.ts'
import type { DraftClient } from '../record/draft-persistence.ts'
import * as reducer from '../record/reducer.ts'
import type { Mutation } from '../record/state.ts'
import { reducerCode } from '../record/store.ts'
import { type CreatedId, type CreatedIds, keepCreatedIds } from './created-ids.ts'
import { draftClient } from './draft-client.ts'
import {
  isAsked,
  NOTHING_UNSENT,
  type QueuedRequest,
  type UnsentEntry,
  type UnsentState,
} from './draft-storage.ts'
import { type EditKeeping, keepEdits } from './draft-sync.ts'
import { createHeldRequests } from './held-requests.ts'
import { isLocalId } from './local-ids.ts'
import { defaultStorage, type Offline, type OfflineOptions } from './options.ts'
import { createQueuedWrites } from './queued-writes.ts'
import { editsAfter, troubleAfter } from './remaining-edits.ts'
import { keepRequests, type LateAnswer, type RequestQueue } from './request-queue.ts'
import { createMemoryStorage, type EditStorage } from './storages.ts'
import { createUnsentRows } from './unsent-rows.ts'
import { namedBy, unmadeOf, waitsOf } from './waiting-parents.ts'

reducerCode.provide(reducer)

const RETRY_AFTER_MS = 5_000
const LONGEST_RETRY_MS = 60_000

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
  let tabs = givenTabs
  const unsent = createWritable<UnsentState>(NOTHING_UNSENT)
  const set = (patch: Partial<UnsentState>) => unsent.set({ ...unsent.get(), ...patch })
  const answered = createListeners<[LateAnswer]>()
  let keeping: EditKeeping | null = null
  let requests: RequestQueue | null = null
  let ids: CreatedIds | null = null
  /** What waits is being put on the version that a save has made. */
  let advancing: Promise<unknown> = Promise.resolve()
  let client: DraftClient | null = null
  let timers: ReturnType<typeof createTimers> | null = null
  let isSending = false
  let isAskedAgain = false
  let failures = 0

  const queued = createQueuedWrites({
    now: () => client && keeping && requests && { client, keeping, requests },
    openAs,
    versionOf: ({ id, version }) => version || (ids?.find(id)?.version ?? 0),
    send: () => void send(),
  })

  const rows = createUnsentRows({ unsent, ids: () => ids })

  /** New records that aren't on the server. */
  const unmade = () => (ids ? unmadeOf(keeping?.all() ?? [], ids) : new Map<string, UnsentEntry>())
  const isWaitingFor = (named: unknown, self?: string) =>
    ids !== null && waitsOf(named, unmade(), ids, self) !== null

  function openAs({ type, id }: RecordAddress): string {
    const now = ids?.idOf(id) ?? id
    const entry = isLocalId(now) ? undefined : unmade().get(now)
    return entry?.type === type ? entry.id : now
  }

  async function send(): Promise<void> {
    const whose = keeping?.person() ?? null
    if (!client || !keeping || whose === null) return queued.endTries()
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
    queued.endTries()
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
    await advancing
    const outcome = await requests?.send(request)
    if (request.bulk && outcome === 'answered') isAskedAgain = true
    if (outcome === 'unreachable') failures += 1
    return outcome === 'answered'
  }

  /** `false`: the server can't be reached, or knows nobody; the rest waits too. */
  async function sendOne(entry: UnsentEntry): Promise<boolean> {
    if (entry.person !== keeping?.person()) return false
    if (isWaitingFor(namedBy(entry), entry.id)) return true
    set({ isSending: true })
    const { status } = (await client?.resume(entry)) ?? {}
    if (status === 'offline') failures += 1
    return status !== 'offline' && status !== 'signed_out'
  }

  /** Its record has other edits here, or another version: it is sent as it was, and what is refused can be restored. */
  async function sendPast(entry: UnsentEntry): Promise<boolean> {
    const mutation = entry.edits.unanswered
    if (!mutation || !client || entry.person !== keeping?.person()) return false
    if (isWaitingFor(namedBy(entry), entry.id)) return true
    const answer = await client.send(entry, mutation)
    if (answer.outcome === 'unreachable') failures += 1
    if (answer.outcome === 'unreachable' || answer.outcome === 'unauthenticated') return false
    if (answer.outcome === 'saved') await passed(entry, mutation, answer.record)
    const left = editsAfter(entry.edits, mutation, answer)
    const trouble = left && troubleAfter(answer)
    await keeping?.settle(entry, left, trouble)
    if (left?.unanswered) isAskedAgain = !trouble
    else if (left) await client?.resume(entry)
    return true
  }

  async function passed(entry: UnsentEntry, { clientVersion }: Mutation, record: WireRecord) {
    if (clientVersion === 0) await ids?.add(entry, record)
    else if (record.version === clientVersion + 1)
      await requests?.advance(entry.type, new Map([[entry.id, clientVersion]]), entry.at)
  }

  return {
    unsent,
    overlay: rows.overlay,
    ...queued.writes,
    openAs,
    ...createHeldRequests(() => ids),
    created(address, record) {
      void ids?.add(address, record)
      queued.created(address, record)
      if (client) rows.arrive(record, client.clock)
      if (isLocalId(address.id)) void send()
    },
    async elsewhere(address) {
      if (!isLocalId(address.id) || keeping?.find(address)) return null
      await ids?.loaded()
      const isKnown = ids?.find(address.id) || unmade().has(address.id)
      return isKnown
        ? { outcome: 'unreachable', retryAfterMs: null, detail: 'Another page has it.' }
        : { outcome: 'not_found' }
    },
    open(parts) {
      const opened = draftClient(parts)
      client = opened
      timers = createTimers(opened.clock)
      tabs = limitTabs(givenTabs, opened.clock)
      const storage = limitStorage(givenStorage, opened.clock)
      const stopTab = tabs.enter(opened.tabId)
      const onTabsChanged = () => {
        void requests?.refresh()
        void sendFound()
      }
      const made = keepCreatedIds({
        ...{ client: opened, storage: limitStorage(createdStorage, opened.clock) },
        onFound(found) {
          for (const { type, id, local } of found) void opened.becomes({ type, id: local }, id)
          void send()
        },
      })
      const current = keepEdits({
        ...{ client: opened, storage, tabs, ids: made, show: set, onTabsChanged },
        onSaved(address, version, at) {
          advancing = advancing.then(() =>
            requests?.advance(address.type, new Map([[address.id, version]]), at),
          )
        },
      })
      const queue = keepRequests({
        ...{ client: opened, tabs, show: set, answered, ids: made, isWaitingFor, isKept: current.isKept },
        storage: limitStorage(requestStorage, opened.clock),
      })
      keeping = current
      requests = queue
      ids = made
      void Promise.all([made.load(), current.refresh(), queue.adopt()]).then(() => {
        if (unsent.get().entries.some(({ waits }) => waits)) void current.refresh()
        const { entries, requests: waiting } = unsent.get()
        if (entries.some(isAsked) || waiting.length > 0) void send()
      })
      const { cancelAll } = timers
      return () => {
        cancelAll()
        queue.answerCallers()
        queued.endTries()
        queue.stop()
        const writing = current.stop()
        if (writing) void writing.finally(stopTab)
        else stopTab()
        keeping = null
        requests = null
        ids = null
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
      queued.endTries()
      rows.leave()
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
      else {
        keeping?.undoDiscard(key)
        void send()
      }
    },
    async clear() {
      await Promise.all([keeping?.clear(), requests?.clear()])
    },
  }
}
