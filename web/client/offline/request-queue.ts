// The app's own requests that wait for the server: kept on the device with their person and key until they have an answer.
// Invariant: one person's request is neither sent nor shown for another; its key is the same for each try, whichever page makes it.

import type { createListeners } from '../base/store.ts'
import type { RequestToQueue } from '../http/queued-request.ts'
import type { DraftClient } from '../record/draft-persistence.ts'
import { askedAt } from './asked-order.ts'
import type { Tabs } from './browser-tabs.ts'
import type { EditStorage, QueuedRequest, UnsentState } from './draft-storage.ts'

/** A try that has no answer by then is made again. */
const TRY_MS = 60_000
/** Of one person on one device. */
const MOST_REQUESTS = 500
const MOST_DISCARDED = 200
const SHOWN_CHARS = 300
/** The server, or what stands before it, asks to come back. */
const COME_BACK = new Set([408, 425, 429, 502, 503, 504])

/** An answer that came after `client.fetch` had answered 202, perhaps on another page. */
export interface LateAnswer {
  request: QueuedRequest
  response: Response
}

export interface RequestQueueOptions {
  client: DraftClient
  storage: EditStorage<QueuedRequest>
  tabs: Tabs
  show: (patch: Partial<UnsentState>) => void
  answered: ReturnType<typeof createListeners<[LateAnswer]>>
}

export type RequestQueue = ReturnType<typeof keepRequests>

export function keepRequests({ client, storage, tabs, show, answered }: RequestQueueOptions) {
  const { clock, tabId } = client
  /** This page's own. */
  const own = new Map<string, QueuedRequest>()
  const unkept = new Set<string>()
  /** Who waits for the first try. */
  const callers = new Map<string, (answer: Response) => void>()
  let discarded: QueuedRequest[] = []
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
      discardedRequests: discarded.filter(ofPerson),
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
  async function add(request: RequestToQueue, sendNow: () => void): Promise<Response | null> {
    const whose = person()
    if (whose === null) return null
    if (live().length >= MOST_REQUESTS)
      throw new DOMException(`${MOST_REQUESTS} requests wait already.`, 'QuotaExceededError')
    const queued: QueuedRequest = { ...request, person: whose, tab: tabId, at: askedAt(clock), refusal: null }
    await write(queued)
    own.set(queued.key, queued)
    void refresh()
    return new Promise((resolve) => {
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
  async function send(request: QueuedRequest): Promise<'answered' | 'unreachable' | 'signed_out'> {
    if (!ofPerson(request)) return 'signed_out'
    const response = await tried(request)
    if (!response || COME_BACK.has(response.status)) return 'unreachable'
    if (response.status === 401) return 'signed_out'
    const isOwn = own.has(request.key)
    if (response.ok) await forget(request)
    else {
      const refused = { ...request, refusal: await refusalOf(response.clone()) }
      if (isOwn) own.set(request.key, refused)
      await storage.claim(request.key, refused).catch(fail)
      tabs.notify()
      await refresh()
    }
    const caller = callers.get(request.key)
    callers.delete(request.key)
    if (caller) caller(response)
    else answered.notify({ request, response })
    return 'answered'
  }

  const isWaiting = ({ refusal }: QueuedRequest) => refusal === null

  return {
    add,
    adopt,
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
      discarded = [found, ...discarded.filter((one) => one.key !== key)].slice(0, MOST_DISCARDED)
      await forget(found)
      return true
    },
    /** Once more, as it was: a refused one, or one that was discarded on this page. `false` where there is none. */
    async bringBack(key: string): Promise<boolean> {
      const whose = person()
      const kept = whose === null ? [] : await storage.all(whose).catch(() => [])
      const all = [...own.values(), ...kept, ...discarded]
      const found = all.find((one) => one.key === key && ofPerson(one))
      if (!found) return false
      const again = { ...found, tab: tabId, refusal: null }
      discarded = discarded.filter((one) => one !== found)
      own.set(key, again)
      await write(again)
      await refresh()
      return true
    },
    async clear() {
      const whose = person()
      if (whose === null) return
      discarded = discarded.filter((one) => !ofPerson(one))
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

/** The answer in the place of one: 202, and whether it outlives the page. */
const waiting = (key: string, isKept: boolean) =>
  new Response(JSON.stringify({ queued: { key, isKept } }), {
    status: 202,
    headers: { 'Content-Type': 'application/json' },
  })

async function refusalOf(response: Response): Promise<{ status: number; detail: string }> {
  const { status } = response
  const body: unknown = await response.json().catch(() => null)
  const detail = (body as { detail?: unknown } | null)?.detail
  const said = typeof detail === 'string' && detail !== '' ? detail : `The server answered ${status}.`
  return { status, detail: said.slice(0, SHOWN_CHARS) }
}
