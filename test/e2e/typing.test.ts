// Keys in a real browser: what is typed into a field for a number is what is saved, in the form and in a table's cell, and an
// input method's Enter saves nothing.
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../support/chromium.ts'
import { type RunningDemo, startDemo } from '../support/demo.ts'
import { waitFor } from '../support/wait-for.ts'

let demo: RunningDemo
let browser: Browser

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

/** What the page sends, whether the server takes it or not. */
const changesOf = (page: Page) => {
  const changes: unknown[] = []
  page.on('request', (request) => {
    if (request.method() === 'PATCH') changes.push(request.postDataJSON().changes)
  })
  return changes
}

/** An Enter as an input method gives it, that takes a word which is being written. */
const pressComposingEnter = (page: Page) =>
  page.evaluate(() => {
    const init = { key: 'Enter', isComposing: true, bubbles: true, cancelable: true }
    document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', init))
  })

const TYPED: [string, number | null][] = [
  ['0.05', 0.05],
  ['1234.05', 1234.05],
  ['-0.5', -0.5],
  ['1e3', 1000],
  ['100.00', 100],
  ['', null],
]

describe('a field for a number', () => {
  it('saves what is typed key by key, and Enter stays on the page', async () => {
    const id = await demo.createProject({ budget: 7 })
    const page = await demo.open(browser, 'alice', { path: `/projects/${id}` })
    const budget = page.getByLabel('Budget')
    const sent = changesOf(page)
    for (const [text, value] of TYPED) {
      await budget.press('Control+A')
      await budget.press('Delete')
      await budget.pressSequentially(text)
      expect(await budget.inputValue()).toBe(text)
      await budget.press('Enter')
      await waitFor(() => sent.length > 0, { what: `${text} sent` })
      expect(sent.splice(0)).toEqual([{ budget: value }])
      await waitFor(
        () =>
          page
            .getByRole('button', { name: 'Saving' })
            .count()
            .then((n) => n === 0),
        { what: 'its answer' },
      )
    }
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe(`/projects/${id}`)
    await budget.press('Control+A')
    await budget.pressSequentially('2.5')
    await budget.press('Backspace')
    await budget.pressSequentially('05')
    expect(await budget.inputValue()).toBe('2.05')
    await budget.press('Enter')
    await waitFor(() => sent.length > 0, { what: '2.05 sent' })
    expect(sent).toEqual([{ budget: 2.05 }])
  })
})

describe('a cell for a number', () => {
  it('saves what is typed key by key, and nothing at an input method’s Enter', async () => {
    const page = await demo.open(browser, 'alice', { path: '/tasks' })
    const row = page.locator('tr[data-id]').first()
    const sent = changesOf(page)
    for (const [text, value] of [
      ['10.5', 10.5],
      ['1e1', 10],
      ['', null],
    ] as const) {
      await row.locator('td.figures.right button').click()
      const cell = row.locator('input.cell-input')
      await cell.press('Control+A')
      await cell.press('Delete')
      await cell.pressSequentially(text)
      await pressComposingEnter(page)
      expect(await cell.inputValue()).toBe(text)
      expect(sent).toEqual([])
      await cell.press('Enter')
      await waitFor(() => sent.length > 0, { what: `${text} sent` })
      expect(sent.splice(0)).toEqual([{ estimate_hours: value }])
      await cell.waitFor({ state: 'detached' })
    }
  })
})
