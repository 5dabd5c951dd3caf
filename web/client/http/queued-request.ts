// A request of the app's own that may wait for the server, as data. Invariant: it is text alone, of the records' server, and holds no
// secret that the page sends by itself.

import { HEADERS } from '../../../server/protocol/index.ts'

/** What `client.fetch` takes. */
export interface AppRequestInit extends RequestInit {
  /**
   * What people call this write ("Close Harbour bridge"): it waits for the server where that can't be reached, on this device and in
   * order with the saves, and is answered 202 then. It needs `offline`. Other options than `method`, `headers` and a text as `body` are
   * not kept.
   */
  queue?: string
}

/** `fetch`, with one option more. */
export type AppFetch = (input: RequestInfo | URL, init?: AppRequestInit) => Promise<Response>

/** A request that is to wait. */
export interface RequestToQueue {
  /** Its `Idempotency-Key`, the same for each try. */
  key: string
  /** What people call it. */
  label: string
  /** Its address. */
  url: string
  /** Of HTTP, in capitals. */
  method: string
  /** As the app gave them; `Authorization` is added anew by each try. */
  headers: Record<string, string>
  /** Its text; `null`: none. */
  body: string | null
}

const OWN_HEADERS = ['authorization', 'cookie', HEADERS.idempotencyKey.toLowerCase()]
const NO_WRITE = new Set(['GET', 'HEAD', 'OPTIONS'])

/** @throws TypeError for what can't wait: reads, bodies that are no text, `Request` objects. */
export function requestToQueue(
  input: RequestInfo | URL,
  { queue: label = '', method = 'GET', headers: given, body = null }: AppRequestInit,
  newId: () => string,
): RequestToQueue {
  const refuse = (what: string) => new TypeError(`client.fetch can't queue ${what}.`)
  if (typeof input === 'object' && 'url' in input) throw refuse('a Request: give its address and options')
  if (NO_WRITE.has(method.toUpperCase())) throw refuse('what only reads')
  const isForm = body instanceof URLSearchParams
  if (body !== null && typeof body !== 'string' && !isForm) throw refuse('a body that is no text')
  const headers = new Headers(given)
  if (isForm && !headers.has('content-type'))
    headers.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8')
  const key = headers.get(HEADERS.idempotencyKey) ?? newId()
  for (const name of OWN_HEADERS) headers.delete(name)
  const url = String(input)
  return { key, label, url, method, headers: Object.fromEntries(headers), body: body && String(body) }
}
