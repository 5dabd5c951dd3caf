// On Express 4, which looks at no promise that a handler gives: whatever a signed-in person asks for, and whatever an
// app's own functions throw, is answered, and no rejection is left unhandled, since that would end the process.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

vi.mock('express', async () => await import('express4' as string))

import { startApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'

const app = await startApp()
const unhandled: unknown[] = []
const note = (reason: unknown) => unhandled.push(reason)
beforeAll(() => void process.on('unhandledRejection', note))
afterAll(() => void process.off('unhandledRejection', note))

/** Rejections are reported after a turn of the loop. */
const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

test('the router is Express 4’s', async () => {
  const { default: express } = await import('express')
  expect('del' in express.application).toBe(true)
})

const PATHS = [
  ...['/records/project', '/records/project/1', '/records/project/1/version', '/records/project/1/history'],
  ...['/records/%70roject/1', '/records/nothing', '/records/versions', '/records/project/import', '/records'],
  ...['/changes', '/events', '/openapi.json', '/records/%E0%A4%A', '/records/project/%00'],
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
]
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
  path: fc.constantFrom(...PATHS),
  query: fc.array(parameter, { maxLength: 4 }),
  body: fc.option(
    fc.oneof(fc.json({ maxDepth: 2 }), fc.constantFrom('{', '', '{"__proto__":1}', 'name\nx\n')),
  ),
  type: fc.constantFrom('application/json', 'text/csv', 'application/x-ndjson', 'text/plain'),
})

test('any request of a signed-in person is answered', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(asked, async ({ method, path, query, body, type }) => {
      const text = query
        .map(([name, part, value]) => `${encodeURIComponent(name)}${part}=${encodeURIComponent(value)}`)
        .join('&')
      const hasBody = body !== null && !['GET', 'HEAD'].includes(method)
      const response = await fetch(`${app.origin}/api/v1${path}?${text}`, {
        method,
        headers: { authorization: 'Bearer alice', 'content-type': type },
        ...(hasBody ? { body } : {}),
        signal: AbortSignal.timeout(10_000),
      })
      if (response.headers.get('content-type')?.startsWith('text/event-stream')) await response.body?.cancel()
      else await response.text()
      await settled()
      expect(unhandled).toEqual([])
      expect(response.status, `${method} ${path}?${text}`).not.toBe(500)
    }),
    { numRuns: 300 },
  )
})

test.each(PATHS)('an app whose sign-in fails answers 503 or 500 at %s', async (path) => {
  app.people.set('alice', new Error('The sessions are gone.'))
  const { status } = await app.call('GET', path)
  await settled()
  app.people.set('alice', { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' })
  expect(unhandled).toEqual([])
  expect([400, 404, 500, 503]).toContain(status)
})

test('good requests are answered as on Express 5', async () => {
  const made = await app.make('project', { name: 'Bridge', budget: 12.5 })
  const saved = await app.call('PATCH', `/records/project/${made.id}`, {
    body: { client_version: 1, changes: { name: 'Tower' } },
  })
  const stale = await app.call('PATCH', `/records/%70roject/${made.id}`, {
    body: { client_version: 1, changes: { name: 'Tree' } },
  })
  const list = await app.call('GET', '/records/project?status=planned&sort=-updated_at&limit=5')
  const rows = await app.call('POST', '/records/project/import', {
    text: 'name\nOne\nTwo\n',
    headers: { 'content-type': 'text/csv' },
  })
  const removed = await app.call('DELETE', `/records/project/${made.id}`, { headers: { 'if-match': '"2"' } })
  expect([saved.status, stale.status, list.status, rows.status, removed.status]).toEqual([
    200, 409, 200, 200, 204,
  ])
  expect(list.body.data.map(({ fields }: { fields: { name: string } }) => fields.name)).toContain('Tower')
  expect((await app.call('GET', '/openapi.json')).body.openapi).toBe('3.1.0')
  expect((await app.call('GET', '/changes?cursor=start')).body.data.length).toBeGreaterThan(2)
})

test('an answer that cannot be written goes to the app’s own error handler', async () => {
  const express = (await import('express')).default
  const own = express()
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
  const server = createServer(own).listen(0, '127.0.0.1')
  atEnd(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (const path of ['/records/project/1', '/records/project', '/changes', '/openapi.json']) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { authorization: 'Bearer alice' },
    })
    expect(response.status).toBe(599)
  }
  await settled()
  expect(unhandled).toEqual([])
})
