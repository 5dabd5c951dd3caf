// Without a network, in a real browser with its real storage: saves wait, outlive their tabs, and are sent by the one that is
// left; a conflict waits for its owner; what is whose never mixes. All by keyboard.
import type { Browser, Page } from 'playwright-core'
import { devices } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { seriousBarriers, signInByKeyboard, tabTo, typeInto } from '../support/accessibility.ts'
import { buildPage } from '../support/built-page.ts'
import { launchBrowser } from '../support/chromium.ts'
import { field, keepPicture, type RunningDemo, startDemo } from '../support/demo.ts'
import { byRun, oneIn } from '../support/short-run.ts'
import { waitFor } from '../support/wait-for.ts'

let demo: RunningDemo
let browser: Browser

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

const createProject = () => demo.createProject()

const request = async (id: number, method: string, body?: object) => {
  const answer = await fetch(`${demo.url}/api/v1/records/project/${id}`, {
    method,
    headers: { authorization: 'Bearer demo:bob', 'content-type': 'application/json' },
    body: body ? JSON.stringify(body) : null,
  })
  return (await answer.json()).data
}
const nameOf = async (id: number) => (await request(id, 'GET')).fields.name

const look = async (page: Page, name: string) => {
  await keepPicture(page, name)
  expect(await seriousBarriers(page)).toEqual([])
  const width = await page.evaluate(() => document.documentElement.scrollWidth)
  expect(width).toBeLessThanOrEqual(page.viewportSize()?.width ?? 0)
}

/** A tab of the person who is signed in in this context, or signs in first. */
async function openTab(page: Page, id: number, signIn: RegExp | null = null) {
  page.on('dialog', (dialog) => void dialog.accept())
  await page.goto(`${demo.url}/projects/${id}`)
  if (signIn) await signInByKeyboard(page, signIn)
  await field(page, 'Name').waitFor()
  await page.getByText('Live', { exact: true }).first().waitFor()
  return page
}

const places = [
  { place: 'desk', options: { viewport: { width: 1440, height: 900 } } },
  { place: 'phone', options: { ...devices['Pixel 7'], colorScheme: 'dark' as const } },
]

describe.each(byRun({ short: places.slice(1), full: places }))('at the $place', ({ place, options }) => {
  it('three records saved without a network are sent later, but for the one that Bob changed', async () => {
    const ids = [await createProject(), await createProject(), await createProject()] as const
    const context = await browser.newContext(options)
    const first = await openTab(await context.newPage(), ids[0], /Alice/)
    const tabs = [
      first,
      await openTab(await context.newPage(), ids[1]),
      await openTab(await context.newPage(), ids[2]),
    ]
    await context.setOffline(true)
    for (const [index, tab] of tabs.entries()) {
      await tab.bringToFront()
      await typeInto(tab, /^Name$/, `Offline ${ids[index]}`)
      await tab.keyboard.press('Enter')
      await tab.getByText(/Not sent yet: no answer from the server/).waitFor()
    }
    await first.bringToFront()
    await tabTo(first, /^3 unsent changes$/, 'Shift+Tab')
    await first.keyboard.press('Enter')
    await first.getByRole('heading', { name: 'Unsent changes' }).waitFor()
    await look(first, `${place}-offline-1-waiting`)
    await first.keyboard.press('Escape')

    const { version } = await request(ids[1], 'GET')
    await request(ids[1], 'PATCH', { client_version: version, changes: { name: 'Bob meanwhile' } })
    for (const tab of tabs.slice(1)) await tab.close()
    await context.setOffline(false)
    await waitFor(async () => (await nameOf(ids[0])) === `Offline ${ids[0]}`, {
      what: 'the first',
      deadlineMs: 90_000,
    })
    await waitFor(async () => (await nameOf(ids[2])) === `Offline ${ids[2]}`, {
      what: 'the third',
      deadlineMs: 90_000,
    })
    await first.getByRole('button', { name: '1 unsent change', exact: true }).waitFor()
    expect(await nameOf(ids[1])).toBe('Bob meanwhile')

    await tabTo(first, /^1 unsent change$/, 'Shift+Tab')
    await first.keyboard.press('Enter')
    await first.getByText('Changed by others: open it to review').waitFor()
    await look(first, `${place}-offline-2-conflict`)
    await tabTo(first, /^Open$/)
    await first.keyboard.press('Enter')
    await first.waitForURL(`**/projects/${ids[1]}`)
    await first.getByRole('dialog').getByText('Bob meanwhile').waitFor()
    await look(first, `${place}-offline-3-resolving`)
    await tabTo(first, /^Name Mine/)
    await first.keyboard.press('Space')
    await tabTo(first, /^Save this$/)
    await first.keyboard.press('Enter')
    await first.getByText('All saved').first().waitFor()
    expect(await nameOf(ids[1])).toBe(`Offline ${ids[1]}`)
    await first.getByRole('button', { name: /unsent/ }).waitFor({ state: 'detached' })
    await context.close()
  })
})

it('what Alice could not send is neither shown nor sent when Bob signs in on her device', async () => {
  const id = await createProject()
  const context = await browser.newContext()
  const page = await openTab(await context.newPage(), id, /Alice/)
  await context.setOffline(true)
  await typeInto(page, /^Name$/, 'Alice’s alone')
  await page.keyboard.press('Enter')
  await page.getByText(/Not sent yet/).waitFor()
  await page.close()
  await context.setOffline(false)

  await context.clearCookies()
  const bobs = await openTab(await context.newPage(), id, /Bob/)
  expect(await field(bobs, 'Name').inputValue()).not.toBe('Alice’s alone')
  expect(await bobs.getByRole('button', { name: /unsent|draft/ }).count()).toBe(0)
  await bobs.close()

  const alices = await context.newPage()
  await alices.goto(demo.url)
  await signInByKeyboard(alices, /Alice/)
  await waitFor(async () => (await nameOf(id)) === 'Alice’s alone', { what: 'her save', deadlineMs: 90_000 })
  await context.close()
})

it.each(oneIn(2, ['never sent', 'answered too late']))(
  'a tab that is closed while its save is %s: the next one finds it saved, once',
  async (what) => {
    const id = await createProject()
    const context = await browser.newContext()
    const page = await openTab(await context.newPage(), id, /Alice/)
    const { version } = await request(id, 'GET')
    let isAsked = false
    await page.route('**/api/v1/records/project/*', async (route) => {
      if (route.request().method() !== 'PATCH') return route.continue()
      if (what === 'answered too late') await route.fetch()
      isAsked = true
    })
    await typeInto(page, /^Name$/, `Closed ${id}`)
    await page.keyboard.press('Enter')
    await waitFor(() => isAsked, { what: 'the save is on its way' })
    await page.close()
    const next = await openTab(await context.newPage(), id)
    await waitFor(async () => (await nameOf(id)) === `Closed ${id}`, { what: 'the save', deadlineMs: 90_000 })
    await waitFor(async () => (await field(next, 'Name').inputValue()) === `Closed ${id}`, {
      what: 'it is shown',
    })
    await next.getByRole('button', { name: /unsent/ }).waitFor({ state: 'detached' })
    await next.getByText('All saved').first().waitFor()
    expect((await request(id, 'GET')).version).toBe(version + 1)
    await context.close()
  },
)

it('IndexedDB keeps the contract of a storage, as other storages are held to it', async () => {
  const files = await buildPage('storage-checks')
  const page = await browser.newPage()
  await page.route(`${demo.url}/*`, (route) => {
    const code = files.get(new URL(route.request().url()).pathname)
    const script = '<script type="module" src="/page.js"></script>'
    return route.fulfill(
      code === undefined
        ? { contentType: 'text/html', body: script }
        : { contentType: 'text/javascript', body: code },
    )
  })
  await page.goto(`${demo.url}/checks`)
  await waitFor(async () => (await page.title()) !== '', { what: 'the checks' })
  expect(await page.title()).toBe('7 passed')
})
