// Asking to take over as two people meet it in two browsers, once at a desk and once on a phone in the dark.
import type { Browser, Page } from 'playwright-core'
import { devices } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { seriousBarriers } from '../support/accessibility.ts'
import { launchBrowser } from '../support/chromium.ts'
import { keepPicture, type RunningDemo, startDemo } from '../support/demo.ts'
import { byRun } from '../support/short-run.ts'
import { waitFor } from '../support/wait-for.ts'

let demo: RunningDemo
let browser: Browser

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

const nameOf = (page: Page) => page.getByLabel('Name', { exact: true }).first()
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
const said = (page: Page, text: string) => page.getByRole('status').filter({ hasText: text }).waitFor()

async function openProject(person: 'alice' | 'bob' | 'vera', id: number, options = {}) {
  const page = await demo.open(browser, person, { ...options, path: `/projects/${id}` })
  page.setDefaultTimeout(30_000)
  page.on('dialog', (dialog) => void dialog.accept())
  await nameOf(page).waitFor()
  await page.getByText('Live').first().waitFor()
  return page
}

async function look(page: Page, name: string) {
  await keepPicture(page, name)
  expect(await seriousBarriers(page)).toEqual([])
}

/** The same person is asked again only after a breath. */
const askAgain = (asker: Page, asked: Page) =>
  waitFor(
    async () => {
      if (await asked.getByText('Bob asks to take over.').isVisible()) return true
      const refused = asker.getByText('could not be asked just now')
      if (await refused.isVisible()) await press(asker, 'Dismiss')
      const button = asker.getByRole('button', { name: 'Ask to take over', exact: true })
      if (await button.isVisible()) await button.click()
      return false
    },
    { what: 'the ask to arrive', deadlineMs: 60_000 },
  )

const topOf = async (page: Page) => (await nameOf(page).boundingBox())?.y

const savedName = async (id: number) => {
  const headers = { authorization: 'Bearer demo:bob' }
  const answer = await fetch(`${demo.url}/api/v1/records/project/${id}`, { headers })
  return (await answer.json()).data.fields.name
}

const places = [
  { place: 'desk', first: 31, options: {} },
  { place: 'phone', first: 41, options: { ...devices['Pixel 7'], colorScheme: 'dark' as const } },
]

describe.each(byRun({ short: places.slice(0, 1), full: places }))(
  'at the $place',
  ({ place, first, options }) => {
    it('who edits is asked without a field moving, hands over what is saved, and looks on', async () => {
      const [alice, bob] = [
        await openProject('alice', first, options),
        await openProject('bob', first, options),
      ]
      await nameOf(alice).fill(`Typed by Alice at the ${place}`)
      const before = await topOf(alice)
      await press(bob, 'Ask to take over')
      await said(bob, 'You asked Alice to hand over.')
      await said(alice, 'Bob asks to take over.')
      expect(await topOf(alice)).toBe(before)
      await look(alice, `${place}-take-over-1-asked`)
      await press(alice, 'Hand over')
      await said(bob, 'Alice has handed over: you can go on.')
      await look(bob, `${place}-take-over-2-handed-over`)
      expect(await savedName(first)).toBe(`Typed by Alice at the ${place}`)
      await bob.getByText('Alice is viewing this').waitFor({ state: 'attached' })
      await press(bob, 'Dismiss')
      await bob.getByText('Alice has handed over').waitFor({ state: 'detached' })
      await Promise.all([alice, bob].map((page) => page.context().close()))
    })

    it('“Not now” is said to who asked; what can’t be saved stays as a draft; a reader is offered nothing', {
      tags: 'full',
    }, async () => {
      const id = first + 1
      const [alice, bob, vera] = [
        await openProject('alice', id, options),
        await openProject('bob', id, options),
        await openProject('vera', id, options),
      ]
      await nameOf(alice).fill('')
      await press(bob, 'Ask to take over')
      await press(alice, 'Not now')
      await said(bob, 'Alice is not done yet.')
      await press(bob, 'Dismiss')
      await vera.getByText('Alice is editing').waitFor({ state: 'attached' })
      expect(await vera.getByRole('button', { name: 'Ask to take over' }).count()).toBe(0)
      await askAgain(bob, alice)
      await press(alice, 'Hand over')
      await said(bob, 'Alice has handed over: you can go on.')
      await bob.getByText('Alice is viewing this').waitFor({ state: 'attached' })
      expect(await nameOf(alice).inputValue()).toBe('')
      expect(await savedName(id)).not.toBe('')
      await nameOf(alice).focus()
      await bob.getByText(/Alice is editing/).waitFor({ state: 'attached' })
      await Promise.all([alice, bob, vera].map((page) => page.context().close()))
    })
  },
)
