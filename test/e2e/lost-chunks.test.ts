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
import { waitUntilKept } from '../support/kept-edits.ts'
import { waitFor } from '../support/wait-for.ts'

type Files = Map<string, string>

let app: TestApp
let files: Files
let form: Files
let elements: Files

beforeAll(async () => {
  ;[app, files, form, elements] = await Promise.all([
    startApp(),
    buildPage('lost-chunks'),
    buildPage('cold-conflict'),
    buildPage('cold-elements'),
  ])
})

/** What the page itself names in its imports: it is here, or there would be no page. */
function firstOf(files: Files, path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found
  found.add(path)
  for (const [, name] of (files.get(path) ?? '').matchAll(/(?:from|import)\s*["']\.\/([^"']+)["']/g))
    firstOf(files, `/${name}`, found)
  return found
}

/** Serves the page and, behind it, the app; what is loaded later only while it `isThere`. */
async function servePage(files: Files, isThere: () => boolean) {
  const first = firstOf(files, '/page.js')
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
  const { url, refused } = await servePage(files, () => isThere)
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

it('says a conflict and keeps what is typed without its dialog, and opens that once its code is there', {
  tags: 'full',
}, async () => {
  let isThere = false
  const { url, refused } = await servePage(form, () => isThere)
  const { body } = await app.call('POST', '/records/project', { body: { fields: { name: 'Bridge' } } })
  const { id } = body.data
  const context = await (await launchBrowser()).newContext()
  const page = await context.newPage()
  const status = page.locator('output')
  const name = page.locator('input[name=name]')
  await page.goto(`${url}/${id}/alice`)
  await status.getByText('clean').waitFor()
  await name.fill('Dam')
  await app.call('PATCH', `/records/project/${id}`, {
    ...{ as: 'bob', body: { client_version: 1, changes: { name: 'Tunnel' } } },
  })
  await page.getByRole('button', { name: 'Save' }).click()
  const dialog = page.locator('[data-slot=nc-conflict]')
  await dialog.getByText('Bob saved version 2').waitFor()
  expect(await name.inputValue()).toBe('Dam')
  expect(await status.innerText()).toMatch(/^conflicted, (reconnecting|polling)$/)
  expect(await dialog.getByRole('radio').count()).toBe(0)
  await name.press('End')
  await name.pressSequentially('s')
  expect(refused.length).toBeGreaterThan(2)

  isThere = true
  await dialog.getByText('Tunnel').waitFor()
  expect(await name.inputValue()).toBe('Dams')
  await dialog.getByText('Mine').click()
  await dialog.getByRole('button', { name: 'Save this' }).click()
  await waitFor(
    async () => (await app.call('GET', `/records/project/${id}`)).body.data.fields.name === 'Dams',
    { what: 'the decision' },
  )

  const other = await context.newPage()
  await other.goto(`${url}/${id}/bob`)
  await page.getByText('Bob is viewing this').waitFor({ state: 'attached' })
  await context.close()
})

it('goes on with what was loaded before, when the network goes right after it', {
  tags: 'full',
}, async () => {
  const { url } = await servePage(form, () => true)
  const { body } = await app.call('POST', '/records/project', { body: { fields: { name: 'Bridge' } } })
  const { id } = body.data
  const context = await (await launchBrowser()).newContext()
  const page = await context.newPage()
  const loading = new Set<unknown>()
  page.on('request', (request) => request.resourceType() === 'script' && loading.add(request))
  page.on('requestfinished', (request) => loading.delete(request))
  await page.goto(`${url}/${id}/alice`)
  await page.locator('output').getByText('clean, live').waitFor()
  await waitFor(() => loading.size === 0, { what: 'all code' })
  const name = page.locator('input[name=name]')
  await context.setOffline(true)
  await name.fill('Dam')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Not saved').waitFor()
  await app.call('PATCH', `/records/project/${id}`, {
    ...{ as: 'bob', body: { client_version: 1, changes: { name: 'Tunnel' } } },
  })
  expect(await name.inputValue()).toBe('Dam')
  await context.setOffline(false)
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.locator('[data-slot=nc-conflict]').getByText('Tunnel').waitFor()
  expect(await name.inputValue()).toBe('Dam')
  await context.close()
})

it('takes edits of before back, though nothing further can be loaded', { tags: 'full' }, async () => {
  let isThere = true
  const { url } = await servePage(form, () => isThere)
  const { body } = await app.call('POST', '/records/project', { body: { fields: { name: 'Bridge' } } })
  const context = await (await launchBrowser()).newContext()
  const page = await context.newPage()
  const name = page.locator('input[name=name]')
  const kept = page.getByText('Your unsaved edits from before are back')
  const open = async () => {
    await page.goto(`${url}/${body.data.id}/alice/kept`)
    await page
      .locator('output')
      .getByText(/clean|dirty/)
      .waitFor()
  }
  await open()
  await name.fill('Dam')
  await waitUntilKept(page, 'Dam')
  await open()
  await kept.waitFor()
  isThere = false
  for (const _ of [1, 2]) {
    await open()
    await kept.waitFor()
    expect(await name.inputValue()).toBe('Dam')
  }
  await context.close()
})

it('says a conflict without React too, before its dialog is there', { tags: 'full' }, async () => {
  let isThere = false
  const { url } = await servePage(elements, () => isThere)
  const { body } = await app.call('POST', '/records/project', { body: { fields: { name: 'Bridge' } } })
  const { id } = body.data
  const context = await (await launchBrowser()).newContext()
  const page = await context.newPage()
  await page.goto(`${url}/${id}/alice`)
  await page.locator('output').getByText('clean').waitFor()
  await page.locator('input').fill('Dam')
  await app.call('PATCH', `/records/project/${id}`, {
    ...{ as: 'bob', body: { client_version: 1, changes: { name: 'Tunnel' } } },
  })
  await page.getByRole('button', { name: 'Save' }).click()
  const dialog = page.locator('noclobber-conflict')
  await page.getByRole('alert').getByText('Bob saved version 2').waitFor()
  expect(await dialog.getByRole('radio').count()).toBe(0)
  isThere = true
  await dialog.getByText('Tunnel').waitFor()
  expect(await dialog.getByText('Bob saved version 2').count()).toBe(1)
  expect(await page.locator('input[name=name]').first().inputValue()).toBe('Dam')
  await context.close()
})
