// The routes that are found by one look at the path answer as the router does: each request is sent twice, once written
// plainly and once with an escape or a slash more in its path, which leaves it to the router. And so on a server made for the app.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import express from 'express'
import { createAppServer } from 'noclobber/server'
import { describe, expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'
import { connectWatcher } from '../../support/app-socket.ts'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait-for.ts'
import { withoutAge } from '../../support/without-age.ts'

const app = await startApp({ limits: { bodyBytes: 2_000 } })

/** What is sent, and how it differs from a sensible save. */
interface Sent {
  method?: string
  part?: string
  as?: string
  headers?: Record<string, string>
  bytes?: Buffer | string
}

const JSON_TYPE = { 'content-type': 'application/json' }

/** Status, headers that we set, and body; both records of a pair are called the same. */
const send = async (
  prefix: string,
  id: string,
  { method = 'PATCH', part = '', as = 'alice', headers, bytes }: Sent,
) => {
  const response = await fetch(`${app.origin}/api/v1${prefix}/${id}${part}`, {
    method,
    headers: { authorization: `Bearer ${as}`, ...headers },
    ...(bytes === undefined ? {} : { body: new Uint8Array(Buffer.from(bytes)) }),
  })
  const text = await response.text()
  if (text) expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(text)))
  return {
    status: response.status,
    headers: Object.fromEntries(
      ['content-type', 'cache-control', 'etag', 'retry-after', 'location'].map((name) => [
        name,
        response.headers.get(name),
      ]),
    ),
    text: withoutAge(text)
      .replaceAll(`"id":"${id}"`, '"id":"ID"')
      .replace(/"updated_at":"[^"]*"/g, '"updated_at":"THEN"'),
  }
}

/** Answers of a plain path and of an escaped one, each about a record of its own that is like the other's. */
const both = async (sent: Sent) => {
  const fields = { name: 'Bridge', budget: 12.5, starts_on: '2026-11-21' }
  const [plain, escaped] = [await app.make('project', fields), await app.make('project', fields)]
  if (sent.part?.startsWith('?deleted'))
    for (const { id } of [plain, escaped])
      await app.call('DELETE', `/records/project/${id}`, { body: { client_version: 1 } })
  return [await send('/records/project', plain.id, sent), await send('/records/%70roject', escaped.id, sent)]
}

const SAVE = JSON.stringify({ client_version: 1, changes: { name: 'Brücke' } })

const REQUESTS: [string, number, Sent][] = [
  ['a save', 200, { headers: JSON_TYPE, bytes: SAVE }],
  [
    'a save with a charset',
    200,
    { headers: { 'content-type': 'application/json; charset=utf-8' }, bytes: SAVE },
  ],
  ['a save with a byte order mark', 200, { headers: JSON_TYPE, bytes: `\ufeff${SAVE}` }],
  [
    'a compressed save',
    200,
    { headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, bytes: gzipSync(SAVE) },
  ],
  [
    'a save by If-Match',
    412,
    { headers: { ...JSON_TYPE, 'if-match': '"2"' }, bytes: '{"changes":{"name":"x"}}' },
  ],
  ['a stale save', 409, { headers: JSON_TYPE, bytes: SAVE.replace('1', '9') }],
  ['no version', 428, { headers: JSON_TYPE, bytes: '{"changes":{}}' }],
  [
    'invalid values',
    422,
    { headers: JSON_TYPE, bytes: '{"client_version":1,"changes":{"name":"","secret":1}}' },
  ],
  ['no JSON', 400, { headers: JSON_TYPE, bytes: '{"client_version":' }],
  ['a text as JSON', 400, { headers: JSON_TYPE, bytes: '"x"' }],
  ['null', 400, { headers: JSON_TYPE, bytes: 'null' }],
  ['a list', 400, { headers: JSON_TYPE, bytes: '[1]' }],
  ['blanks', 400, { headers: JSON_TYPE, bytes: '   ' }],
  [
    'bytes that are no UTF-8',
    400,
    { headers: JSON_TYPE, bytes: Buffer.from(SAVE.replace('name', 'nam\u00e9'), 'latin1') },
  ],
  ['no body', 428, { headers: JSON_TYPE }],
  ['an empty body', 428, { headers: JSON_TYPE, bytes: '' }],
  ['another type', 400, { headers: { 'content-type': 'text/plain' }, bytes: SAVE }],
  ['another charset', 400, { headers: { 'content-type': 'application/json; charset=latin1' }, bytes: SAVE }],
  ['an unknown encoding', 400, { headers: { ...JSON_TYPE, 'content-encoding': 'tea' }, bytes: SAVE }],
  ['too large a body', 413, { headers: JSON_TYPE, bytes: `{"x":"${'x'.repeat(2_000)}"}` }],
  [
    '__proto__',
    422,
    { headers: JSON_TYPE, bytes: '{"client_version":1,"changes":{"__proto__":{"name":"x"}}}' },
  ],
  ['a foreign origin', 403, { headers: { ...JSON_TYPE, origin: 'https://evil.example' }, bytes: SAVE }],
  ['another person’s page', 401, { headers: { ...JSON_TYPE, 'x-person-id': 'bob' }, bytes: SAVE }],
  ['nobody', 401, { as: 'outsider', headers: JSON_TYPE, bytes: SAVE }],
  ['a reader’s save', 403, { as: 'vera', headers: JSON_TYPE, bytes: SAVE }],
  ['another tenant’s save', 404, { as: 'gina', headers: JSON_TYPE, bytes: SAVE }],
  ['a reading', 200, { method: 'GET' }],
  ['a reading with a query', 200, { method: 'GET', part: '?at=1' }],
  ['a fresh reading', 304, { method: 'GET', headers: { 'if-none-match': '"1"' } }],
  ['a foreign reading', 404, { method: 'GET', as: 'gina' }],
  ['a deleted record', 410, { method: 'GET', part: '?deleted' }],
  ['a head', 200, { method: 'HEAD' }],
  ['a version', 200, { method: 'GET', part: '/version' }],
  ['a fresh version', 304, { method: 'GET', part: '/version', headers: { 'if-none-match': '"1"' } }],
  ['a history', 200, { method: 'GET', part: '/history' }],
  ['a deletion', 204, { method: 'DELETE', headers: { 'if-match': '"1"' } }],
  ['a deletion without a version', 428, { method: 'DELETE' }],
  ['an unknown part', 404, { method: 'GET', part: '/tea' }],
  ['an unknown method', 404, { method: 'PUT', headers: JSON_TYPE, bytes: SAVE }],
]

test.each(REQUESTS)('%s is answered %i either way, to the byte', async (_, status, sent) => {
  const [plain, escaped] = await both(sent)
  expect(plain?.status).toBe(status)
  expect(plain).toEqual(escaped)
})

test('versions of many are answered either way', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const body = { records: [{ type: 'project', id, version: 3 }] }
  const [plain, escaped] = [
    await app.call('POST', '/records/versions', { body }),
    await app.call('POST', '/records/versions/', { body }),
  ]
  expect(plain.status).toBe(200)
  expect(withoutAge(plain.text)).toBe(withoutAge(escaped.text))
})

test('requests are counted by what they are, either way', async () => {
  const count = async () =>
    Number(
      /requests_total\{operation="read",status="200"\} (\d+)/.exec(await app.records.metrics.text())?.[1] ??
        0,
    )
  const { id } = await app.make('project', { name: 'Bridge' })
  const before = await count()
  await app.call('GET', `/records/project/${id}`)
  await app.call('GET', `/records/%70roject/${id}`)
  await waitFor(async () => (await count()) === before + 2, { what: 'both to be counted' })
})

test('a body that never ends costs its own connection alone', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const { hostname, port } = new URL(app.origin)
  const socket = connect(Number(port), hostname)
  atEnd(() => socket.destroy())
  await once(socket, 'connect')
  const refused = async () =>
    Number(/operation="save",status="400"\} (\d+)/.exec(await app.records.metrics.text())?.[1] ?? 0)
  const before = await refused()
  const arrived = once(app.server, 'request')
  socket.write(
    `PATCH /api/v1/records/project/${id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n` +
      'Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"client_version":1,',
  )
  await arrived
  socket.destroy()
  await waitFor(async () => (await refused()) > before, { what: 'the request to end' })
  const saved = await app.call('PATCH', `/records/project/${id}`, {
    body: { client_version: 1, changes: { name: 'Tunnel' } },
  })
  expect(saved.status).toBe(200)
})

test('a body in pieces, a letter cut in two, is one body', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const { hostname, port } = new URL(app.origin)
  const socket = connect({ port: Number(port), host: hostname, noDelay: true })
  atEnd(() => socket.destroy())
  await once(socket, 'connect')
  const bytes = Buffer.from(SAVE)
  const cut = bytes.indexOf(0xc3) + 1
  socket.write(
    `PATCH /api/v1/records/project/${id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${bytes.length}\r\nExpect: 100-continue\r\n\r\n`,
  )
  let received = ''
  socket.setEncoding('utf8').on('data', (text) => {
    received += text
  })
  await waitFor(() => received.includes('100 Continue'), { what: 'leave to send the body' })
  socket.write(bytes.subarray(0, cut))
  await new Promise((resolve) => setImmediate(resolve))
  socket.write(bytes.subarray(cut))
  await waitFor(() => received.includes('"name":"Brücke"'), { what: 'the answer' })
})

test('a body that the app has read already is taken', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const outer = express().use(express.json()).use('/api/v1', app.records.router)
  const server = createServer(outer).listen(0, '127.0.0.1')
  atEnd(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/records/project/${id}`, {
    method: 'PATCH',
    headers: { ...JSON_TYPE, authorization: 'Bearer alice' },
    body: SAVE,
  })
  expect(response.status).toBe(200)
})

describe('a server made for the app', () => {
  const outer = express().set('trust proxy', true)
  const inner = express()
  inner.get('/who', (request, response) => {
    response.cookie('seen', 'yes').json({ ip: request.ip, query: request.query, base: request.baseUrl })
  })
  outer.use((_request, response, next) => {
    response.set('X-Seen', 'yes')
    next()
  })
  outer.use('/inner', inner)
  outer.use('/api/v1', app.records.router)
  outer.get('/broken', () => {
    throw new Error('on purpose')
  })
  outer.use(((_error, _request, response, _next) =>
    response.status(500).send('broken')) as express.ErrorRequestHandler)

  const serve = async (server: ReturnType<typeof createServer>) => {
    server.listen(0, '127.0.0.1')
    atEnd(() => server.close())
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  test('answers as every server does, whichever app, middleware or route it comes to', async () => {
    const { id } = await app.make('project', { name: 'Bridge' })
    const answers = async (origin: string) => {
      const answers: unknown[] = []
      for (const path of ['/inner/who?a=1', `/api/v1/records/project/${id}`, '/broken', '/tea']) {
        const headers = { authorization: 'Bearer alice', 'x-forwarded-for': '10.1.2.3' }
        const response = await fetch(origin + path, { headers })
        const all = Object.entries(Object.fromEntries(response.headers)).filter(([name]) => name !== 'date')
        answers.push([response.status, all, await response.text()])
      }
      return answers
    }
    const made = await answers(await serve(createAppServer(outer)))
    expect(made).toEqual(await answers(await serve(createServer(outer))))
    expect(JSON.stringify(made)).toContain('10.1.2.3')
    expect(JSON.stringify(made)).toContain('x-seen')
  })

  test.each(['websocket', 'polling'] as const)('carries live events, by %s', async (transport) => {
    const server = createAppServer(outer)
    const origin = await serve(server)
    const attached = app.records.attach(server)
    atEnd(() => attached.stop())
    const { id } = await app.make('project', { name: 'Bridge' })
    const watcher = await connectWatcher({ origin, sql: app.sql }, { transports: [transport] })
    await watcher.watch(['project', id])
    await app.call('PATCH', `/records/project/${id}`, {
      as: 'bob',
      body: { client_version: 1, changes: { name: 'Tunnel' } },
    })
    expect(await watcher.receives('RecordUpdated', { id })).toMatchObject({ version: 2 })
  })

  test('takes the options of Node’s', async () => {
    const origin = await serve(createAppServer(outer, { maxHeaderSize: 1_000 }))
    expect((await fetch(`${origin}/tea`, { headers: { 'x-long': 'x'.repeat(2_000) } })).status).toBe(431)
  })
})
