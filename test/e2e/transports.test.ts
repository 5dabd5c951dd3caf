// One story over every way that events can come, each in a real browser behind a proxy that leaves nothing else.
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../support/chromium.ts'
import { field, type RunningDemo, startDemo } from '../support/demo.ts'
import { type HttpProxy, startHttpProxy } from '../support/http-proxy.ts'
import { byRun } from '../support/short-run.ts'
import { openPool } from '../support/sql.ts'

let demo: RunningDemo
let browser: Browser
let sql: ReturnType<typeof openPool>

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
  sql = openPool(demo.databaseUrl)
})

const send = async (method: string, path: string, body: object) => {
  const headers = { authorization: 'Bearer demo:bob', 'content-type': 'application/json' }
  const answer = await fetch(demo.url + path, { method, headers, body: JSON.stringify(body) })
  expect(answer.ok).toBe(true)
  return answer.status === 204 ? null : (await answer.json()).data
}

/** What Bob does elsewhere, as another client. */
const asBob = async (method: string, id: number, change: object = {}) => {
  const path = `/api/v1/records/project/${id}`
  const [{ version }] = (await sql.query('select version::int from projects where id = $1', [id])).rows
  await send(method, path, { client_version: version, ...change })
}

const made = new Map<string, number>()

/** A project that nobody else has open, and its name. */
const makeProject = async (what: string) => {
  const count = (made.get(what) ?? 0) + 1
  made.set(what, count)
  const name = `${what}, try ${count}`
  const { id } = await send('POST', '/api/v1/records/project', {
    fields: { name, notes: 'As it was' },
  })
  return { id: Number(id), name }
}

const signIn = async (origin: string, query: string, isPolling = false) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  if (isPolling) await context.addInitScript(hurryPolls)
  const page = await context.newPage()
  await page.goto(`${origin}/${query}`)
  await page.getByRole('button', { name: /alice/i }).click()
  await page.waitForURL('**/projects')
  return page
}

/** Goes on within the page, as its links do: the connection stays. */
const goTo = (page: Page, path: string) =>
  page.evaluate((address) => {
    history.pushState(null, '', address)
    dispatchEvent(new PopStateEvent('popstate'))
  }, path)

const openProject = async (page: Page, id: number) => {
  await goTo(page, `/projects/${id}`)
  await field(page, 'Name').waitFor()
}

/** What a page does each ten seconds it does each three: it need not be waited for so long. */
const hurryPolls = () => {
  const { setTimeout } = globalThis
  const hurried = (run: () => void, delayMs = 0) => setTimeout(run, delayMs === 10_000 ? 3_000 : delayMs)
  Object.assign(globalThis, { setTimeout: hurried })
}

const value = (page: Page, name: string, expected: string, timeout: number) =>
  page.waitForFunction(
    ([input, text]) => document.querySelector<HTMLInputElement>(`[name="${input}"]`)?.value === text,
    [name, expected] as const,
    // Not by animation frames: a tab behind another has none.
    { timeout, polling: 100 },
  )

interface Way {
  name: string
  pill: 'Live' | 'Polling'
  query: string
  /** How long news may take, in milliseconds, on a machine that is slow besides. */
  within: number
  obstruct: (proxy: HttpProxy) => void
}

const ways: Way[] = [
  { name: 'WebSocket', pill: 'Live', query: '', within: 20_000, obstruct: () => {} },
  {
    name: 'Socket.IO’s long polling',
    pill: 'Live',
    query: '?transport=long_polling',
    within: 20_000,
    obstruct: (proxy) => {
      proxy.upgrades = false
    },
  },
  {
    name: 'Server-Sent Events, where no upgrade comes through',
    pill: 'Live',
    query: '',
    within: 20_000,
    obstruct: (proxy) => {
      proxy.upgrades = false
    },
  },
  {
    name: 'version polling, where answers are held back too',
    pill: 'Polling',
    query: '',
    within: 60_000,
    obstruct: (proxy) => {
      proxy.upgrades = false
      proxy.buffers = true
    },
  },
  {
    name: 'version polling, where the sockets’ port is blocked and streams are off',
    pill: 'Polling',
    query: '?transport=websocket',
    within: 60_000,
    obstruct: (proxy) => {
      proxy.blocked = ['/socket.io', '/api/v1/events']
    },
  },
]

describe.concurrent.each(byRun({ short: ways.slice(2, 3), full: ways }))(
  'over $name',
  ({ name: way, pill, query, within, obstruct }) => {
    it('notifies, refreshes records and lists, says what was deleted or taken away, and recovers', async () => {
      const proxy = await startHttpProxy(demo.url)
      obstruct(proxy)
      const [open, listed, moved, closed] = [
        await makeProject(`Opened over ${way}`),
        await makeProject(`Listed over ${way}`),
        await makeProject(`Moved over ${way}`),
        await makeProject(`Closed over ${way}`),
      ]
      const alice = await signIn(proxy.origin, query, pill === 'Polling')
      const says = (text: string | RegExp) => alice.getByText(text).first().waitFor({ timeout: within })
      const isConnected = () => alice.locator('.nc-pill', { hasText: pill }).waitFor({ timeout: 60_000 })

      // A list that is watched: changed, made and deleted elsewhere, and the page is never loaded again.
      const row = (project: string) => alice.getByRole('link', { name: project, exact: true })
      const inList = (project: string) => row(project).waitFor({ timeout: within })
      await inList(listed.name)
      await isConnected()
      await alice.evaluate(() => Object.assign(globalThis, { isTheSamePage: true }))
      const another = await makeProject(`Made over ${way}`)
      await asBob('PATCH', listed.id, { changes: { name: `Renamed ${listed.name}` } })
      await inList(`Renamed ${listed.name}`)
      await inList(another.name)
      await asBob('DELETE', listed.id)
      await row(`Renamed ${listed.name}`).waitFor({ state: 'detached', timeout: within })
      expect(await alice.evaluate(() => 'isTheSamePage' in globalThis)).toBe(true)

      // A record: the banner over what was typed, the quiet refresh, a gap in the connection, the deletion.
      await openProject(alice, open.id)
      await isConnected()
      await field(alice, 'Notes').fill('Typed by Alice')
      await asBob('PATCH', open.id, { changes: { client: 'Client 1' } })
      await says(/Updated by Bob .*Client/)
      expect(await field(alice, 'Notes').inputValue()).toBe('Typed by Alice')
      await field(alice, 'Notes').fill('')
      await alice.getByRole('button', { name: 'Reload latest', exact: true }).first().click()
      await value(alice, 'client', 'Client 1', within)

      await asBob('PATCH', open.id, { changes: { client: 'Again' } })
      await value(alice, 'client', 'Again', within)

      await alice.context().setOffline(true)
      await asBob('PATCH', open.id, { changes: { client: 'Meanwhile' } })
      await alice.context().setOffline(false)
      await value(alice, 'client', 'Meanwhile', 60_000)
      await isConnected()

      await asBob('DELETE', open.id)
      await says(/Deleted by Bob/)

      await openProject(alice, moved.id)
      await isConnected()
      await sql.query(`update projects set tenant_id = 'globex' where id = $1`, [moved.id])
      // To those it was taken from, a record that moved to another tenant is a deleted one.
      await says(/Deleted outside the app/)

      // A permission that goes while somebody types.
      await openProject(alice, closed.id)
      await isConnected()
      await field(alice, 'Notes').fill('Typed in vain')
      await send('POST', '/demo/access', { user: 'alice', project: String(closed.id), open: false })
      await says(/You no longer have access to this record/)
      await alice.getByRole('button', { name: 'Copy my edits', exact: true }).waitFor()
      expect(await field(alice, 'Name').count()).toBe(0)
      await send('POST', '/demo/access', { user: 'alice', project: String(closed.id), open: true })
      await alice.context().close()
    }, 300_000)
  },
)

it.concurrent('keeps seven tabs live over HTTP/1.1, and each loads and saves', { tags: 'full' }, async () => {
  const proxy = await startHttpProxy(demo.url)
  proxy.upgrades = false
  const first = await signIn(proxy.origin, '?transport=event_stream')
  const tabs = [first]
  for (let count = 1; count < 7; count += 1) tabs.push(await first.context().newPage())
  for (const [index, tab] of tabs.entries()) {
    await tab.goto(`${proxy.origin}/projects/${40 + index}?transport=event_stream`)
    await field(tab, 'Name').waitFor()
    await tab.locator('.nc-pill', { hasText: 'Live' }).waitFor({ timeout: 60_000 })
  }
  for (const index of tabs.keys()) await asBob('PATCH', 40 + index, { changes: { client: `Tab ${index}` } })
  for (const [index, tab] of tabs.entries()) await value(tab, 'client', `Tab ${index}`, 30_000)
  for (const [index, tab] of tabs.entries()) {
    await tab.bringToFront()
    await field(tab, 'Client').fill(`Saved in tab ${index}`)
    await tab.getByRole('button', { name: 'Save', exact: true }).first().click()
    await tab.getByText('All saved').first().waitFor({ timeout: 30_000 })
  }
  await first.close()
  await asBob('PATCH', 46, { changes: { client: 'After the first tab' } })
  await value(tabs[6] as Page, 'client', 'After the first tab', 30_000)
  await first.context().close()
})
