// Requests of the protocol as the kit for servers sends them, each with what must hold of any answer.
import assert from 'node:assert/strict'
import type { Fields, Problem, StaleProblem, WireRecord } from 'noclobber/client'

/** What {@link serverKit} takes. */
export interface ServerKitOptions {
  /** Where the routes are: `http://127.0.0.1:3000/api/v1`. */
  url: string
  /** Headers that sign two people of one tenant in who may create, read, save and delete: `{ authorization: 'Bearer …' }`. */
  people: [Record<string, string>, Record<string, string>]
  /** The record type that is tried, in the singular. */
  type: string
  /** Fields of a new record, valid and another text each time: `(text) => ({ name: text })`. */
  fields: (text: string) => Fields
  /** The field of these that is changed, a text. */
  field: string
  /** Sends the requests. Default: the global one. */
  fetch?: typeof fetch
  /** Saves that the two people make beside each other. Default 30. */
  saves?: number
}

/** An answer as it came. */
export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a check reads what it expects
  body: any
}

/** One entry of the change feed. */
export interface FeedEntry {
  event: string
  type: string
  id: string
  version: number
  changed_fields: string[]
}

/** What a check calls. `who`: 0 or 1. */
export interface ServerCalls {
  options: ServerKitOptions
  /** Another text each time. */
  text(): string
  call(
    who: 0 | 1,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>
  create(who?: 0 | 1): Promise<WireRecord>
  read(id: string, who?: 0 | 1): Promise<Answer>
  /** A save of the field, from this version. */
  save(
    who: 0 | 1,
    id: string,
    version: number,
    text: string,
    more?: object,
    headers?: Record<string, string>,
  ): Promise<Answer>
  pathOf(id: string): string
  /** Where the change feed is now. */
  cursor(): Promise<string>
  /** Everything of the type after a cursor, with the last cursor. */
  changesSince(cursor: string): Promise<{ entries: FeedEntry[]; cursor: string }>
}

/** The answer's record, whose version is in its `ETag` too. */
export const recordIn = ({ status, headers, body }: Answer, wanted = 200): WireRecord => {
  assert.equal(status, wanted, `answered ${status} ${JSON.stringify(body)}`)
  const { data } = body
  assert.ok(
    Number.isInteger(data?.version) && data.version > 0,
    `a record without a version: ${JSON.stringify(body)}`,
  )
  assert.equal(typeof data.id, 'string', 'ids are strings')
  assert.equal(headers.get('etag'), `"${data.version}"`, 'the ETag is the version')
  return data
}

/** The answer's problem document, of this status and code. */
export const problemIn = ({ status, headers, body }: Answer, wanted: number, code: string): Problem => {
  assert.equal(status, wanted, `answered ${status} ${JSON.stringify(body)}, and not ${wanted} ${code}`)
  assert.equal(body?.code, code)
  assert.match(headers.get('content-type') ?? '', /application\/problem\+json/)
  return body
}

/** The answer to a stale save, with all that an editor needs. */
export const staleIn = (answer: Answer, wanted = 409): StaleProblem => {
  problemIn(answer, wanted, 'stale_record')
  const { body } = answer
  assert.equal(
    body.current?.version,
    body.current_version,
    'a stale answer shows the record at its current version',
  )
  return body
}

/** Makes the calls of one check. */
export function createServerCalls(options: ServerKitOptions, prefix: string): ServerCalls {
  const { url, people, type, fields, field } = options
  const send = options.fetch ?? fetch
  let count = 0
  const calls: ServerCalls = {
    options,
    text: () => `${prefix} ${++count}`,
    pathOf: (id) => `/records/${type}/${encodeURIComponent(id)}`,
    call: async (who, method, path, body, headers) => {
      const response = await send(url + path, {
        method,
        headers: {
          ...people[who],
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
      return {
        status: response.status,
        headers: response.headers,
        body: isJson && text ? JSON.parse(text) : null,
      }
    },
    create: async (who = 0) =>
      recordIn(await calls.call(who, 'POST', `/records/${type}`, { fields: fields(calls.text()) }), 201),
    read: (id, who = 0) => calls.call(who, 'GET', calls.pathOf(id)),
    save: (who, id, version, text, more = {}, headers = {}) =>
      calls.call(
        who,
        'PATCH',
        calls.pathOf(id),
        { client_version: version, changes: { [field]: text }, ...more },
        headers,
      ),
    cursor: async () => {
      const { status, body } = await calls.call(0, 'GET', `/changes?type=${type}`)
      assert.equal(status, 200, `the change feed answered ${status} ${JSON.stringify(body)}`)
      return body.cursor
    },
    changesSince: async (since) => {
      const entries: FeedEntry[] = []
      for (let cursor = since; ; ) {
        const { status, body } = await calls.call(
          0,
          'GET',
          `/changes?type=${type}&limit=1000&cursor=${encodeURIComponent(cursor)}`,
        )
        assert.equal(status, 200, `the change feed answered ${status} ${JSON.stringify(body)}`)
        assert.notEqual(body.reset, true, 'the change feed was reset')
        entries.push(...body.data)
        cursor = body.cursor
        if (!body.more) return { entries, cursor }
      }
    },
  }
  return calls
}
