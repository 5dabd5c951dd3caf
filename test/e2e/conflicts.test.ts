// Conflicts as people meet them in two browsers, each story once at a desk and once on a phone in the dark. Whatever Alice
// does from the sign-in on, she does with the keyboard alone.
import type { Browser, Page } from 'playwright-core'
import { devices } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { seriousBarriers, signInByKeyboard, tabTo, typeInto } from '../support/accessibility.ts'
import { launchBrowser } from '../support/chromium.ts'
import { field, keepPicture, type RunningDemo, startDemo } from '../support/demo.ts'
import { waitUntilKept } from '../support/kept-edits.ts'
import { byRun } from '../support/short-run.ts'

let demo: RunningDemo
let browser: Browser

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

const said = (page: Page, text: RegExp | string) => page.getByText(text).first().waitFor()
const allSaved = (page: Page) => said(page, 'All saved')

async function openAsAlice(id: number, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options })
  const page = await context.newPage()
  page.on('dialog', (dialog) => void dialog.accept())
  await page.goto(`${demo.url}/projects/${id}`)
  await signInByKeyboard(page, /Alice/)
  await field(page, 'Name').waitFor()
  await said(page, 'Live')
  return page
}

/** Bob, without a browser: the version is whatever it is now. */
async function bobSaves(id: number, changes: Record<string, unknown>, method = 'PATCH') {
  const url = `${demo.url}/api/v1/records/project/${id}`
  const headers = { authorization: 'Bearer demo:bob', 'content-type': 'application/json' }
  const { data } = await (await fetch(url, { headers })).json()
  const body = JSON.stringify({ client_version: data.version, ...(method === 'PATCH' ? { changes } : {}) })
  const answer = await fetch(url, { method, headers, body })
  expect(answer.ok).toBe(true)
}

async function look(page: Page, name: string) {
  await keepPicture(page, name)
  expect(await seriousBarriers(page)).toEqual([])
}

const leave = (...pages: Page[]) => Promise.all(pages.map((page) => page.context().close()))

const places = [
  { place: 'desk', options: {} },
  { place: 'phone', options: { ...devices['Pixel 7'], colorScheme: 'dark' as const } },
]

describe.each(byRun({ short: places.slice(0, 1), full: places }))('at the $place', ({ place, options }) => {
  /** The banner lies above the form: anyone who types goes back to it. */
  const pressInBanner = async (page: Page, name: RegExp) => {
    await tabTo(page, name, 'Shift+Tab')
    await page.keyboard.press('Enter')
  }

  it('merges edits that do not overlap', async () => {
    const id = await demo.createProject()
    const alice = await openAsAlice(id, options)
    await typeInto(alice, /^Name$/, 'Named by Alice')
    await bobSaves(id, { status: 'done' })
    await said(alice, /Updated by Bob .*Status\. Your edits don’t overlap\./)
    await look(alice, `${place}-merge-1-offered`)
    await pressInBanner(alice, /^Merge$/)
    await alice.waitForFunction(
      () => document.querySelector<HTMLSelectElement>('select[name="status"]')?.value === 'done',
    )
    expect(await field(alice, 'Name').inputValue()).toBe('Named by Alice')
    await look(alice, `${place}-merge-2-merged`)
    await tabTo(alice, /^Name$/)
    await alice.keyboard.press('Enter')
    await allSaved(alice)
    await leave(alice)
  })

  it('reviews overlapping edits, shows a third change that comes meanwhile, and saves what was decided', async () => {
    const notes = 'Piers stand on piles. The deck is steel.'
    const id = await demo.createProject({ notes })
    const alice = await openAsAlice(id, options)
    await typeInto(alice, /^Name$/, 'Named by Alice')
    await tabTo(alice, /^Notes$/)
    await alice.keyboard.press('Control+Home')
    await alice.keyboard.type('Alice begins. ')
    await bobSaves(id, { name: 'Named by Bob', notes: `${notes} Bob ends.`, client: 'Bob’s client' })
    await said(alice, /You both changed: Name, Notes/)
    await pressInBanner(alice, /^Review changes$/)
    const dialog = alice.getByRole('dialog')
    await dialog.getByText('Named by Bob').waitFor()
    await dialog.locator('ins', { hasText: 'Alice begins' }).first().waitFor()
    await look(alice, `${place}-review-1-open`)

    await bobSaves(id, { number: 'B-77' })
    await dialog.getByText(/saved version 3/).waitFor()
    await tabTo(alice, /^Name Mine/)
    await alice.keyboard.press('Space')
    await tabTo(alice, /^Notes Mine/)
    await alice.keyboard.press('ArrowDown')
    await alice.keyboard.press('ArrowDown')
    await look(alice, `${place}-review-2-decided`)
    await tabTo(alice, /^Save this$/)
    await alice.keyboard.press('Enter')
    await allSaved(alice)
    expect(await field(alice, 'Name').inputValue()).toBe('Named by Alice')
    expect(await field(alice, 'Notes').inputValue()).toBe(`Alice begins. ${notes} Bob ends.`)
    expect(await field(alice, 'Number').inputValue()).toBe('B-77')
    await look(alice, `${place}-review-3-saved`)
    await leave(alice)
  })

  it('brings edits back after a reload and after a killed tab', async () => {
    const id = await demo.createProject()
    const alice = await openAsAlice(id, options)
    await typeInto(alice, /^Name$/, 'Before the reload')
    await waitUntilKept(alice, await field(alice, 'Name').inputValue())
    await alice.reload()
    await said(alice, 'Your unsaved edits from before are back.')
    expect(await field(alice, 'Name').inputValue()).toBe('Before the reload')
    await look(alice, `${place}-restore-1-reloaded`)

    await typeInto(alice, /^Name$/, 'Before the crash')
    await waitUntilKept(alice, await field(alice, 'Name').inputValue())
    const session = await alice.context().newCDPSession(alice)
    const isDead = new Promise((resolve) => void alice.once('crash', resolve))
    session.send('Page.crash').catch(() => {})
    await isDead
    await bobSaves(id, { name: 'Bob meanwhile' })
    const again = await alice.context().newPage()
    await again.goto(`${demo.url}/projects/${id}`)
    await said(again, /You both changed: Name/)
    expect(await field(again, 'Name').inputValue()).toBe('Before the crash')
    await look(again, `${place}-restore-2-after-a-crash`)
    await leave(again)
  })

  it('says that the record was deleted, and creates it anew from the draft', { tags: 'full' }, async () => {
    const id = await demo.createProject()
    const alice = await openAsAlice(id, options)
    await typeInto(alice, /^Name$/, 'Worth keeping')
    await bobSaves(id, {}, 'DELETE')
    await said(alice, 'Deleted by Bob. You can copy your edits, but not save them here.')
    expect(await field(alice, 'Name').inputValue()).toBe('Worth keeping')
    await look(alice, `${place}-deleted-1`)
    await pressInBanner(alice, /^Create it anew$/)
    await alice.waitForURL((url) => url.pathname !== `/projects/${id}`)
    await said(alice, 'Live')
    await alice.waitForFunction(
      () => document.querySelector<HTMLInputElement>('input[name="name"]')?.value === 'Worth keeping',
    )
    await look(alice, `${place}-deleted-2-anew`)
    await leave(alice)
  })
})
