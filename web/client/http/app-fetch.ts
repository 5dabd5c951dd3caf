// `fetch` for the app's own routes, sent as the client sends its own requests: for the same person, from the same tab and
// socket, each write under one key. Invariant: nothing of these goes to another origin than the records' server; an answer
// meant for an earlier person is not handed out.

import type { WireRecord } from '../../../server/protocol/index.ts'
import { HEADERS } from '../../../server/protocol/index.ts'
import { answerOf, isRecord } from '../base/received.ts'
import { type HttpParts, personOf } from './fetch-json.ts'
import { type AppFetch, type RequestToQueue, requestToQueue } from './queued-request.ts'

export interface AppFetchOptions {
  parts: HttpParts
  tabId: string
  socketId: () => string | null
  newId: () => string
  /** A write succeeded: these records were in its answer, and whatever else it wrote is to be asked for. */
  onWritten(records: WireRecord[]): void
  /** Keeps a request and sends it, now or later; `null` where nobody is named. Without it nothing can wait. */
  offline: { enqueue?(request: RequestToQueue): Promise<Response | null> } | undefined
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

export function createAppFetch(options: AppFetchOptions): AppFetch {
  const { parts, tabId, socketId, newId, onWritten, offline } = options
  const { person } = parts
  return async (input, given) => {
    const isQueued = given?.queue !== undefined
    if (isQueued && !offline?.enqueue)
      throw new TypeError('client.fetch can queue nothing without `offline`.')
    const { queue: _label, ...init } = given ?? {}
    if (originOf(input) !== originOf(parts.url)) {
      if (isQueued) throw new TypeError('client.fetch queues nothing for another origin.')
      return globalThis.fetch(input, init)
    }
    person.check()
    if (person.isNobody()) return signedOut()
    const queued = isQueued && (await offline?.enqueue?.(requestToQueue(input, given, newId)))
    if (queued) return queued
    const isRequest = typeof input === 'object' && 'method' in input
    const method = (init.method ?? (isRequest ? input.method : 'GET')).toUpperCase()
    const isWrite = !SAFE.has(method)
    const headers = new Headers(init.headers ?? (isRequest ? input.headers : undefined))
    const own = {
      ...parts.writer(),
      ...(isWrite && {
        [HEADERS.tabId]: tabId,
        [HEADERS.socketId]: socketId(),
        [HEADERS.idempotencyKey]: newId(),
      }),
    }
    for (const [name, value] of Object.entries(own)) if (value && !headers.has(name)) headers.set(name, value)
    const epoch = person.epoch()
    const number = person.asks()
    const answer = await parts.fetch(input, { ...init, headers })
    const says = personOf(answer.headers)
    const isOurs = person.check() && epoch === person.epoch()
    if (!isOurs || (says !== null && person.answered(epoch, answer.status, says, number) !== 'ours'))
      return signedOut()
    if (isWrite && answer.ok) {
      const records = await recordsIn(answer)
      if (epoch === person.epoch()) onWritten(records)
    }
    return answer
  }
}

const signedOut = () => new Response(null, { status: 401 })

/** `null` of a path outside a page: it belongs to whatever the client's own path belongs to. */
function originOf(input: RequestInfo | URL): string | null {
  const address = typeof input === 'object' && 'url' in input ? input.url : String(input)
  try {
    return new URL(address, globalThis.location?.href).origin
  } catch {
    return null
  }
}

/** The records of an answer of JSON: its `data`, one or many, or the answer itself. */
async function recordsIn(answer: Response): Promise<WireRecord[]> {
  if (!/[/+]json\b/i.test(answer.headers.get('content-type') ?? '')) return []
  const body: unknown = await answer
    .clone()
    .json()
    .then(answerOf)
    .catch(() => null)
  const data = (body as { data?: unknown } | null)?.data ?? body
  return [data].flat().filter(isRecord)
}
