// The app's own requests that wait for the server: kept on the device with their person and key until they have an answer.
// Invariant: one person's request is neither sent nor shown for another; its key is the same for each try, whichever page makes it.

import type { RecordAddress } from '../../../server/protocol/index.ts'
import type { createListeners } from '../base/store.ts'
import { askedAt } from '../device/asked-order.ts'
import type { Tabs } from '../device/browser-tabs.ts'
import type { RequestToQueue } from '../http/queued-request.ts'
import type { DraftClient } from '../record/draft-persistence.ts'
import type { CreatedIds } from './created-ids.ts'
import { createDiscarded } from './discarded.ts'
import type { LateAnswer, QueuedRequest, UnsentState } from './draft-storage.ts'
import { textNow } from './held-requests.ts'
import { refusalOf, shortened, waiting } from './queued-answers.ts'
import { againOf, isLeft, nextVersions, type QueuedBulk, type QueuedRow, sendPart } from './queued-bulk.ts'
import type { EditStorage } from './storages.ts'

/** A try that has no answer by then is made again. */
const TRY_MS = 60_000
/** Of one person on one device. */
const MOST_REQUESTS = 500
/** The server, or what stands before it, asks to come back. */
const COME_BACK = new Set([408, 425, 429, 502, 503, 504])

export interface RequestQueueOptions {
  client: DraftClient
  storage: EditStorage<QueuedRequest>
  tabs: Tabs
  show: (patch: Partial<UnsentState>) => void
  answered: ReturnType<typeof createListeners<[LateAnswer]>>
  ids: CreatedIds
  /** New records, that it may name, are not on the server yet. */
  isWaitingFor: (named: unknown) => boolean
  /** Resolves soon, once a record's edits are in storage. */
  isKept: (address: RecordAddress) => Promise<boolean>
}

type SendResult = 'answered' | 'unreachable' | 'signed_out'

export type RequestQueue = ReturnType<typeof keepRequests>

export function keepRequests(options: RequestQueueOptions) {
  const { client, storage, tabs, show, answered, ids, isWaitingFor } = options
  const { clock, tabId } = client
  /** This page's own. */
  const own = new Map<string, QueuedRequest>()
  const unkept = new Set<string>()
  /** Who waits for the first try. */
  const callers = new Map<string, (answer: Response) => void>()
  const discarded = createDiscarded<QueuedRequest>()
  let isStopped = false

  const person = () => client.userId()
  const ofPerson = ({ person: whose }: QueuedRequest) => whose === person()
  const live = () => [...own.values()].filter(ofPerson)
  const fail = (error: unknown) =>
    show({ storage: error instanceof Error && error.name === 'QuotaExceededError' ? 'full' : 'barred' })

  async function write(request: QueuedRequest) {
    try {
      await storage.put(request)
      unkept.delete(request.key)
    } catch (error) {
      unkept.add(request.key)
      fail(error)
    }
    tabs.notify()
  }

  async function forget({ key }: QueuedRequest) {
    own.delete(key)
    unkept.delete(key)
    await storage.remove(key).catch(fail)
    tabs.notify()
    await refresh()
  }

  /** What storage has, this page's included: the client may have been closed and opened again. */
  async function refresh(): Promise<void> {
    const whose = person()
    if (whose === null || isStopped) return
    const kept = await storage.all(whose).catch((error): QueuedRequest[] => {
      fail(error)
      return []
    })
    if (whose !== person() || isStopped) return
    const others = kept.filter(({ tab }) => tab !== tabId)
    show({
      requests: [...others, ...live()].toSorted((a, b) => a.at - b.at),
      discardedRequests: discarded.of(whose),
    })
  }

  /** This page's from before the client was closed. */
  async function adopt() {
    const whose = person()
    const kept = whose === null ? [] : await storage.all(whose).catch(() => [])
    for (const request of kept)
      if (request.tab === tabId && !own.has(request.key)) own.set(request.key, request)
    await refresh()
  }

  async function orphans(): Promise<QueuedRequest[]> {
    const whose = person()
    if (whose === null) return []
    const [kept, alive] = await Promise.all([storage.all(whose), tabs.alive()])
    if (whose !== person()) return []
    return kept.filter(({ tab }) => tab !== tabId && !alive?.has(tab))
  }

  /** The promise of the answer to its first try; `null`: nobody is named. `sendNow` is called once it is kept. */
  async function add(
    request: RequestToQueue & Pick<QueuedRequest, 'bulk'>,
    sendNow: () => void,
  ): Promise<Response | null> {
    const whose = person()
    if (whose === null) return null
    if (live().length >= MOST_REQUESTS)
      throw new DOMException(`${MOST_REQUESTS} requests wait already.`, 'QuotaExceededError')
    const queued: QueuedRequest = { ...request, person: whose, tab: tabId, at: askedAt(clock), refusal: null }
    await write(queued)
    own.set(queued.key, queued)
    void refresh()
    return new Promise((resolve) => {
      if (isStopped) return resolve(waiting(queued.key, !unkept.has(queued.key)))
      callers.set(queued.key, resolve)
      sendNow()
    })
  }

  async function tried(request: QueuedRequest): Promise<Response | null> {
    const abort = new AbortController()
    const stop = clock.after(TRY_MS, () => abort.abort())
    const { url, method, headers, body, key } = request
    try {
      const named = { ...headers, 'Idempotency-Key': key }
      return await client.fetch(url, { method, headers: named, body, signal: abort.signal })
    } catch {
      return null
    } finally {
      stop()
    }
  }

  /** `unreachable` and `signed_out`: it goes on waiting, and so does what is behind it. */
  async function send(request: QueuedRequest): Promise<SendResult> {
    if (!ofPerson(request)) return 'signed_out'
    if (request.bulk) return sendBulk(request)
    const response = await tried(request)
    if (!response || COME_BACK.has(response.status)) return 'unreachable'
    if (response.status === 401) return 'signed_out'
    if (response.ok) await forget(request)
    else await keepAs({ ...request, refusal: await refusalOf(response.clone()) })
    answer(request, response)
    return 'answered'
  }

  /** In the place of what it was, unless that is gone. */
  async function keepAs(request: QueuedRequest) {
    if (own.has(request.key)) own.set(request.key, request)
    await storage.claim(request.key, request).catch(fail)
    tabs.notify()
    await refresh()
  }

  function answer(request: QueuedRequest, response: Response) {
    const caller = callers.get(request.key)
    callers.delete(request.key)
    if (caller) caller(response)
    else answered.notify({ request, response })
  }

  /** Part by part; what was answered is kept before the next part is sent. */
  async function sendBulk({ key, person: whose }: QueuedRequest): Promise<SendResult> {
    const request = own.get(key) ?? (await storage.all(whose)).find((one) => one.key === key)
    if (!request?.bulk) return 'answered'
    const asked = request.bulk.rows
    let bulk: QueuedBulk = { ...request.bulk, rows: asked.map(rowNow) }
    if (bulk.rows.some((row, at) => row !== asked[at])) await keepAs({ ...request, bulk })
    while (bulk.rows.some(({ outcome }) => outcome === undefined)) {
      const part = await sendPart({ client, key }, bulk)
      if (!ofPerson(request)) return 'signed_out'
      if (isStopped) return 'unreachable'
      if ('bulk' in part) {
        bulk = part.bulk
        for (const { address, edits } of part.stale) client.bringBack(address, edits, true)
        await Promise.all(part.stale.map(({ address }) => options.isKept(address)))
        await advance(bulk.type, nextVersions(bulk), request.at)
      } else if (part.kind !== 'refused') return part.kind
      else {
        const { status, detail } = part
        await keepAs({ ...request, bulk, refusal: { status, detail: shortened(detail) } })
        answer(request, Response.json({ detail }, { status }))
        return 'answered'
      }
      await keepAs({ ...request, bulk })
    }
    const isDone = !bulk.rows.some(isLeft)
    if (isDone) await forget(request)
    else await keepAs({ ...request, bulk, refusal: { status: 409, detail: '' } })
    answer({ ...request, bulk }, Response.json({ data: bulk.rows }))
    return 'answered'
  }

  /** On the version that a new record was created in. */
  function rowNow(row: QueuedRow): QueuedRow {
    const created = ids.find(row.id)
    return created ? { ...row, id: created.id, clientVersion: created.version } : row
  }

  /** It may be sent now. */
  const isWaiting = ({ refusal, bulk, url, body }: QueuedRequest) =>
    refusal === null &&
    (bulk
      ? !isWaitingFor([bulk.changes, bulk.rows.map(({ id }) => id)])
      : textNow(ids, url) !== null && textNow(ids, body ?? '') !== null)

  /** Records have the next version by a write that was asked for at this time: later bulk edits are of that. */
  async function advance(type: string, versions: ReadonlyMap<string, number>, at: number) {
    const whose = person()
    const kept = whose === null ? [] : await storage.all(whose).catch(() => [])
    const others = kept.filter(({ key }) => !own.has(key))
    for (const request of [...others, ...live()]) {
      const { bulk } = request
      if (bulk?.type !== type || request.at <= at || request.refusal) continue
      const rows = bulk.rows.map((row) => {
        const { id, clientVersion } = rowNow(row)
        const isNext = row.outcome === undefined && versions.get(id) === clientVersion
        return isNext ? { ...row, id, clientVersion: clientVersion + 1 } : row
      })
      if (rows.some((row, index) => row !== bulk.rows[index]))
        await keepAs({ ...request, bulk: { ...bulk, rows } })
    }
  }

  return {
    add,
    adopt,
    advance,
    refresh,
    send,
    live: () => live().filter(isWaiting),
    orphans: async () => (await orphans()).filter(isWaiting),
    /** What was not sent by now is sent later: its callers have waited long enough. */
    answerCallers() {
      for (const [key, answer] of callers) answer(waiting(key, !unkept.has(key)))
      callers.clear()
    },
    /** `false` where there is none under this key. */
    async discard(key: string): Promise<boolean> {
      const whose = person()
      const kept = whose === null ? [] : await storage.all(whose).catch(() => [])
      const found = own.get(key) ?? kept.find((one) => one.key === key)
      if (!found || !ofPerson(found)) return false
      discarded.add(found)
      await forget(found)
      return true
    },
    /** Once more, as it was: a refused one, or one that was discarded on this page. `false` where there is none. */
    async bringBack(key: string): Promise<boolean> {
      const whose = person()
      const kept = whose === null ? [] : await storage.all(whose).catch(() => [])
      const all = [...own.values(), ...kept, ...discarded.of(whose)]
      const found = all.find((one) => one.key === key && ofPerson(one))
      if (!found) return false
      const bulk = found.bulk && againOf(found.bulk)
      const again = { ...found, tab: tabId, refusal: null, ...(bulk && { bulk }) }
      discarded.remove(found)
      own.set(key, again)
      await write(again)
      await refresh()
      return true
    },
    async clear() {
      const whose = person()
      if (whose === null) return
      discarded.clear(whose)
      for (const { key } of live()) own.delete(key)
      for (const { key } of await storage.all(whose).catch(() => [])) await storage.remove(key).catch(fail)
      tabs.notify()
      await refresh()
    },
    /** Nobody is handed an answer that is meant for somebody who has left. */
    leave() {
      for (const answer of callers.values()) answer(new Response(null, { status: 401 }))
      callers.clear()
      show({ requests: [], discardedRequests: [] })
      void adopt()
    },
    stop() {
      isStopped = true
    },
  }
}
