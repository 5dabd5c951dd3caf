// The pages of docs/without-react.md in a real browser, built as they stand: two people, one of them in a page without a framework.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import express from 'express'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { root } from '../architecture/sources.ts'
import { seriousBarriers } from '../support/accessibility.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { buildPage } from '../support/built-page.ts'
import { launchBrowser } from '../support/chromium.ts'
import { writeGuide } from '../support/guide.ts'
import { waitFor } from '../support/wait-for.ts'

let app: TestApp
let browser: Browser

beforeAll(async () => {
  await promisify(execFile)(process.execPath, [join(root, 'scripts/build.js')], { cwd: root })
  const folder = await writeGuide('docs/without-react.md', [
    'project.html',
    'page.ts',
    'useRecord.ts',
    'vue-page.ts',
    'record-store.ts',
  ])
  const [html, styles] = await Promise.all([
    readFile(join(folder, 'project.html'), 'utf8'),
    readFile(new URL('../../web/react/styles.css', import.meta.url), 'utf8'),
  ])
  const [plain, vue] = [
    await buildPage('plain', join(folder, 'page.ts')),
    await buildPage('vue', join(folder, 'vue-page.ts')),
  ]
  browser = await launchBrowser()
  app = await startApp({
    makeApp() {
      const own = express()
      own.get('/styles.css', (_request, response) => void response.type('css').send(styles))
      own.get(
        '/plain/',
        (_request, response) => void response.send(html.replace('/page.js', '/plain/page.js')),
      )
      own.get('/vue/', (_request, response) => {
        response.send('<!doctype html><div id="app"></div><script type="module" src="/vue/page.js"></script>')
      })
      for (const [name, files] of [
        ['plain', plain],
        ['vue', vue],
      ] as const)
        own.get(`/${name}/{*file}`, (request, response) => {
          response.type('js').send(files.get(request.path.slice(name.length + 1)) ?? '')
        })
      return own
    },
  })
})

async function open(path: string): Promise<Page> {
  const context = await browser.newContext({ baseURL: app.origin })
  await context.addCookies([{ name: 'session', value: 'alice', url: app.origin }])
  const page = await context.newPage()
  page.on('pageerror', (error) => expect.unreachable(String(error)))
  await page.goto(path)
  return page
}

async function saveAsBob(id: string, changes: object) {
  const { body } = await app.call('GET', `/records/project/${id}`, { as: 'bob' })
  const answer = await app.call('PATCH', `/records/project/${id}`, {
    ...{ as: 'bob', body: { client_version: body.data.version, changes } },
  })
  expect(answer.status).toBe(200)
}

it('a page that a server renders: shows, saves, is refused, follows, and loses nothing', async () => {
  const { body } = await app.call('POST', '/records/project', {
    body: { fields: { name: 'Harbour bridge', budget: 5 } },
  })
  expect(body.data.id).toBe('1')
  const page = await open('/plain/')
  const name = page.getByLabel('Name')
  await waitFor(async () => (await name.inputValue()) === 'Harbour bridge', { what: 'the record' })
  await page.locator('noclobber-pill [role=status][data-status=live]').waitFor()
  expect(await page.locator('[name=_csrf]').inputValue()).toBe('t0k3n')

  await saveAsBob('1', { status: 'active' })
  await page.locator('select[name=status][data-nc-highlight]').waitFor()
  expect(await page.getByLabel('Status').inputValue()).toBe('active')

  await name.fill('Tunnel')
  await saveAsBob('1', { budget: 7 })
  const banner = page.getByRole('status').filter({ hasText: 'Bob' })
  await banner.waitFor()
  expect(await name.inputValue()).toBe('Tunnel')
  await page.getByRole('button', { name: 'Merge' }).click()
  await waitFor(async () => (await page.getByLabel('Budget').inputValue()) === '7', { what: 'Bob’s budget' })
  await page.getByRole('button', { name: 'Save' }).click()
  await waitFor(
    async () => (await app.call('GET', '/records/project/1')).body.data.fields.name === 'Tunnel',
    {
      what: 'the save',
    },
  )

  await name.fill('')
  await page.keyboard.press('Control+s')
  await page.locator('[data-nc-error=name]').filter({ hasText: /./ }).waitFor()
  expect(await name.getAttribute('aria-invalid')).toBe('true')
  await name.fill('Tube')
  await saveAsBob('1', { name: 'Bob’s' })
  await page.getByRole('button', { name: 'Reload' }).click()
  await waitFor(async () => (await name.inputValue()) === 'Bob’s', { what: 'Bob’s name' })
  await page.getByRole('button', { name: 'Restore' }).click()
  await waitFor(async () => (await name.inputValue()) === 'Tube', { what: 'the edit' })
  await page.getByRole('button', { name: 'Reset' }).click()
  await waitFor(async () => (await name.inputValue()) === 'Bob’s', { what: 'the reset' })

  await page.getByLabel('Budget').fill('12')
  await page.getByLabel('Budget').press('End')
  await page.getByLabel('Budget').press('.')
  expect(await page.getByLabel('Budget').inputValue()).toMatch(/^12/)
  await page.getByLabel('Budget').press('5')
  await page.getByLabel('Starts on').fill('2026-12-01')
  await page.getByRole('button', { name: 'Save' }).click()
  await waitFor(
    async () => {
      const { fields } = (await app.call('GET', '/records/project/1')).body.data
      return Number(fields.budget) === 12.5 && fields.starts_on === '2026-12-01'
    },
    { what: 'the number and the date' },
  )
  await page.context().close()
})

it('a refused save shows both sides; what is decided is saved, and what the keyboard closes is kept', async () => {
  const page = await open('/plain/')
  const name = page.getByLabel('Name')
  await page.locator('noclobber-pill [data-status=live]').first().waitFor()
  const refuse = async (mine: string, theirs: string) => {
    await page.route('**/api/v1/records/project/1', (route) =>
      route.request().method() === 'PATCH'
        ? saveAsBob('1', { name: theirs, budget: null }).then(() => route.continue())
        : route.continue(),
    )
    await name.fill(mine)
    await name.press('Control+s')
    await dialog.getByText('Not saved: Bob').waitFor()
    await page.unroute('**/api/v1/records/project/1')
  }
  const dialog = page.getByRole('dialog', { name: 'Not saved' })
  await refuse('Mine', 'Theirs')
  expect(await name.evaluate((input) => input === document.activeElement)).toBe(true)
  await dialog.getByRole('button', { name: 'Save this' }).click()
  await dialog.getByText('Choose for: Name.').waitFor()
  const mine = dialog.getByRole('radio', { name: /Mine/ }).first()
  expect(await mine.evaluate((input) => input === document.activeElement)).toBe(true)
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  expect([await name.inputValue(), (await recordNow()).fields.name]).toEqual(['Mine', 'Theirs'])

  await page.getByRole('button', { name: 'Review changes' }).click()
  const review = page.getByRole('dialog', { name: 'Review changes' })
  await review.getByRole('radio', { name: /Mine/ }).first().check()
  expect(await seriousBarriers(page, 'noclobber-conflict')).toEqual([])
  await review.getByRole('button', { name: 'Save this' }).click()
  await waitFor(async () => (await recordNow()).fields.name === 'Mine', { what: 'the decision' })
  await review.waitFor({ state: 'detached' })

  await refuse('Mine too', 'Theirs too')
  await dialog.getByRole('button', { name: 'Reload latest' }).click()
  await waitFor(async () => (await name.inputValue()) === 'Theirs too', { what: 'Bob’s name' })
  await page.context().close()
})

const recordNow = async () => (await app.call('GET', '/records/project/1')).body.data

it('where an app’s resets are in no layer, the parts keep their look with unlayered.css, and lose it with styles.css', async () => {
  const page = await browser.newPage()
  const reset = '*{margin:0;padding:0} button{border:none;background:none;color:inherit;font:inherit}'
  const look = async (sheet: string) => {
    const rules = await readFile(join(root, 'dist/web/react', sheet), 'utf8')
    const button = '<button class="nc-button nc-primary">Save this</button>'
    await page.setContent(
      `<style>${rules}</style><style>${reset}</style><div class="nc-buttons">${button}</div>`,
    )
    return page.locator('button').evaluate((element) => {
      const { backgroundColor, color, paddingLeft } = getComputedStyle(element)
      return [backgroundColor, color, paddingLeft]
    })
  }
  expect(await look('unlayered.css')).toEqual(['rgb(26, 95, 208)', 'rgb(255, 255, 255)', '12px'])
  expect(await look('styles.css')).toEqual(['rgba(0, 0, 0, 0)', 'rgb(0, 0, 0)', '0px'])
  await page.context().close()
})

it('what is typed before the script is here is kept', async () => {
  const context = await browser.newContext({ baseURL: app.origin })
  await context.addCookies([{ name: 'session', value: 'alice', url: app.origin }])
  const page = await context.newPage()
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  await page.route('**/page.js', async (route) => {
    await held
    await route.continue()
  })
  await page.goto('/plain/', { waitUntil: 'commit' })
  await page.getByLabel('Name').fill('Typed early')
  release()
  await page.locator('noclobber-pill [data-status=live]').first().waitFor()
  await page.locator('button[aria-disabled]').waitFor({ state: 'detached' })
  expect(await page.getByLabel('Name').inputValue()).toBe('Typed early')
  await context.close()
})

it('Vue: v-model edits, a colleague’s save is shown or offered, and a save is guarded', async () => {
  const page = await open('/vue/')
  const name = page.getByLabel('Name')
  await waitFor(async () => (await name.inputValue()) !== '', { what: 'the record' })
  await saveAsBob('1', { name: 'From Bob' })
  await waitFor(async () => (await name.inputValue()) === 'From Bob', { what: 'Bob’s name' })
  await name.fill('From Alice')
  await saveAsBob('1', { budget: 99 })
  await page.getByRole('button', { name: 'Merge' }).click()
  await waitFor(async () => (await page.getByLabel('Budget').inputValue()) === '99', { what: 'Bob’s budget' })
  expect(await name.inputValue()).toBe('From Alice')
  await page.getByRole('button', { name: 'Save' }).click()
  await waitFor(
    async () => (await app.call('GET', '/records/project/1')).body.data.fields.name === 'From Alice',
    {
      what: 'the save',
    },
  )
  await page.context().close()
})
