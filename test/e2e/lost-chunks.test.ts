// A page whose later code can't be had, as after a deployment that took it away: its record is read, edited and saved, another
// person's save is announced, nothing typed is lost; and once the code is there again, the page takes it without being reloaded.
import { once } from 'node:events'
import { createServer, request as requestOf } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'
import { buildPage } from '../support/built-page.ts'
import { launchBrowser } from '../support/chromium.ts'
import { waitFor } from '../support/wait-for.ts'

let app: TestApp
let files: Map<string, string>

beforeAll(async () => {
  ;[app, files] = await Promise.all([startApp(), buildPage('lost-chunks')])
})

/** What the page itself names in its imports: it is here, or there would be no page. */
function firstOf(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found
  found.add(path)
  for (const [, name] of (files.get(path) ?? '').matchAll(/(?:from|import)\s*["']\.\/([^"']+)["']/g))
    firstOf(`/${name}`, found)
  return found
}

/** Serves the page and, behind it, the app; what is loaded later only while it `isThere`. */
async function servePage(isThere: () => boolean) {
  const first = firstOf('/page.js')
  const refused: string[] = []
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://page').pathname
    if (path.startsWith('/api/') || path.startsWith('/socket.io')) {
      const { port } = new URL(app.origin)
      const options = { port, path: request.url, method: request.method, headers: request.headers }
      const passed = requestOf({ host: '127.0.0.1', ...options }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      })
      passed.on('error', () => response.destroy())
      return void request.pipe(passed)
    }
    const code = files.get(path)
    if (code !== undefined && !first.has(path) && !isThere()) {
      refused.push(path)
      response.statusCode = 404
      return void response.end()
    }
    response.setHeader('Content-Type', code === undefined ? 'text/html' : 'text/javascript')
    response.end(code ?? '<!doctype html><title>Page</title><script type="module" src="/page.js"></script>')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, refused }
}

it('saves, says what others saved and loses nothing, and connects once its code is there', async () => {
  let isThere = false
  const { url, refused } = await servePage(() => isThere)
  const context = await (await launchBrowser()).newContext()
  await context.addCookies([{ name: 'session', value: 'alice', url }])
  const page = await context.newPage()
  const seen = () => page.evaluate(() => window.seen())
  const { body } = await app.call('POST', '/records/project', { body: { fields: { name: 'Bridge' } } })
  const { id } = body.data
  const saveAsBob = (version: number, status: string) =>
    app.call('PATCH', `/records/project/${id}`, {
      ...{ as: 'bob', body: { client_version: version, changes: { status } } },
    })

  await page.goto(url)
  await page.evaluate((id) => window.follow(id), id)
  await waitFor(async () => (await seen()).name === 'Bridge', { what: 'the record' })
  await page.evaluate(() => window.typed('Dam'))
  expect(await page.evaluate(() => window.saved())).toBe('saved')
  expect(await page.evaluate(() => window.created('Tunnel'))).toBe('unreachable')

  await page.evaluate(() => window.typed('Dyke'))
  await saveAsBob(2, 'active')
  await waitFor(async () => (await seen()).banner.includes('Bob'), { what: 'the banner, by polling' })
  expect(await seen()).toMatchObject({ name: 'Dyke', status: 'polling', record: 'behind' })
  expect(refused.length).toBeGreaterThan(2)

  isThere = true
  await waitFor(async () => (await seen()).status === 'live', { what: 'the connection' })
  expect(await seen()).toMatchObject({ name: 'Dyke', record: 'behind' })
  expect(await page.evaluate(() => window.created('Tunnel'))).toBe('created')
  expect(await page.evaluate(() => window.saved())).toBe('saved')
  expect((await app.call('GET', `/records/project/${id}`)).body.data.fields).toMatchObject({
    ...{ name: 'Dyke', status: 'active' },
  })
  await context.close()
})
