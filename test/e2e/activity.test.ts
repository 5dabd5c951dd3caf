// The activity panel, as somebody sees it who keeps it open: what others do appears by itself, with who, what and how.
import { devices } from 'playwright-core'
import { expect, it } from 'vitest'
import { launchBrowser } from '../support/chromium.ts'
import { keepPicture, startDemo } from '../support/demo.ts'
import { openPool } from '../support/sql.ts'

const [demo, browser] = await Promise.all([startDemo(), launchBrowser()])

const save = async (id: number, changes: object) => {
  const address = `${demo.url}/api/v1/records/project/${id}`
  const headers = { authorization: 'Bearer demo:bob', 'content-type': 'application/json' }
  const { data } = await (await fetch(address, { headers })).json()
  const body = JSON.stringify({ client_version: data.version, changes })
  expect((await fetch(address, { method: 'PATCH', headers, body })).status).toBe(200)
}

it('shows saves and SQL as they happen, with values before and after, on another tenant nothing', async () => {
  const [first, second] = [await demo.createProject(), await demo.createProject()]
  const page = await demo.open(browser, 'alice')
  const gina = await demo.open(browser, 'gina')
  for (const at of [page, gina]) {
    await at.getByRole('button', { name: 'Activity' }).click()
    await at.getByRole('complementary', { name: 'Activity' }).getByRole('listitem').first().waitFor()
  }
  const panel = page.getByRole('complementary', { name: 'Activity' })
  await save(first, { status: 'done', budget: 12500.5 })
  const saved = panel.getByRole('listitem').filter({ hasText: `Bob changed Project ${first}` })
  await saved.waitFor()
  expect(await saved.innerText()).toMatch(/Status\s+Active\s+→\s+Done/)
  expect(await saved.innerText()).toMatch(/→\s+€12,500.50/)
  expect(await saved.innerText()).toMatch(/in the app/)

  await openPool(demo.databaseUrl).query(`update projects set name = '<b>By hand</b>' where id = $1`, [
    second,
  ])
  const byHand = panel.getByRole('listitem').filter({ hasText: `postgres changed Project ${second}` })
  await byHand.waitFor()
  expect(await byHand.innerText()).toMatch(/→\s+<b>By hand<\/b>/)
  expect(await byHand.innerText()).toMatch(/by SQL/)
  await keepPicture(page, 'activity')

  await save(first, { status: 'active' })
  await panel.getByText('v3').first().waitFor()
  expect(await gina.getByRole('complementary', { name: 'Activity' }).innerText()).not.toMatch(
    new RegExp(`Project (${first}|${second})\\b|Bob`),
  )
})

it('opens and closes by keyboard, and fits a phone', async () => {
  const page = await demo.open(browser, 'vera', {
    ...devices['Pixel 7'],
    viewport: { width: 360, height: 740 },
  })
  const button = page.getByRole('button', { name: 'Activity' })
  await button.focus()
  await page.keyboard.press('Enter')
  const panel = page.getByRole('complementary', { name: 'Activity' })
  await panel.getByRole('listitem').first().waitFor()
  const { x, width } = (await panel.boundingBox()) ?? { x: -1, width: 0 }
  expect(x).toBeGreaterThanOrEqual(0)
  expect(x + width).toBeLessThanOrEqual(360)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  await keepPicture(page, 'activity-phone')
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  expect(await button.evaluate((element) => element === document.activeElement)).toBe(true)
})

it('says that it is interrupted, and catches up', async () => {
  const id = await demo.createProject()
  const name = `While offline ${id}`
  const page = await demo.open(browser, 'alice')
  await page.getByRole('button', { name: 'Activity' }).click()
  const panel = page.getByRole('complementary', { name: 'Activity' })
  await panel.getByRole('listitem').first().waitFor()
  await page.context().setOffline(true)
  // The request that is open gets its answer, if need be; the next one finds no network.
  await save(id, { client: 'Northern Rail' })
  await panel.getByText(/Interrupted/).waitFor()
  await save(id, { status: 'planned', name })
  await page.context().setOffline(false)
  await panel.getByText(name).first().waitFor({ timeout: 60_000 })
  await panel.getByText(/Interrupted/).waitFor({ state: 'detached' })
})
