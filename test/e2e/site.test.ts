// The site of the documents in a real browser: at a desk and on a phone, light and dark, nothing bars the way, nothing is cut off, and
// its search finds a page.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import type { Browser } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { buildSite } from '../../scripts/docs/site.js'
import { root } from '../architecture/sources.ts'
import { seriousBarriers } from '../support/accessibility.ts'
import { atEnd } from '../support/at-end.ts'
import { launchBrowser } from '../support/chromium.ts'
import { keepPicture } from '../support/demo.ts'
import { oneIn } from '../support/short-run.ts'

/** One of each kind: a start, a guide with pictures, tables and code, a list of words, a reference. */
const PAGES = ['index.html', 'history-of-records.html', 'glossary.html', 'reference/offline.html']

let browser: Browser
let url: string

beforeAll(async () => {
  const out = await mkdtemp(join(tmpdir(), 'site-'))
  atEnd(() => rm(out, { recursive: true, force: true }))
  ;[browser] = await Promise.all([launchBrowser(), buildSite(root, out)])
  const server = createServer(express().use(express.static(out))).listen(0, '127.0.0.1')
  atEnd(() => server.close())
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

const PLACES = [
  ['on a phone, dark', { viewport: { width: 360, height: 740 }, colorScheme: 'dark' }],
  ['at a desk, light', { viewport: { width: 1280, height: 800 }, colorScheme: 'light' }],
] as const

test.each(oneIn(2, PLACES))('%s: every kind of page can be read by everybody', async (name, options) => {
  const page = await (await browser.newContext(options)).newPage()
  for (const path of PAGES) {
    const answer = await page.goto(`${url}/${path}`)
    expect(answer?.status()).toBe(200)
    expect(await seriousBarriers(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(options.viewport.width)
    await keepPicture(page, `site-${name.replaceAll(/\W+/g, '-')}-${path.replaceAll(/\W+/g, '-')}`)
  }
  await page.context().close()
})

test('“my second save is refused and I don’t know why”: the answer by the search, and by two links', async () => {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage()
  await page.goto(`${url}/index.html`)
  const search = page.getByRole('combobox')
  await page.keyboard.press('/')
  await page.keyboard.type('zzzzqqq')
  await page.getByRole('status').getByRole('link', { name: 'Troubleshooting' }).waitFor()
  expect(await seriousBarriers(page)).toEqual([])
  await search.fill('stale_record')
  await page.getByRole('option').first().getByText('stale_record').waitFor()
  await search.fill('my second save is refused and I don’t know why')
  await page.getByRole('option').first().getByText('A second save is refused').waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL('**/troubleshooting.html#a-second-save-is-refused')

  await page.goto(`${url}/index.html`)
  await page.getByRole('main').getByRole('link', { name: 'Troubleshooting' }).click()
  await page.getByRole('main').getByRole('link', { name: 'A second save is refused' }).first().click()
  await page.waitForURL('**/troubleshooting.html#a-second-save-is-refused')
  await page.context().close()
})
