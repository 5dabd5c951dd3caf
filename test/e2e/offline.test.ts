// Without a network, in a real browser with its real storage: saves wait, outlive their tabs, and are sent by the one that is
// left; a conflict waits for its owner; what is whose never mixes.
import type { Browser, Page } from 'playwright-core'
import { devices } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { seriousBarriers, tabTo } from '../support/accessibility.ts'
import { launchBrowser } from '../support/chromium.ts'
import { keepPicture, type RunningDemo, startDemo } from '../support/demo.ts'
import { waitFor } from '../support/wait-for.ts'

let demo: RunningDemo
let browser: Browser

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

const field = (page: Page, label: string) => page.getByLabel(label, { exact: true }).first()

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
}

/** A tab of the person who is signed in in this context. */
async function openTab(page: Page, id: number) {
  page.setDefaultTimeout(15_000)
  page.on('dialog', (dialog) => void dialog.accept())
  await page.goto(`${demo.url}/projects/${id}`)
  await field(page, 'Name').waitFor()
  await page.getByText('Live', { exact: true }).first().waitFor()
  return page
}

const places = [
  { place: 'desk', ids: [31, 32, 33] as const, options: {} },
  {
    place: 'phone',
    ids: [34, 35, 36] as const,
    options: { ...devices['Pixel 7'], colorScheme: 'dark' as const },
  },
]

describe.each(places)('at the $place', ({ place, ids, options }) => {
  it('three records saved without a network are sent later, but for the one that Bob changed', async () => {
    const first = await demo.open(browser, 'alice', options)
    const context = first.context()
    await openTab(first, ids[0])
    const tabs = [
      first,
      await openTab(await context.newPage(), ids[1]),
      await openTab(await context.newPage(), ids[2]),
    ]
    await context.setOffline(true)
    for (const [index, tab] of tabs.entries()) {
      await tab.bringToFront()
      await field(tab, 'Name').fill(`Offline ${ids[index]}`)
      await field(tab, 'Name').press('Enter')
      await tab.getByText(/Not sent yet: no answer from the server/).waitFor()
    }
    await first.bringToFront()
    await tabTo(first, /^3 unsent changes$/)
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
      deadlineMs: 30_000,
    })
    await waitFor(async () => (await nameOf(ids[2])) === `Offline ${ids[2]}`, {
      what: 'the third',
      deadlineMs: 30_000,
    })
    await first.getByRole('button', { name: '1 unsent change', exact: true }).waitFor()
    expect(await nameOf(ids[1])).toBe('Bob meanwhile')

    await first.getByRole('button', { name: '1 unsent change', exact: true }).focus()
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
  const page = await demo.open(browser, 'alice')
  const context = page.context()
  await openTab(page, 37)
  await context.setOffline(true)
  await field(page, 'Name').fill('Alice’s alone')
  await field(page, 'Name').press('Enter')
  await page.getByText(/Not sent yet/).waitFor()
  await page.close()
  await context.setOffline(false)

  await context.clearCookies()
  const bobs = await context.newPage()
  await bobs.goto(demo.url)
  await bobs.getByRole('button', { name: /bob/i }).click()
  await bobs.waitForURL('**/projects')
  await openTab(bobs, 37)
  expect(await field(bobs, 'Name').inputValue()).not.toBe('Alice’s alone')
  expect(await bobs.getByRole('button', { name: /unsent|draft/ }).count()).toBe(0)
  await bobs.close()

  const alices = await context.newPage()
  await alices.goto(demo.url)
  await alices.getByRole('button', { name: /alice/i }).click()
  await waitFor(async () => (await nameOf(37)) === 'Alice’s alone', { what: 'her save', deadlineMs: 30_000 })
  await context.close()
})
