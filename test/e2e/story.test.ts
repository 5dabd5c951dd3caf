// The story that the whole project is for, as two people live through it in two browsers.
import type { Browser } from 'playwright-core'
import { devices } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../support/chromium.ts'
import { button, field, keepPicture, openProject, type RunningDemo, startDemo } from '../support/demo.ts'
import { byRun } from '../support/short-run.ts'
import { openPool } from '../support/sql.ts'

let demo: RunningDemo
let browser: Browser

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

const people = [
  { name: 'at a desk', options: {} },
  { name: 'on a phone', options: { ...devices['Pixel 7'], colorScheme: 'dark' } },
] as const

describe.each(byRun({ short: people.slice(0, 1), full: [...people] }))(
  'two people open one record, $name',
  ({ name, options }) => {
    it('notifies the one who types, refuses the stale save, and loses nothing', async () => {
      const id = await demo.createProject()
      const alice = await openProject(demo, browser, 'alice', id, options)
      const bob = await openProject(demo, browser, 'bob', id, options)
      const picture = (step: string) => keepPicture(alice, `${name.replaceAll(' ', '-')}-${step}`)
      await picture('1-open')

      const typed = `Alice-${Date.now()}`
      const status = (await field(bob, 'Status').inputValue()) === 'done' ? 'planned' : 'done'
      await field(alice, 'Name').fill(typed)
      await field(bob, 'Status').selectOption(status)
      await button(bob, 'Save').click()
      await bob.getByText('All saved').first().waitFor()
      await alice.getByText(/Updated by Bob .*Status/).waitFor()
      await field(bob, 'Name').fill(`Bob-${Date.now()}`)
      await button(bob, 'Save').click()
      await alice.getByText(/You both changed: Name/).waitFor()
      expect(await field(alice, 'Name').inputValue()).toBe(typed)
      await picture('2-banner')

      await button(alice, 'Dismiss').click()
      await alice.getByText(/Updated by Bob/).waitFor({ state: 'detached' })
      await button(alice, 'Save').click()
      await alice.getByText(/Not saved: Bob saved version \d+ while you were editing/).waitFor()
      const conflict = alice.getByRole('dialog')
      expect(await conflict.innerText()).toContain(typed)
      expect(await conflict.textContent()).toMatch(new RegExp(status, 'i'))
      await picture('3-refused')

      await button(alice, 'Reload latest').click()
      await alice.getByText(/Your unsaved edits are kept/).waitFor()
      expect(await field(alice, 'Status').inputValue()).toBe(status)
      await picture('4-reloaded')
      await button(alice, 'Restore my edits').click()
      expect(await field(alice, 'Name').inputValue()).toBe(typed)
      await button(alice, 'Save').click()
      await alice.getByText('All saved').first().waitFor()
      await picture('5-saved')

      await bob.waitForFunction(
        (value) => document.querySelector<HTMLInputElement>('input[name="name"]')?.value === value,
        typed,
      )
      expect(await field(bob, 'Status').inputValue()).toBe(status)
      await field(alice, 'Client').fill('Northern Roads')
      await field(bob, 'Notes').fill('The pump is ordered.')
      await button(bob, 'Save').click()
      await alice.getByText(/Updated by Bob .*Notes/).waitFor()
      await button(alice, 'Save').click()
      await alice.getByText('Saved together with Bob’s change of Notes.').waitFor()
      await alice.context().close()
      await bob.context().close()
    })
  },
)

it('shows two people side by side to somebody who is signed in, too', { tags: 'full' }, async () => {
  const id = await demo.createProject()
  const page = await demo.open(browser, 'alice', {
    path: `/split?id=${id}`,
    viewport: { width: 1180, height: 700 },
  })
  const [alice, bob] = ['Alice', 'Bob'].map((name) => page.frameLocator(`iframe[title*="${name}"]`))
  for (const person of [alice, bob]) await person?.getByText('Live', { exact: true }).first().waitFor()
  await alice?.getByLabel('Name', { exact: true }).fill('Typed by Alice')
  await bob?.getByLabel('Status', { exact: true }).selectOption('done')
  await bob?.getByLabel('Status', { exact: true }).press('Control+s')
  await alice?.getByText(/Updated by Bob .*Status/).waitFor()
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(1180)
  await keepPicture(page, 'split')
  await page.context().close()
})

it('says at once that somebody wrote SQL by hand, and history agrees', async () => {
  const id = await demo.createProject()
  const alice = await openProject(demo, browser, 'alice', id)
  await field(alice, 'Notes').fill('Typed before the SQL')
  const sql = openPool(demo.databaseUrl)
  const { rows } = await sql.query(
    `update projects set status = 'on_hold' where id = $1 returning version, session_user`,
    [id],
  )
  await alice
    .getByText(/outside the app/)
    .first()
    .waitFor()
  expect(await field(alice, 'Notes').inputValue()).toBe('Typed before the SQL')
  const answer = await alice.request.get(`${demo.url}/api/v1/records/project/${id}/history`, {
    headers: { authorization: 'Bearer demo:alice' },
  })
  const [newest] = (await answer.json()).data
  expect(newest).toMatchObject({
    version: Number(rows[0].version),
    changed_fields: ['status'],
    updated_by: { kind: 'database', name: rows[0].session_user },
  })
  await alice.context().close()
})

it('refreshes quietly where nothing is typed', async () => {
  const id = await demo.createProject()
  const [alice, bob] = [
    await openProject(demo, browser, 'alice', id),
    await openProject(demo, browser, 'bob', id),
  ]
  await field(bob, 'Client').fill('Northern Rail')
  await button(bob, 'Save').click()
  await alice.waitForFunction(
    () => document.querySelector<HTMLInputElement>('input[name="client"]')?.value === 'Northern Rail',
  )
  await alice
    .getByText(/Updated by Bob/)
    .first()
    .waitFor()
  expect(await alice.getByRole('button', { name: 'Reload latest' }).count()).toBe(0)
  await alice.context().close()
  await bob.context().close()
})

it('shows a reader the form without a way to save', async () => {
  const vera = await openProject(demo, browser, 'vera', 5)
  expect(await field(vera, 'Name').isEditable()).toBe(false)
  expect(await vera.getByRole('button', { name: 'Save' }).count()).toBe(0)
  await vera.context().close()
})
