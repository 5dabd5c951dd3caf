// One story over every way that events can come, each in a real browser behind a proxy that leaves nothing else.
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../support/chromium.ts'
import { type RunningDemo, startDemo } from '../support/demo.ts'
import { type HttpProxy, startHttpProxy } from '../support/http-proxy.ts'
import { openPool } from '../support/sql.ts'

let demo: RunningDemo
let browser: Browser
let sql: ReturnType<typeof openPool>

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
  sql = openPool(demo.databaseUrl)
})

const field = (page: Page, label: string) => page.getByLabel(label, { exact: true }).first()

/** What Bob does, elsewhere and by himself. */
const asBob = async (method: string, id: number, change: object = {}) => {
  const url = `${demo.url}/api/v1/records/project/${id}`
  const headers = { authorization: 'Bearer demo:bob', 'content-type': 'application/json' }
  const { data } = await (await fetch(url, { headers })).json()
  const body = JSON.stringify({ client_version: data.version, ...change })
  const answer = await fetch(url, { method, headers, body })
  expect(answer.ok).toBe(true)
}

const signIn = async (origin: string, query: string) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  await page.goto(`${origin}/${query}`)
  await page.getByRole('button', { name: /alice/i }).click()
  await page.waitForURL('**/projects')
  return page
}

const openProject = async (page: Page, origin: string, id: number) => {
  await page.goto(`${origin}/projects/${id}`)
  await field(page, 'Name').waitFor()
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
  first: number
  /** How long news may take, in milliseconds, on a machine that is slow besides. */
  within: number
  obstruct: (proxy: HttpProxy) => void
}

const ways: Way[] = [
  { name: 'WebSocket', pill: 'Live', query: '', first: 10, within: 20_000, obstruct: () => {} },
  {
    name: 'Socket.IO’s long polling',
    pill: 'Live',
    query: '?transport=long_polling',
    first: 15,
    within: 20_000,
    obstruct: (proxy) => {
      proxy.upgrades = false
    },
  },
  {
    name: 'Server-Sent Events, where no upgrade comes through',
    pill: 'Live',
    query: '',
    first: 20,
    within: 20_000,
    obstruct: (proxy) => {
      proxy.upgrades = false
    },
  },
  {
    name: 'version polling, where answers are held back too',
    pill: 'Polling',
    query: '',
    first: 25,
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
    first: 30,
    within: 60_000,
    obstruct: (proxy) => {
      proxy.blocked = ['/socket.io', '/api/v1/events']
    },
  },
]

describe.each(ways)('over $name', ({ pill, query, first, within, obstruct }) => {
  it('tells, refreshes, says what was deleted or taken away, and recovers', async () => {
    const proxy = await startHttpProxy(demo.url)
    obstruct(proxy)
    const alice = await signIn(proxy.origin, query)
    const says = (text: string | RegExp) => alice.getByText(text).first().waitFor({ timeout: within })

    await openProject(alice, proxy.origin, first)
    await alice.locator('.nc-pill', { hasText: pill }).waitFor({ timeout: 60_000 })
    await field(alice, 'Notes').fill('Typed by Alice')
    await asBob('PATCH', first, { changes: { client: `Client ${first}` } })
    await says(/Updated by Bob .*Client/)
    expect(await field(alice, 'Notes').inputValue()).toBe('Typed by Alice')
    await field(alice, 'Notes').fill('')
    await alice.getByRole('button', { name: 'Reload latest', exact: true }).first().click()
    await value(alice, 'client', `Client ${first}`, within)

    await asBob('PATCH', first, { changes: { client: `Again ${first}` } })
    await value(alice, 'client', `Again ${first}`, within)

    await alice.context().setOffline(true)
    await asBob('PATCH', first, { changes: { client: `Meanwhile ${first}` } })
    await alice.context().setOffline(false)
    await value(alice, 'client', `Meanwhile ${first}`, 60_000)
    await alice.locator('.nc-pill', { hasText: pill }).waitFor({ timeout: 60_000 })

    await asBob('DELETE', first)
    await says(/Deleted by Bob/)

    await openProject(alice, proxy.origin, first + 1)
    await alice.locator('.nc-pill', { hasText: pill }).waitFor({ timeout: 60_000 })
    await sql.query(`update projects set tenant_id = 'globex' where id = $1`, [first + 1])
    // To those it was taken from, a record that moved to another tenant is a deleted one.
    await says(/Deleted outside the app/)
    await alice.context().close()
  })
})

it('keeps seven tabs live over HTTP/1.1, and each loads and saves', async () => {
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
