// Sends what waits when the server is reachable: this page's saves and requests in the order in which they were asked for,
// then what closed pages have left. One at a time; a refused save blocks nothing else, an unreachable server all that follows.

import type { WireRecord } from '../../../server/protocol/index.ts'
import type { Timers } from '../base/timers.ts'
import type { Tabs } from '../device/browser-tabs.ts'
import type { DraftClient } from '../record/draft-persistence.ts'
import type { Mutation } from '../record/state.ts'
import type { CreatedIds } from './created-ids.ts'
import { isAsked, type QueuedRequest, type UnsentEntry, type UnsentState } from './draft-storage.ts'
import type { EditKeeping } from './draft-sync.ts'
import { editsAfter, troubleAfter } from './remaining-edits.ts'
import type { RequestQueue } from './request-queue.ts'
import { namedBy } from './waiting-parents.ts'

/** What a queue has while its client is open. */
export interface OpenQueue {
  client: DraftClient
  timers: Timers
  tabs: Tabs
  keeping: EditKeeping
  requests: RequestQueue
  ids: CreatedIds
}

export interface SenderOptions {
  now(): OpenQueue | null
  /** Settled when what waits is on the version that the last save has made. */
  advanced(): Promise<unknown>
  /** Does what is named wait for a new record that isn't on the server? */
  isWaitingFor(named: unknown, self?: string): boolean
  show(patch: Partial<UnsentState>): void
  /** A round has ended: who has waited for it goes on. */
  onEnd(): void
}

const RETRY_AFTER_MS = 5_000
const LONGEST_RETRY_MS = 60_000

/** Saves and requests as they were asked for. */
const inOrder = (entries: UnsentEntry[], waiting: QueuedRequest[]) =>
  [...entries.filter(isAsked), ...waiting].toSorted((a, b) => a.at - b.at)

export function createSender({ now, advanced, isWaitingFor, show, onEnd }: SenderOptions) {
  let isSending = false
  let isAskedAgain = false
  let failures = 0

  async function send(): Promise<void> {
    const open = now()
    if (!open || open.keeping.person() === null) return onEnd()
    if (isSending) {
      isAskedAgain = true
      return
    }
    isSending = true
    open.timers.cancel('retry')
    try {
      do {
        isAskedAgain = false
        await sendOwn()
        await open.tabs.alone(`send ${open.keeping.person()}`, sendOrphans)
      } while (isAskedAgain && failures === 0)
    } catch {
      // A storage that fails, as a server that is unreachable: it is tried again.
      failures += 1
    }
    isSending = false
    show({ isSending: false })
    now()?.requests.answerCallers()
    onEnd()
    if (failures > 0) sendLater()
  }

  function sendLater() {
    const delayMs = Math.min(LONGEST_RETRY_MS, RETRY_AFTER_MS * 2 ** Math.min(failures - 1, 6))
    now()?.timers.start('retry', delayMs * (0.75 + Math.random() / 2), () => void send())
  }

  async function sendOwn() {
    failures = 0
    const open = now()
    for (const one of inOrder(open?.keeping.live() ?? [], open?.requests.live() ?? []))
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
    if ((await now()?.tabs.alive()) && (await askedOrphans()).length > 0) void send()
  }

  const askedOrphans = async () =>
    inOrder(
      (await now()?.keeping.orphans()) ?? [],
      (await now()
        ?.requests.orphans()
        .catch(() => [])) ?? [],
    )

  /** `false`, as of `sendOne`. */
  async function sendRequest(request: QueuedRequest): Promise<boolean> {
    show({ isSending: true })
    await advanced()
    const outcome = await now()?.requests.send(request)
    if (request.bulk && outcome === 'answered') isAskedAgain = true
    if (outcome === 'unreachable') failures += 1
    return outcome === 'answered'
  }

  /** `false`: the server can't be reached, or knows nobody; the rest waits too. */
  async function sendOne(entry: UnsentEntry): Promise<boolean> {
    if (entry.person !== now()?.keeping.person()) return false
    if (isWaitingFor(namedBy(entry), entry.id)) return true
    show({ isSending: true })
    const { status } = (await now()?.client.resume(entry)) ?? {}
    if (status === 'offline') failures += 1
    return status !== 'offline' && status !== 'signed_out'
  }

  /** Its record has other edits here, or another version: it is sent as it was, and what is refused can be restored. */
  async function sendPast(entry: UnsentEntry): Promise<boolean> {
    const mutation = entry.edits.unanswered
    const open = now()
    if (!mutation || !open || entry.person !== open.keeping.person()) return false
    if (isWaitingFor(namedBy(entry), entry.id)) return true
    const answer = await open.client.send(entry, mutation)
    if (answer.outcome === 'unreachable') failures += 1
    if (answer.outcome === 'unreachable' || answer.outcome === 'unauthenticated') return false
    if (answer.outcome === 'saved') await passed(entry, mutation, answer.record)
    const left = editsAfter(entry.edits, mutation, answer)
    const trouble = left && troubleAfter(answer)
    await now()?.keeping.settle(entry, left, trouble)
    if (left?.unanswered) isAskedAgain = !trouble
    else if (left) await now()?.client.resume(entry)
    return true
  }

  async function passed(entry: UnsentEntry, { clientVersion }: Mutation, record: WireRecord) {
    if (clientVersion === 0) await now()?.ids.add(entry, record)
    else if (record.version === clientVersion + 1)
      await now()?.requests.advance(entry.type, new Map([[entry.id, clientVersion]]), entry.at)
  }

  return { send, sendFound }
}
