// A page of one origin and an API of another in a real browser: by cookies and by a token, under a strict Content-Security-Policy; and
// a page of an origin that isn't allowed, which reads, writes and receives nothing.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'
import { buildPage } from '../support/built-page.ts'
import { launchBrowser } from '../support/chromium.ts'
import { byRun } from '../support/short-run.ts'
import { waitFor } from '../support/wait-for.ts'

let app: TestApp
let browser: Browser
/** Two origins of pages; only the first is allowed. Beside the API's port on the same site, so that cookies go along. */
let pages: string
let foreign: string

/** Serves the page under a policy that allows nothing but itself and the API. */
async function servePage(files: Map<string, string>): Promise<string> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://page').pathname
    const code = files.get(path)
    const api = app ? `${app.origin} ${app.origin.replace('http', 'ws')}` : ''
    const policy = `default-src 'none'; script-src 'self'; connect-src ${api}; require-trusted-types-for 'script'; trusted-types`
    response.setHeader('Content-Security-Policy', policy)
    response.setHeader('Content-Type', code === undefined ? 'text/html' : 'text/javascript')
    response.end(code ?? '<!doctype html><title>Page</title><script type="module" src="/page.js"></script>')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeAll(async () => {
  const files = await buildPage('other-origin')
  ;[browser, pages, foreign] = [await launchBrowser(), await servePage(files), await servePage(files)]
  app = await startApp({ origins: [pages] })
})

async function open(origin: string, way: string): Promise<{ page: Page; violations: string[] }> {
  const context = await browser.newContext()
  await context.addCookies([{ name: 'session', value: 'alice', url: app.origin }])
  const page = await context.newPage()
  const violations: string[] = []
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) violations.push(message.text())
  })
  await page.goto(`${origin}/?${new URLSearchParams({ api: app.origin, way })}`)
  return { page, violations }
}

it.each(byRun({ short: ['cookie'], full: ['cookie', 'token', 'stream'] }))(
  'by %s: reads, follows, saves',
  async (way) => {
    const { body } = await app.call('POST', '/records/project', { body: { fields: { name: 'Bridge' } } })
    const { id } = body.data
    const { page, violations } = await open(pages, way)
    await page.evaluate((id) => window.open_(id), id)
    await waitFor(() => page.evaluate(() => window.shown().name === 'Bridge'), { what: 'the record' })
    await waitFor(() => page.evaluate(() => window.shown().status === 'live'), { what: 'the connection' })
    await app.call('PATCH', `/records/project/${id}`, {
      ...{ as: 'bob', body: { client_version: 1, changes: { name: 'Tunnel' } } },
    })
    await waitFor(() => page.evaluate(() => window.shown().name === 'Tunnel'), { what: 'Bob’s save' })
    expect(await page.evaluate(() => window.save('Dam'))).toBe('saved')
    expect((await app.call('GET', `/records/project/${id}`)).body.data).toMatchObject({
      ...{ version: 3, updated_by: { id: 'alice' }, fields: { name: 'Dam' } },
    })
    expect(violations).toEqual([])
    await page.context().close()
  },
)

it('in a frame of another site: by a token it reads and saves, and a cookie stays behind', async () => {
  const { body } = await app.call('POST', '/records/project', { body: { fields: { name: 'Bridge' } } })
  const { id } = body.data
  for (const way of ['token', 'cookie']) {
    const context = await browser.newContext()
    await context.addCookies([{ name: 'session', value: 'alice', url: app.origin, sameSite: 'Lax' }])
    const page = await context.newPage()
    const address = `${pages}/?${new URLSearchParams({ api: app.origin, way })}`
    // `localhost` is another site than the page's and the API's, which are of one.
    const around = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html')
      response.end(`<iframe src="${address.replaceAll('&', '&amp;')}"></iframe>`)
    }).listen(0, '127.0.0.1')
    await once(around, 'listening')
    atEnd(() => void around.close())
    await page.goto(`http://localhost:${(around.address() as AddressInfo).port}/`)
    const frame = page.frames().find((one) => one.url().startsWith(pages))
    if (!frame) throw new Error('There is no frame.')
    await frame.waitForFunction(() => 'open_' in window)
    await frame.evaluate((id) => window.open_(id), id)
    const status = () => frame.evaluate(() => window.shown().status)
    if (way === 'cookie') {
      await waitFor(async () => (await status()) === 'signed_out', { what: 'the refusal' })
      expect(await frame.evaluate(() => window.shown().name)).toBe(null)
    } else {
      await waitFor(async () => (await status()) === 'live', { what: 'the connection' })
      expect(await frame.evaluate(() => window.save('Framed'))).toBe('saved')
      expect((await app.call('GET', `/records/project/${id}`)).body.data.fields.name).toBe('Framed')
    }
    await context.close()
  }
})

it.each(['cookie', 'token'])('a page that is not allowed gets and does nothing, by %s', async (way) => {
  const { body } = await app.call('POST', '/records/project', { body: { fields: { name: 'Secret' } } })
  const { id } = body.data
  const { page } = await open(foreign, way)
  await page.evaluate((id) => window.open_(id), id)
  const outcome = await page.evaluate((id) => window.write(id), id)
  expect(outcome).toBe('unreachable')
  expect(await page.evaluate(() => window.shown())).toMatchObject({ name: null })
  expect(await page.evaluate(() => window.shown().status)).not.toBe('live')
  expect((await app.call('GET', `/records/project/${id}`)).body.data.version).toBe(1)
  await page.context().close()
})
