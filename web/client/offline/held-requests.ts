// Requests that name new records of this device. Invariant: no id of before goes out, in an address or a body: it is replaced by
// the record's own, once what other pages have found is here too, or the request is held back as if the server could not be reached.

import type { HttpAnswer, HttpRequest } from '../http/fetch-json.ts'
import type { CreatedIds } from './created-ids.ts'
import { hasText, isLocalId, withLocalIds, withTexts } from './local-ids.ts'

type Ids = Pick<CreatedIds, 'find' | 'idOf' | 'load' | 'loaded'>

/** The text with the ids of now; `null` where one is not known yet. */
export function textNow(ids: Pick<CreatedIds, 'find'>, text: string): string | null {
  let isAll = true
  const now = withLocalIds(text, (local) => {
    const created = ids.find(local)
    if (!created) isAll = false
    return created?.id ?? local
  })
  return isAll ? now : null
}

const UNKNOWN = { find: () => undefined }
const isNamed = (text: string) => textNow(UNKNOWN, text) === null

/** `ids` are of the page as it is then; `null` once it is closed. */
export function createHeldRequests(ids: () => Ids | null) {
  /** What `now` makes of it, once all ids that are kept are here. */
  async function once<T>(now: (known: Ids) => T | null): Promise<T | null> {
    await ids()?.loaded()
    const known = ids()
    const found = known && now(known)
    if (!known || found !== null) return found
    await known.load()
    return ids() === known ? now(known) : null
  }

  async function translated(request: HttpRequest): Promise<HttpRequest | HttpAnswer> {
    const found = await once((known) => {
      const path = textNow(known, request.path)
      const isUnknown = (text: string) => isLocalId(text) && !known.find(text)
      if (path === null || hasText(request.body, isUnknown)) return null
      return { ...request, path, body: withTexts(request.body, known.idOf) }
    })
    return found ?? (request.method === 'GET' && request.path.includes('?') ? NOTHING_THERE : NOT_YET)
  }

  return {
    /** A request of the client's own, or its answer. */
    translate: (request: HttpRequest): HttpRequest | Promise<HttpRequest | HttpAnswer> =>
      isNamed(request.path) || hasText(request.body, isLocalId) ? translated(request) : request,
    /** The last door: what an app sends by `client.fetch` passes here too. Rejects, as without a network, what is held back. */
    async pass(send: typeof fetch, input: RequestInfo | URL, init: RequestInit): Promise<Response> {
      const isRequest = typeof input === 'object' && 'url' in input
      const url = isRequest ? input.url : String(input)
      const { body } = init
      const texts = [url, ...textsOf(body)]
      if (!texts.some(isNamed)) return send(input, init)
      const now = await once((known) => {
        const address = textNow(known, url)
        const sent = bodyWith(body, (text) => textNow(known, text))
        return address === null || sent === null ? null : { address, sent }
      })
      init.signal?.throwIfAborted()
      if (!now) throw new TypeError('It names a record that is not on the server yet.')
      const address = isRequest ? new Request(now.address, input) : now.address
      return send(address, now.sent === undefined ? init : { ...init, body: now.sent })
    },
  }
}

type Body = RequestInit['body']

const textsOf = (body: Body): string[] => {
  if (body instanceof FormData) return [...body.values()].filter((value) => typeof value === 'string')
  return typeof body === 'string' || body instanceof URLSearchParams ? [String(body)] : []
}

/** `null` where one of its texts can't be had. */
function bodyWith(body: Body, now: (text: string) => string | null): Body | null {
  if (typeof body === 'string' || body instanceof URLSearchParams) {
    const text = now(String(body))
    return text === null || typeof body === 'string' ? text : new URLSearchParams(text)
  }
  if (!(body instanceof FormData)) return body
  const form = new FormData()
  for (const [name, value] of body) {
    const text = typeof value === 'string' ? now(value) : value
    if (text === null) return null
    form.append(name, text)
  }
  return form
}

/** Nothing on the server belongs to a record that isn't there. */
const NOTHING_THERE: HttpAnswer = {
  isAnswered: true,
  status: 200,
  headers: new Headers(),
  body: { data: [], cursor: null, next: null },
}

/** Come back: the record that is named has to be created first. */
const NOT_YET: HttpAnswer = { isAnswered: true, status: 429, headers: new Headers(), body: null }
