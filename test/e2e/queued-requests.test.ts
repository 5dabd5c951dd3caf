// The app's own requests in a real browser with its IndexedDB: they wait while the server can't be reached, outlive a reload and their
// tab, and are sent by the tab that is left: in order, each once, though the answer to the first was lost.
import express from 'express'
import { type RecordServer, requestContext } from 'noclobber/server'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { type Person, startApp, type TestApp } from '../support/app.ts'
import { buildPage } from '../support/built-page.ts'
import { launchBrowser } from '../support/chromium.ts'
import { waitFor } from '../support/wait-for.ts'

const received: { name: string; key: string | undefined }[] = []
let app: TestApp
let browser: Browser
let records: RecordServer<Person>

beforeAll(async () => {
  const files = await buildPage('queued-requests')
  browser = await launchBrowser()
  app = await startApp({
    makeApp() {
      const own = express()
      own.post('/own/:id/rename', express.json(), async (request, response) => {
        const actor: Person = { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' }
        const { clientVersion, name } = request.body
        received.push({ name, key: request.get('idempotency-key') })
        const write = { actor, clientVersion, changes: { name }, ...requestContext(request, actor) }
        const outcome = await records.save('project', request.params.id, write)
        if (outcome.outcome !== 'saved') return response.status(outcome.problem.status).json(outcome.problem)
        response.json({ data: outcome.record })
      })
      own.get('/page', (_request, response) => {
        response.send('<!doctype html><script type="module" src="/page.js"></script>')
      })
      own.get('/{*file}', (request, response, next) => {
        const code = files.get(request.path)
        if (code === undefined) return next()
        response.type('js').send(code)
      })
      return own
    },
  })
  records = app.records
})

async function openTab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  page.on('pageerror', (error) => expect.unreachable(String(error)))
  await page.goto(`${app.origin}/page`)
  await page.waitForFunction(() => document.title === 'ready')
  return page
}

const waitingIn = (page: Page, names: string[]) =>
  waitFor(async () => (await page.evaluate(() => window.waiting())).join() === names.join(), {
    what: `${names.length} waiting requests`,
  })

it('wait through a reload and the end of their tab, and are sent once, in order, by another', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const context = await browser.newContext()
  await context.addCookies([{ name: 'session', value: 'alice', url: app.origin }])
  const first = await openTab(context)
  let tries = 0
  await context.route(/\/(own|api|socket\.io)\//, async (route) => {
    // The server does what it is first asked for, and its answer is lost.
    if (route.request().url().includes('/own/') && ++tries === 1) await route.fetch()
    await route.abort()
  })
  const names = ['Tunnel', 'Dam', 'Weir']
  for (const [at, name] of names.entries())
    expect(
      await first.evaluate(([id, at, name]) => window.rename(id, at + 1, name), [id, at, name] as const),
    ).toBe(202)
  await waitingIn(first, names)
  await first.reload()
  await first.waitForFunction(() => document.title === 'ready')
  await waitingIn(first, names)
  const second = await openTab(context)
  await waitingIn(second, names)
  await first.close()
  expect((await app.call('GET', `/records/project/${id}`)).body.data).toMatchObject({ version: 2 })

  await context.unroute(/\/(own|api|socket\.io)\//)
  await waitFor(async () => (await second.evaluate(() => window.answered())).length === 3, {
    what: 'the answers',
    deadlineMs: 60_000,
  })
  expect(await second.evaluate(() => window.answered())).toEqual(names.map((name) => `${name} 200`))
  await waitingIn(second, [])
  expect((await app.call('GET', `/records/project/${id}`)).body.data).toMatchObject({
    ...{ version: 4, fields: { name: 'Weir' } },
  })
  const of = (name: string) => received.filter((one) => one.name === name).map(({ key }) => key)
  expect(received.map(({ name }) => name)).toEqual(['Tunnel', ...names])
  expect(new Set(names.flatMap(of)).size).toBe(3)
  await context.close()
})
