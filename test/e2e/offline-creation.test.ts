// New records without the server, in a real browser with its real storage: a project, its task and a bulk edit wait, are shown
// as not sent, outlive a reload, and are there once for everybody when the server is back.
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { seriousBarriers, signInByKeyboard } from '../support/accessibility.ts'
import { launchBrowser } from '../support/chromium.ts'
import { button, field, keepPicture, type RunningDemo, startDemo } from '../support/demo.ts'
import { waitFor } from '../support/wait-for.ts'

let demo: RunningDemo
let browser: Browser

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

interface Row {
  id: string
  version: number
  fields: Record<string, unknown>
}

const list = async (type: string, query = ''): Promise<Row[]> => {
  const answer = await fetch(`${demo.url}/api/v1/records/${type}?limit=1000${query}`, {
    headers: { authorization: 'Bearer demo:bob' },
  })
  return (await answer.json()).data
}
const projectsNamed = async (name: string) =>
  (await list('project')).filter(({ fields }) => fields.name === name)

/** The pages load, and nothing of the records' server answers. */
const cut = async (context: BrowserContext) => {
  for (const path of ['**/api/v1/**', '**/socket.io/**']) await context.route(path, (route) => route.abort())
}

async function look(page: Page, name: string) {
  const before = page.viewportSize()
  for (const width of [1280, 360])
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 800 })
      await page.emulateMedia({ colorScheme })
      await keepPicture(page, `${name}-${width}-${colorScheme}`)
      expect(await seriousBarriers(page)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    }
  if (before) await page.setViewportSize(before)
  await page.emulateMedia({ colorScheme: 'light' })
}

it('a project, its task and a bulk edit wait for the server, over a reload, and are done once', async () => {
  const name = `Offline harbour ${Date.now()}`
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  page.on('dialog', (dialog) => void dialog.accept())
  await page.goto(`${demo.url}/projects/new`)
  await signInByKeyboard(page, /Alice/)
  await field(page, 'Name').waitFor()
  await cut(context)
  await field(page, 'Name').fill(name)
  await button(page, 'Create').click()
  await page.getByText(/Not sent yet: no answer from the server/).waitFor()
  await page.waitForURL(/projects\/new-/)
  await page.getByLabel('New task').fill('Count the rivets')
  await button(page, 'Add').click()
  const task = page.getByRole('row', { name: /Count the rivets/ })
  await task.locator('[data-unsent=created]').waitFor()
  await field(page, 'Notes').fill('typed meanwhile')
  await look(page, 'offline-new-1-project')

  await page.reload()
  await page
    .getByRole('row', { name: /Count the rivets/ })
    .locator('[data-unsent=created]')
    .waitFor()
  expect(await field(page, 'Name').inputValue()).toBe(name)
  expect(await projectsNamed(name)).toEqual([])
  await page.getByRole('button', { name: /unsent/ }).click()
  await page.getByText('Waits for the new record that it belongs to').waitFor()
  await look(page, 'offline-new-2-unsent')
  await page.keyboard.press('Escape')

  await field(page, 'Notes').fill('typed on')
  await field(page, 'Notes').focus()
  await context.unrouteAll()
  await waitFor(async () => (await projectsNamed(name)).length === 1, {
    what: 'the project',
    deadlineMs: 90_000,
  })
  const [made] = await projectsNamed(name)
  await page.waitForURL(new RegExp(`/projects/${made?.id}$`))
  expect(await field(page, 'Notes').inputValue()).toBe('typed on')
  expect(await field(page, 'Notes').evaluate((input) => input === document.activeElement)).toBe(true)
  await waitFor(async () => (await list('task', `&project_id=${made?.id}`)).length === 1, {
    what: 'its task',
    deadlineMs: 90_000,
  })
  await page.locator('[data-unsent]').first().waitFor({ state: 'detached' })

  const bobs = await (await browser.newContext()).newPage()
  await bobs.goto(`${demo.url}/projects/${made?.id}`)
  await signInByKeyboard(bobs, /Bob/)
  await bobs.getByRole('row', { name: /Count the rivets/ }).waitFor()
  await bobs.context().close()
  await context.close()
})

it('a bulk edit waits for the server, and is one version of each task', { tags: 'full' }, async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  await page.goto(`${demo.url}/tasks`)
  await signInByKeyboard(page, /Alice/)
  const boxes = page.getByRole('checkbox', { name: /^Select (?!all)/ })
  await boxes.first().waitFor()
  await cut(context)
  const ids: string[] = []
  for (const at of [0, 1, 2]) {
    await boxes.nth(at).check()
    ids.push((await page.locator('tbody tr[data-id]').nth(at).getAttribute('data-id')) ?? '')
  }
  const before = (await list('task')).filter(({ id }) => ids.includes(id))
  await page.getByLabel(/Set status/).selectOption({ label: 'Urgent' })
  await button(page, 'Apply').click()
  await page.getByText('3 are kept on this device, and saved when the server is back.').waitFor()
  await page.reload()
  await page.getByRole('button', { name: '1 unsent change' }).click()
  await page.getByText('Urgent: 3 tasks').waitFor()
  await context.unrouteAll()
  await button(page, 'Try again').click()
  await page.getByRole('button', { name: /unsent/ }).waitFor({ state: 'detached' })
  const after = (await list('task')).filter(({ id }) => ids.includes(id))
  expect(after.map(({ fields }) => fields.priority)).toEqual(['urgent', 'urgent', 'urgent'])
  for (const { id, version, fields } of before) {
    const isSame = fields.priority === 'urgent'
    expect(after.find((row) => row.id === id)?.version).toBe(isSame ? version : version + 1)
  }
  await context.close()
})
