// The demo's forms in a real browser: a project is created, edited, undone and deleted in one form; no focused field is hidden
// by what sticks to the window's edges; the page comes compressed; and an error is not taken for silence.
import type { Browser } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser } from '../support/chromium.ts'
import { button, field, keepPicture, type RunningDemo, startDemo } from '../support/demo.ts'
import { oneIn } from '../support/short-run.ts'

let demo: RunningDemo
let browser: Browser
beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

test('a form creates a project, goes on editing it, undoes a save and deletes it', async () => {
  const page = await demo.open(browser, 'alice')
  await page.getByRole('link', { name: 'New project' }).click()
  await field(page, 'Client').fill('City of Bonn')
  await page.keyboard.press('Control+Enter')
  await page.locator('.field-error').first().waitFor()
  await page.waitForFunction(() => (document.activeElement as HTMLInputElement | null)?.name === 'name')
  await page.keyboard.type('Ferry dock')
  await keepPicture(page, 'new-project')
  await page.keyboard.press('Control+Enter')
  await page.getByText('Saved, version 1.').waitFor()
  await page.waitForURL(/\/projects\/\d+$/)
  expect(await page.evaluate(() => (document.activeElement as HTMLInputElement | null)?.name)).toBe('name')
  await page.keyboard.type(' II')
  await page.keyboard.press('Control+Enter')
  await page.getByText('Saved, version 2.').waitFor()
  expect(await field(page, 'Name').inputValue()).toBe('Ferry dock II')
  await button(page, 'Undo the last save').click()
  await page.getByText('Saved, version 3.').waitFor()
  expect(await field(page, 'Name').inputValue()).toBe('Ferry dock')
  await button(page, 'Delete').click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
  await page.waitForURL(/\/projects$/)
  await page.getByRole('link', { name: 'New project' }).click()
  await field(page, 'Name').waitFor()
  expect(await field(page, 'Name').inputValue()).toBe('')
  await page.context().close()
})

const PLACES = [
  ['on a phone', { width: 360, height: 560 }],
  ['at a desk', { width: 1280, height: 620 }],
] as const

describe.for(oneIn(2, PLACES))('%s', ([, viewport]) => {
  test('no field that has the focus is hidden by the header, the banner or the foot', async () => {
    const id = await demo.createProject()
    const page = await demo.open(browser, 'alice', { viewport, reducedMotion: 'reduce' })
    await page.goto(`${demo.url}/projects/${id}`)
    await field(page, 'Name').fill('Typed here')
    await fetch(`${demo.url}/api/v1/records/project/${id}`, {
      method: 'PATCH',
      headers: { authorization: 'Bearer demo:bob', 'content-type': 'application/json' },
      body: JSON.stringify({ client_version: 1, changes: { status: 'done' } }),
    })
    await page.locator('form.form [data-slot="nc-banner-actions"]').waitFor()
    const hidden: string[] = []
    for (const key of ['Tab', 'Shift+Tab'] as const)
      for (let step = 0; step < 14; step += 1) {
        await page.keyboard.press(key)
        const found = await page.evaluate(() => {
          const active = document.activeElement
          if (!active?.matches('form.form input, form.form select, form.form textarea')) return null
          const { left, top, width, height } = active.getBoundingClientRect()
          const isSeen = [0.1, 0.5, 0.9].some((share) =>
            active.contains(document.elementFromPoint(left + width / 2, top + height * share)),
          )
          return isSeen ? null : `${(active as HTMLInputElement).name} at ${Math.round(top)}`
        })
        if (found) hidden.push(`${key} ${found}`)
      }
    expect(hidden).toEqual([])
    await page.context().close()
  })
})

test('scripts and styles come compressed, and the live events do not', async () => {
  const page = await (await fetch(`${demo.url}/projects`)).text()
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(page)?.[1]
  const answer = await fetch(`${demo.url}${script}`, { headers: { 'accept-encoding': 'br, gzip' } })
  expect(answer.headers.get('content-encoding')).toMatch(/^(br|gzip)$/)
})

test('a server that answers with an error is not taken for one that does not answer', async () => {
  const page = await (await browser.newContext()).newPage()
  await page.route('**/demo/session', (route) => route.fulfill({ status: 500, body: '{}' }))
  await page.goto(demo.url)
  await page.getByText('answered with an error').waitFor()
  await page.unroute('**/demo/session')
  await page.route('**/demo/session', (route) => route.abort())
  await button(page, 'Try again').click()
  await page.getByText('doesn’t answer').waitFor()
  await page.context().close()
})

test('the devtools show what an editor does, cut its line, and force a conflict', async () => {
  const id = await demo.createProject()
  const page = await demo.open(browser, 'alice', { path: `/projects/${id}` })
  const panel = page.getByLabel('What noclobber does')
  await panel.getByText(`project ${id}`).waitFor()
  await panel.getByText('live, websocket').waitFor()
  await field(page, 'Name').fill('Ferry dock')
  await panel.getByText('dirty, after typed').waitFor()
  await panel.getByRole('button', { name: 'Cut' }).click()
  await button(page, 'Save').click()
  await panel.getByText('offline, after write_refused').waitFor()
  await panel.getByRole('tab', { name: 'Requests' }).click()
  await panel.getByText('PATCH no answer').first().waitFor()
  await panel.getByRole('button', { name: 'Cut' }).click()
  await panel.getByText('PATCH 200').or(page.getByText('Saved, version 2.')).first().waitFor()
  await field(page, 'Name').fill('Ferry dock, north')
  await panel.getByRole('tab', { name: 'Records' }).click()
  await panel.getByRole('button', { name: 'Force a conflict' }).first().click()
  await panel.getByText(/^Saved name as version \d+\.$/).waitFor()
  await panel.getByRole('tab', { name: 'Events' }).click()
  await panel.getByText('RecordUpdated').first().waitFor()
  expect(await panel.evaluate((element) => element.getRootNode() instanceof ShadowRoot)).toBe(true)
  await keepPicture(page, 'devtools')

  // The session ends: writes are 401, and what is typed is saved once it counts again.
  const signOut = panel.getByRole('button', { name: 'Sign out' })
  await signOut.click()
  await panel.getByText('signed_out').waitFor()
  await panel.getByRole('tab', { name: 'Requests' }).click()
  await panel.getByText(/401/).first().waitFor()
  await signOut.click()
  await panel.getByText('live, websocket').waitFor()
  const transports = panel.getByLabel('Transports')
  await transports.selectOption('Polling alone')
  await panel.getByText(/^polling/).waitFor()
  await transports.selectOption('No WebSocket')
  await panel.getByText('live, event_stream').waitFor()
  await page.context().close()
})
