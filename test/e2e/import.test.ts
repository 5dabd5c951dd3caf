// A file's way into the demo, as people go it: chosen, checked, followed, imported; once at a desk, once on a phone.
import type { Browser, Page } from 'playwright-core'
import { devices } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { seriousBarriers, tabTo } from '../support/accessibility.ts'
import { launchBrowser } from '../support/chromium.ts'
import { keepPicture, type RunningDemo, startDemo } from '../support/demo.ts'
import { byRun } from '../support/short-run.ts'
import { openPool } from '../support/sql.ts'
import { waitFor } from '../support/wait-for.ts'

let demo: RunningDemo
let browser: Browser
let pool: ReturnType<typeof openPool>

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
  pool = openPool(demo.databaseUrl)
})

const head = 'name,number,client,status,starts_on,budget\n'
const rowsOf = (prefix: string, count: number, bad: number[] = []) =>
  Array.from(
    { length: count },
    (_, row) =>
      `Import ${row},${prefix}-${row},"Rail, Ltd",${bad.includes(row) ? 'someday' : 'planned'},2027-01-11,${row}.5\n`,
  ).join('')
const fileOf = (prefix: string, text: string) => ({
  name: `${prefix}.csv`,
  mimeType: 'text/csv',
  buffer: Buffer.from(head + text),
})

const countOf = async (prefix: string) => {
  const { rows } = await pool.query('select count(*)::int as count from projects where number like $1', [
    `${prefix}-%`,
  ])
  return rows[0].count as number
}

/** What the bar and the line below it showed, as they went. */
const followBar = (page: Page) =>
  page.evaluate(() => {
    const seen: { share: number; text: string }[] = []
    ;(window as unknown as { seen: typeof seen }).seen = seen
    new MutationObserver(() => {
      const bar = document.querySelector<HTMLProgressElement>('.import-running progress')
      const text = document.querySelector('.import-running p')?.textContent ?? ''
      if (bar && seen.at(-1)?.text !== text) seen.push({ share: bar.position, text })
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })
  })
const seenOf = (page: Page) =>
  page.evaluate(() => (window as unknown as { seen: { share: number; text: string }[] }).seen)

/** The dialog that is open; `html` for the page behind it too, whose long table takes its time. */
async function look(page: Page, name: string, within = 'dialog[open]') {
  await keepPicture(page, name)
  expect(await seriousBarriers(page, within)).toEqual([])
  const isWide = await page.evaluate(
    () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
  )
  expect(isWide).toBe(false)
}

/** Lets nobody write projects until the answer is called: an import waits there, however fast the machine is. */
const holdWrites = async () => {
  const lock = await pool.connect()
  await lock.query('begin; lock table projects in share mode')
  return async () => {
    await lock.query('commit')
    lock.release()
  }
}

/** An earlier try leaves nothing behind, and later tests have a short list. */
const forgetRows = (prefix: string) =>
  pool.query('delete from projects where number like $1', [`${prefix}-%`])

const choose = (page: Page, file: ReturnType<typeof fileOf>) =>
  page.getByRole('dialog').locator('input[type=file]').setInputFiles(file)

const places = [
  { place: 'desk', count: 1_000, options: {} },
  {
    place: 'phone',
    count: 300,
    options: { ...devices['Pixel 7'], viewport: { width: 360, height: 740 }, colorScheme: 'dark' as const },
  },
]

describe.each(byRun({ short: places.slice(1), full: places }))(
  'at the $place',
  ({ place, count, options }) => {
    const shown = count.toLocaleString('en-GB')

    it(`checks a file, imports its ${shown} rows with a bar that moves, and shows them, by keyboard`, async () => {
      await forgetRows(place)
      const page = await demo.open(browser, 'alice', options)
      const dialog = page.getByRole('dialog')
      await page.getByRole('button', { name: 'Import…' }).waitFor()
      await tabTo(page, /^Import…$/)
      await page.keyboard.press('Enter')
      await dialog.waitFor()
      await look(page, `${place}-import-1-choose`, 'html')
      await choose(page, fileOf(place, rowsOf(place, count)))
      await dialog.getByText(`${shown} rows, all good: ${shown} new.`).waitFor()
      expect(await countOf(place)).toBe(0)
      await look(page, `${place}-import-2-checked`)
      await followBar(page)
      const letWrite = await holdWrites()
      await page.keyboard.press('Enter')
      await dialog.getByText(`0 of ${shown} rows written`).waitFor()
      await letWrite()
      await dialog.getByText(`Done: ${shown} created.`).waitFor()
      expect(await countOf(place)).toBe(count)
      await look(page, `${place}-import-3-done`)
      const seen = await seenOf(page)
      const steps = /^(Starting…|\d+ % of the file sent|[\d,]+ rows read|[\d,]+ of [\d,]+ rows written)$/
      for (const { text } of seen) expect(text).toMatch(steps)
      const shares = seen.map(({ share }) => share)
      expect(shares).toEqual(shares.toSorted((a, b) => a - b))
      expect(seen).toContainEqual({ share: 0.5, text: `0 of ${shown} rows written` })
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'detached' })
      await page.getByRole('searchbox').fill('Import 1')
      await page.getByRole('link', { name: 'Import 1', exact: true }).first().waitFor()
      await page.context().close()
      await forgetRows(place)
    })

    it('names the bad lines, and changes nothing', { tags: 'full' }, async () => {
      const prefix = `${place}-bad`
      const page = await demo.open(browser, 'alice', options)
      await page.getByRole('button', { name: 'Import…' }).click()
      const dialog = page.getByRole('dialog')
      await choose(page, fileOf(prefix, rowsOf(prefix, 500, [41, 276])))
      await dialog.getByText('2 of 500 rows can’t be imported, so none was.').waitFor()
      const cells = await dialog
        .locator('tbody tr')
        .evaluateAll((rows) =>
          rows.map((row) => [...row.children].slice(0, 2).map((cell) => cell.textContent)),
        )
      expect(cells).toEqual([
        ['43', 'Status'],
        ['278', 'Status'],
      ])
      expect(await countOf(prefix)).toBe(0)
      await look(page, `${place}-import-4-refused`)
      await page.keyboard.press('Enter')
      await dialog.getByText('Choose a file').waitFor()
      await page.context().close()
    })
  },
)

it('is cancelled by Escape while it writes, leaves nothing, and the dialog stays', async () => {
  const page = await demo.open(browser, 'alice')
  await page.getByRole('button', { name: 'Import…' }).click()
  const dialog = page.getByRole('dialog')
  await choose(page, fileOf('late', rowsOf('late', 600)))
  await dialog.getByText('600 rows, all good').waitFor()
  const letWrite = await holdWrites()
  await dialog.getByRole('button', { name: 'Import 600 rows' }).click()
  await dialog.getByText('0 of 600 rows written').waitFor()
  await keepPicture(page, 'desk-import-5-writing')
  await page.keyboard.press('Escape')
  await dialog.getByText(/Cancelled while rows were being written/).waitFor()
  await letWrite()
  const writing = `select count(*)::int as count from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null and backend_type = 'client backend'`
  await waitFor(async () => (await pool.query(writing)).rows[0].count === 0, { what: 'the server to let go' })
  expect(await countOf('late')).toBe(0)
  await page.context().close()
})

it('brings tasks into a colleague’s open list, and refuses a row that somebody has changed since', async () => {
  await pool.query(`delete from tasks where title like 'Imported task %'`)
  const [alice, bob] = await Promise.all([
    demo.open(browser, 'alice', { ...places[1]?.options, path: '/tasks' }),
    demo.open(browser, 'bob', { path: '/tasks' }),
  ])
  for (const page of [alice, bob]) await page.getByText('Live', { exact: true }).first().waitFor()
  await bob.getByRole('searchbox').fill('Imported task')
  await bob.getByText('No task matches.').waitFor()
  const dialog = alice.getByRole('dialog')
  const button = (name: string) => dialog.getByRole('button', { name, exact: true })
  const toTheEnd = async (rows: object[], name: string, how?: string) => {
    await alice.getByRole('button', { name: 'Import…' }).click()
    if (how) await dialog.getByLabel('Rows').selectOption({ label: how })
    const buffer = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    await choose(alice, { name, mimeType: '', buffer })
  }
  await look(alice, 'phone-import-6-tasks', 'html')
  const titles = ['Imported task one', 'Imported task two']
  await toTheEnd(
    titles.map((title) => ({ project_id: 1, title })),
    'tasks.ndjson',
  )
  await button('Import 2 rows').click()
  await dialog.getByText('Done: 2 created.').waitFor()
  await button('Close').click()
  await bob.getByText('Imported task two').first().waitFor()
  const { rows: made } = await pool.query(
    `update tasks set assignee = 'Bob' where title = 'Imported task one' returning id, version::int`,
  )
  const { rows: others } = await pool.query(`select id from tasks where title = 'Imported task two'`)
  await toTheEnd(
    [
      { id: others[0].id, version: 1, title: 'Never seen' },
      { id: made[0].id, version: 1, title: 'Never seen either' },
    ],
    'again.jsonl',
    'Update tasks by ID',
  )
  await dialog.getByText('1 of 2 rows can’t be imported, so none was.').waitFor()
  await dialog.getByText(/saved version 2; the file has version 1/).waitFor()
  await look(alice, 'phone-import-7-stale')
  expect((await pool.query(`select from tasks where title like 'Never%'`)).rowCount).toBe(0)
  await Promise.all([alice, bob].map((page) => page.context().close()))
})

it('is not offered to who may only read', { tags: 'full' }, async () => {
  const page = await demo.open(browser, 'vera')
  await page.locator('.row-link a').first().waitFor()
  expect(await page.getByRole('button', { name: 'Import…' }).count()).toBe(0)
  await page.context().close()
})
