// A list of which a window is held, in a browser: the row that somebody looks at stays where it is while rows are loaded and
// dropped around it, and what others change there is shown.
import type { Browser, Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { launchBrowser } from '../support/chromium.ts'
import { keepPicture, type RunningDemo, startDemo } from '../support/demo.ts'
import { openPool } from '../support/sql.ts'
import { waitFor } from '../support/wait-for.ts'

const ROW_HEIGHT = 40
const STEP_ROWS = 20

let demo: RunningDemo
let browser: Browser

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

const openParts = async () => {
  const page = await demo.open(browser, 'alice', { path: '/parts' })
  await page.locator('tr[data-id]').first().waitFor()
  await page.getByText('Live', { exact: true }).first().waitFor()
  return page
}

/** The number in the code of the first row below the table's head. */
const firstInSight = (page: Page) =>
  page.locator('.task-scroll').evaluate((scroller) => {
    const top = scroller.querySelector('thead th')?.getBoundingClientRect().bottom ?? 0
    const rows = [...scroller.querySelectorAll('tr[data-id]')]
    const first = rows.find((row) => row.getBoundingClientRect().bottom > top + 1)
    return Number(first?.querySelector('td')?.textContent?.slice(2))
  })

const scrollBy = async (page: Page, rows: number) => {
  await page.locator('.task-scroll').evaluate((scroller, by) => scroller.scrollBy(0, by), rows * ROW_HEIGHT)
  // Two frames: the rows of the new place are drawn.
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
}

it('every row of a thousand is passed once, down and up, though at most four hundred are held', {
  tags: 'full',
}, async () => {
  const page = await openParts()
  const held = () => page.locator('.task-scroll').evaluate(({ scrollHeight }) => scrollHeight)
  let at = 1
  let most = 0
  const pass = async (rows: number) => {
    await scrollBy(page, rows)
    at += rows
    await waitFor(async () => (await firstInSight(page)) === at, {
      what: `part ${at} is first, not ${await firstInSight(page)}`,
      deadlineMs: 15_000,
    })
    most = Math.max(most, await held())
  }
  while (at < 600) await pass(STEP_ROWS)
  while (at > 1) await pass(-STEP_ROWS)
  expect(most).toBeLessThanOrEqual(401 * ROW_HEIGHT)
  await keepPicture(page, 'parts')
})

it('the keys for the ends show them, and what comes, goes and changes above moves no row', async () => {
  const page = await openParts()
  await page.getByText('1,000 parts', { exact: false }).waitFor()
  await page.locator('.task-scroll').focus()
  await page.keyboard.press('End')
  const last = page.locator('tr[data-id] td').filter({ hasText: 'P-001000' })
  await last.waitFor()
  await scrollBy(page, -30)
  const first = await firstInSight(page)
  const sql = openPool(demo.databaseUrl)
  const suffix = String(Date.now()).slice(-6)
  const above = `P-${String(first - 5).padStart(6, '0')}`
  const below = `P-${String(first + 3).padStart(6, '0')}`
  await sql.query('insert into parts (tenant_id, code, name) values ($1, $2, $3)', [
    'acme',
    `${above}.${suffix}`,
    'New',
  ])
  await sql.query('update parts set stock = 4711 where tenant_id = $1 and code = $2', ['acme', below])
  const row = page.locator('tr[data-id]').filter({ hasText: below })
  await row.getByText('4,711').waitFor()
  expect(await firstInSight(page)).toBe(first)
  await sql.query('delete from parts where code like $1', [`%.${suffix}`])
  await page.keyboard.press('Home')
  await page.locator('tr[data-id] td').filter({ hasText: 'P-000001' }).waitFor()
  expect(await firstInSight(page)).toBe(1)
})
