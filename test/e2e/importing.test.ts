// What a colleague sees of somebody's import in an open list: a line that says how far it is, and goes.
import { request } from 'node:http'
import type { Browser } from 'playwright-core'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { launchBrowser } from '../support/chromium.ts'
import { keepPicture, type RunningDemo, startDemo } from '../support/demo.ts'
import { waitFor } from '../support/wait-for.ts'

let demo: RunningDemo
let browser: Browser

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

const ROWS = 200
/** More than is ever sent: the file's length is known, and its end doesn't come. */
const FILE_BYTES = 50_000_000

it('a line over the list says who is importing and how far it is, and goes with the import', async () => {
  const page = await demo.open(browser, 'bob')
  await page.getByText('Live', { exact: true }).first().waitFor()
  const line = page.getByText(/^Alice is importing: [\d,]+ rows read, \d+ % of the file$/)

  const upload = request(`${demo.url}/api/v1/records/project/import?key=`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer demo:alice',
      'content-type': 'text/csv',
      'content-length': FILE_BYTES,
    },
  })
  upload.on('error', () => {})
  onTestFinished(() => void upload.destroy())
  upload.write('name,number,client\n')
  await waitFor(
    async () => {
      upload.write('Imported,I-1,Rail\n'.repeat(ROWS))
      return line.isVisible()
    },
    { what: 'the line', deadlineMs: 60_000 },
  )
  await keepPicture(page, 'importing-elsewhere')
  expect(await page.getByRole('status').filter({ hasText: 'importing' }).count()).toBe(0)
  upload.destroy()
  await line.waitFor({ state: 'detached' })
  await page.context().close()
})
