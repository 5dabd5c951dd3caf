// One record server behind every host: Express 5, Express 4 with an extended query and what apps put before it, and Node's own
// `http`. Whatever anybody asks for is answered alike, and no rejection is left unhandled, since that would end the process.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import compression from 'compression'
import express from 'express'
import { rateLimit } from 'express-rate-limit'
import session from 'express-session'
import express4, { type RequestHandler as Handler4 } from 'express4'
import fc from 'fast-check'
import helmet from 'helmet'
import { mcpHandler } from 'noclobber/mcp'
import passport from 'passport'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { times } from '../../support/figures.ts'

const PAGE = 'https://app.example.com'
const app = await startApp({ origins: [PAGE], limits: { requestsPerPerson: 1e9, requestsPerAddress: 1e9 } })
const unhandled: unknown[] = []
const note = (reason: unknown) => unhandled.push(reason)
beforeAll(() => void process.on('unhandledRejection', note))
afterAll(() => void process.off('unhandledRejection', note))

const serve = async (listener: RequestListener) => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  atEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const onExpress4 = express4()
onExpress4.set('query parser', 'extended')
/** As hand-made timers of answers do, which works where nothing is sent before `end`: not with streams. */
const headerAtEnd: Handler4 = (request, response, next) => {
  const end = response.end.bind(response) as (...given: unknown[]) => typeof response
  if (!/\/events|import/.test(request.url))
    response.end = (...given: unknown[]) => end(...(response.setHeader('x-took', '1') && given))
  next()
}
for (const before of [
  ...[helmet(), compression({ threshold: 0 }), rateLimit({ limit: 1e9 })],
  ...[session({ secret: 's', resave: true, saveUninitialized: true, rolling: true }), passport.session()],
  headerAtEnd,
])
  onExpress4.use(before as Handler4)
onExpress4.use(express4.json(), express4.urlencoded({ extended: true }), express4.text())
onExpress4.use('/api/v1', app.records.router)

const HOSTS: Record<string, string> = {
  'Express 5': app.origin,
  'Express 4': await serve(onExpress4),
  'node:http': await serve(app.records.handler),
}

/** Rejections are reported after a turn of the loop. */
const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

interface Sent {
  method?: string
  body?: string | null
  headers?: Record<string, string>
}

/** The same request to each host, one after the other: a person's own limits count them together. */
const askAll = async (path: string, { method = 'GET', body = null, headers = {} }: Sent = {}) => {
  const answers: { status: number; text: string }[] = []
  for (const origin of Object.values(HOSTS)) {
    const response = await fetch(`${origin}/api/v1${path}`, {
      method,
      body,
      headers: { authorization: 'Bearer alice', ...headers },
      signal: AbortSignal.timeout(10_000),
    })
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
    if (isStream) await response.body?.cancel()
    answers.push({ status: response.status, text: isStream ? '' : await response.text() })
  }
  return answers
}

const PATHS = [
  ...['/records/project', '/records/project/1', '/records/project/1/version', '/records/project/1/history'],
  ...['/records/%70roject/1', '/records/nothing', '/records/versions', '/records/project/import', '/records'],
  ...['/changes', '/events', '/openapi.json', '/records/%E0%A4%A', '/records/project/%00'],
  ...['/deleted/project', '/deleted/nothing', '/deleted', '/asyncapi.json'],
]

/** What came after the first ones: ways back, suggestions, who is there, the undoing of an import. */
const NEWER = [
  ...['/records/project/1', '/records/project/9', '/records/nothing/1', '/records/project/%00'].flatMap(
    (record) =>
      ['restore', 'proposals', 'proposals/1/accept', 'proposals/x/reject', 'presence', 'take-over'].map(
        (part) => `${record}/${part}`,
      ),
  ),
  ...['/records/project/import/1/undo', '/records/project/import/%00/undo', '/records/nothing/import/1/undo'],
]
const NAMES = [
  'sort',
  'limit',
  'after',
  'cursor',
  'search',
  'wait',
  'count',
  'type',
  'record',
  'list',
  'key',
  'dry_run',
  'status',
  'version',
  'as_of',
  'state',
  'window[after]',
  'window[before]',
  'window[from]',
  'window[to]',
  'filter[not][status]',
  'sum[budget]',
]

/** Bodies that are nearly right: a part of them is what a route takes. */
const nearlyRight = fc
  .dictionary(
    fc.constantFrom(
      ...[
        'client_version',
        'to_version',
        'fields',
        'changes',
        'note',
        'mutation_id',
        'edited',
        'limit',
        'after',
      ],
      ...['state', 'field', 'to', 'say', '__proto__'],
    ),
    fc.oneof(
      fc.constantFrom<unknown>(1, 0, -1, 1.5, 2 ** 53, '1', null, true, [], {}, ['name'], [1], {
        name: 'Tower',
      }),
      fc.constantFrom<unknown>(
        'editing',
        'viewing',
        'alice',
        'bob',
        'ask',
        'name',
        'x'.repeat(3_000),
        '\u0000',
      ),
      fc.jsonValue({ maxDepth: 2 }),
    ),
    { maxKeys: 5 },
  )
  .map((body) => JSON.stringify(body))
const METHODS = ['GET', 'POST', 'PATCH', 'DELETE', 'HEAD', 'PUT', 'OPTIONS']

const parameter = fc.tuple(
  fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 5 })),
  fc.constantFrom('', '[]', '[a]', '[__proto__]', '[0][b]'),
  fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('-1', '1e9', '0', '%', 'project:1', 'null', '9'.repeat(40)),
  ),
)

const asked = fc.record({
  method: fc.constantFrom(...METHODS),
  path: fc.constantFrom(...PATHS, ...NEWER),
  query: fc.array(parameter, { maxLength: 4 }),
  body: fc.option(
    fc.oneof(nearlyRight, fc.json({ maxDepth: 2 }), fc.constantFrom('{', '', '{"__proto__":1}', 'name\nx\n')),
  ),
  type: fc.constantFrom('application/json', 'text/csv', 'application/x-ndjson', 'text/plain'),
  tab: fc.option(fc.constantFrom('tab-1', 'x'.repeat(300), '%00')),
})

const isBroken = (body: string | null, type: string) => {
  if (body === null || body === '' || type !== 'application/json') return false
  try {
    return typeof JSON.parse(body) !== 'object' || JSON.parse(body) === null
  } catch {
    return true
  }
}

test('any request of a signed-in person is answered, and alike on every host', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(asked, async ({ method, path, query, body, type, tab }) => {
      const text = query
        .map(([name, part, value]) => `${encodeURIComponent(name)}${part}=${encodeURIComponent(value)}`)
        .join('&')
      const hasBody = body !== null && !['GET', 'HEAD'].includes(method)
      const answers = await askAll(`${path}?${text}`, {
        method,
        body: hasBody ? body : null,
        headers: { 'content-type': type, ...(tab !== null && { 'x-tab-id': tab }) },
      })
      await settled()
      expect(unhandled).toEqual([])
      const what = `${method} ${path}?${text} ${hasBody ? body : ''} as ${type}`
      const statuses = answers.map(({ status }) => status)
      expect(statuses, what).not.toContain(500)
      // What the first host wrote the others find written.
      const isWritten = !['GET', 'HEAD', 'OPTIONS'].includes(method) && (statuses[0] ?? 0) < 300
      if (isWritten) return
      // What the app's own parser refuses never comes here.
      if (isBroken(hasBody ? body : null, type)) return
      expect(new Set(statuses).size, `${what}: ${statuses}`).toBe(1)
      const [status = 0] = statuses
      if (status >= 400) expect(new Set(answers.map((answer) => answer.text)).size, what).toBe(1)
    }),
    { numRuns: times(250, 5_000) },
  )
})

test('an import whose id no text of the database can be is not there', async () => {
  const answers = await askAll('/records/project/import/%00/undo', { method: 'POST' })
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
})

test('an agent’s request is answered alike on every host, and one that breaks off ends no process', async () => {
  const handler = mcpHandler({ url: `${app.origin}/api/v1`, callsPerMinute: 1e9, bodyBytes: 2_000 })
  const onExpress5 = express().all('/mcp', handler)
  const parsing = express4().use(express4.json()).all('/mcp', handler)
  const hosts = [await serve(onExpress5), await serve(express4().all('/mcp', handler)), await serve(handler)]
  const head = { authorization: 'Bearer alice', accept: 'application/json, text/event-stream' }
  const call = (method: string, params: unknown) => ({ jsonrpc: '2.0', id: 1, method, params })
  const bodies = fc.oneof(
    fc.json({ maxDepth: 2 }),
    fc.constantFrom('', '{', 'x'.repeat(3_000), '[]', '[null]', '{"__proto__":1}'),
    fc
      .tuple(
        fc.constantFrom('tools/list', 'tools/call', 'initialize', 'no/such', ''),
        fc.oneof(
          fc.jsonValue({ maxDepth: 2 }),
          fc.record({
            name: fc.constantFrom('project_list', 'project_read', 'x'),
            arguments: fc.jsonValue({ maxDepth: 2 }),
          }),
        ),
      )
      .map(([method, params]) => JSON.stringify(call(method, params))),
  )
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      const answers: { status: number; text: string }[] = []
      for (const host of hosts) {
        const response = await fetch(`${host}/mcp`, {
          method: 'POST',
          body,
          headers: { ...head, 'content-type': 'application/json' },
        })
        answers.push({ status: response.status, text: await response.text() })
      }
      await settled()
      expect(unhandled).toEqual([])
      expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, body).toBe(1)
      expect(answers[0]?.status, body).not.toBe(500)
    }),
    { numRuns: times(60, 2_000) },
  )
  for (const host of [...hosts, await serve(parsing)]) {
    const { hostname, port } = new URL(host)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    socket.write(
      'POST /mcp HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer alice\r\nContent-Length: 100\r\n\r\n{"json',
    )
    socket.end()
    socket.resume()
    await once(socket, 'close')
    await settled()
    expect(unhandled).toEqual([])
    expect((await fetch(`${host}/mcp`, { headers: head })).status).toBe(405)
  }
})

describe.for(Object.entries(HOSTS))('%s', ([, origin]) => {
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${origin}/api/v1${path}`, {
      method,
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      headers: { authorization: 'Bearer alice', 'content-type': 'application/json', ...headers },
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
  }

  test('good requests are answered', async () => {
    const made = await ask('POST', '/records/project', { fields: { name: 'Bridge', budget: 12.5 } })
    const { id } = made.body.data
    expect(made.headers.get('location')).toBe(`/api/v1/records/project/${id}`)
    const saved = await ask('PATCH', `/records/project/${id}`, {
      client_version: 1,
      changes: { name: 'Tower' },
    })
    const stale = await ask('PATCH', `/records/%70roject/${id}`, {
      client_version: 1,
      changes: { name: 'Tree' },
    })
    const list = await ask('GET', '/records/project?status=planned&sort=-updated_at&limit=5')
    const rows = await ask('POST', '/records/project/import', 'name\nOne\nTwo\n', {
      'content-type': 'text/csv',
    })
    const removed = await ask('DELETE', `/records/project/${id}`, undefined, { 'if-match': '"2"' })
    expect([saved, stale, list, rows, removed].map(({ status }) => status)).toEqual([200, 409, 200, 200, 204])
    expect(rows.body.data).toMatchObject({ created: 2 })
    expect(list.body.data.map(({ fields }: { fields: { name: string } }) => fields.name)).toContain('Tower')
    expect((await ask('GET', '/openapi.json')).body).toMatchObject({
      openapi: '3.1.0',
      servers: [{ url: '/api/v1' }],
    })
    expect((await ask('GET', '/changes?cursor=start')).body.data.length).toBeGreaterThan(2)
  })

  test('a page of a listed origin may ask, read and write; of another it may not', async () => {
    const preflight = (page: string) =>
      fetch(`${origin}/api/v1/records/project/1`, {
        method: 'OPTIONS',
        headers: {
          origin: page,
          'access-control-request-method': 'PATCH',
          'access-control-request-headers': 'authorization,content-type,x-tab-id,x-own',
        },
      })
    const allowed = await preflight(PAGE)
    expect(allowed.status).toBe(204)
    expect(Object.fromEntries(allowed.headers)).toMatchObject({
      'access-control-allow-origin': PAGE,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': expect.stringContaining('PATCH'),
      'access-control-allow-headers': 'authorization,content-type,x-tab-id,x-own',
      vary: 'Origin',
    })
    const foreign = await preflight('https://evil.example.com')
    expect(foreign.status).toBe(403)
    expect(foreign.headers.get('access-control-allow-origin')).toBe(null)
    const read = await ask('GET', '/records/project', undefined, { origin: PAGE })
    expect(read.headers.get('access-control-allow-origin')).toBe(PAGE)
    expect(read.headers.get('access-control-expose-headers')).toContain('ETag')
    const written = await ask('POST', '/records/project', { fields: { name: 'From afar' } }, { origin: PAGE })
    expect([written.status, written.headers.get('access-control-allow-origin')]).toEqual([201, PAGE])
    const unknown = await ask('GET', '/records/project/0', undefined, { origin: PAGE })
    expect([unknown.status, unknown.headers.get('access-control-allow-origin')]).toEqual([404, PAGE])
  })
})

test('an origin that no browser sends is refused at the start, with what to write', async () => {
  const { createRecordServer } = await import('noclobber/server')
  const make = (origin: string) => () =>
    createRecordServer({ log: null, knex: app.knex, types: [], authenticate: () => null, origins: [origin] })
  expect(make('https://app.example.com/')).toThrow('Write "https://app.example.com"')
  expect(make('*')).toThrow('List each with its scheme and host')
  expect(make('app.example.com')).toThrow('no origin')
})

test.each([
  ['took and kept it', (request) => once(request.resume(), 'end'), 'before your body parsers'],
  ['set its encoding', async (request) => request.setEncoding('utf8'), 'request.setEncoding()'],
  ['paused it', async (request) => request.pause(), null],
] satisfies [string, (request: IncomingMessage) => Promise<unknown>, string | null][])(
  'a body where a reader before us %s is read, or refused with a sentence',
  async (_, reader, sentence) => {
    const taking = express4()
    taking.use((request, _response, next) => void reader(request).then(() => next()))
    const origin = await serve(taking.use('/api/v1', app.records.router))
    const send = async (path: string, type: string, body: string) => {
      const response = await fetch(`${origin}/api/v1${path}`, {
        method: 'POST',
        body,
        headers: { authorization: 'Bearer alice', 'content-type': type },
        signal: AbortSignal.timeout(10_000),
      })
      return { status: response.status, detail: ((await response.json()) as { detail?: string }).detail }
    }
    const expected = (status: number) =>
      sentence === null
        ? { status, detail: undefined }
        : { status: 400, detail: expect.stringContaining(sentence) }
    expect(await send('/records/project', 'application/json', '{"fields":{"name":"A"}}')).toEqual(
      expected(201),
    )
    expect(await send('/records/project/import', 'text/csv', 'name\nA\n')).toEqual(expected(200))
  },
)

test.each(PATHS)('an app whose sign-in fails answers 503 or 500 at %s', async (path) => {
  app.people.set('alice', new Error('The sessions are gone.'))
  const { status } = await app.call('GET', path)
  await settled()
  app.people.set('alice', { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' })
  expect(unhandled).toEqual([])
  expect([400, 404, 500, 503]).toContain(status)
})

test('an answer that cannot be written goes to the app’s own error handler', async () => {
  const own = express4()
  own.use((_request, response, next) => {
    response.writeHead = () => {
      throw new Error('no')
    }
    next()
  })
  own.use(app.records.router)
  // biome-ignore lint/suspicious/noExplicitAny: as Express hands it over
  own.use((_error: unknown, _request: any, response: any, _next: unknown) => {
    delete response.writeHead
    response.statusCode = 599
    response.end()
  })
  const origin = await serve(own)
  for (const path of ['/records/project/1', '/records/project', '/changes', '/openapi.json']) {
    const response = await fetch(`${origin}${path}`, { headers: { authorization: 'Bearer alice' } })
    expect(response.status).toBe(599)
  }
  await settled()
  expect(unhandled).toEqual([])
})
