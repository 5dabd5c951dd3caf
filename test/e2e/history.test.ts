// What a project was, and what is suggested for it, as two people use it in two browsers: a version comes back against somebody's
// save, a suggestion is accepted twice at once, and one outlives its project.
import type { Browser, Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { seriousBarriers } from '../support/accessibility.ts'
import { launchBrowser } from '../support/chromium.ts'
import { button, field, keepPicture, openProject, type RunningDemo, startDemo } from '../support/demo.ts'

let demo: RunningDemo
let browser: Browser

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

const call = async (method: string, path: string, body: object, as = 'bob') => {
  const answer = await fetch(`${demo.url}/api/v1/records/project/${path}`, {
    method,
    headers: { authorization: `Bearer demo:${as}`, 'content-type': 'application/json' },
    ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, ...(text && JSON.parse(text)) }
}
const save = (id: number, version: number, changes: object) =>
  call('PATCH', String(id), { client_version: version, changes })
const read = async (id: number) => (await call('GET', String(id), {})).data

it('a value of before comes back; against somebody’s save both sides are shown, and nothing is lost', async () => {
  const id = await demo.createProject({ description: 'A footbridge across the inner harbour, of oak.' })
  await save(id, 1, { name: 'Ferry dock', description: 'A footbridge across the outer harbour, of steel.' })
  const [alice, bob] = [
    await openProject(demo, browser, 'alice', id),
    await openProject(demo, browser, 'bob', id),
  ]
  const history = alice.getByRole('region', { name: 'History' })
  await history.getByText('Changed by Bob').waitFor()
  expect(await history.locator('ins').allInnerTexts()).toEqual(expect.arrayContaining(['outer', 'steel']))
  // Bob saves the same field after Alice has asked, and before the server has.
  await alice.route('**/restore', async (route) => {
    await save(id, 2, { name: 'Ferry port' })
    await route.continue()
  })
  await history.locator('summary').first().click()
  await button(alice, 'Restore this value: Name of version 1').click()
  const dialog = alice.getByRole('dialog')
  await dialog.getByText(/Not saved: Bob saved version 3/).waitFor()
  expect(await dialog.innerText()).toMatch(/Ferry port[\s\S]*Harbour bridge|Harbour bridge[\s\S]*Ferry port/)
  await history.getByText('Others have changed the same since').waitFor()
  await alice.unroute('**/restore')
  await dialog.getByText('Mine', { exact: true }).click()
  await button(alice, 'Save this').click()
  await alice.getByText('All saved').first().waitFor()
  expect(await read(id)).toMatchObject({ version: 4, fields: { name: 'Harbour bridge' } })
  await bob.waitForFunction(
    () => document.querySelector<HTMLInputElement>('[name="name"]')?.value === 'Harbour bridge',
  )

  await button(alice, 'Restore version 1').click()
  await history.getByText('Restored, as version 5.').waitFor()
  await history.getByText('Brought back version 1.').waitFor()
  expect(await read(id)).toMatchObject({ version: 5, fields: { description: /of oak/ } })
  await button(alice, 'Undo my last save').click()
  await history.getByText('Restored, as version 6.').waitFor()
  expect((await read(id)).fields.description).toContain('of steel')

  await alice.getByLabel('What did it look like on').fill('2001-05-03T10:00')
  await button(alice, 'Show').click()
  await history.getByText('It was not there at that time.').waitFor()
  await alice.getByLabel('What did it look like on').fill('2101-05-03T10:00')
  await button(alice, 'Show').click()
  await history.getByText(/it was version 6/).waitFor()
  await keepPicture(alice, 'history-1280')
  expect(await seriousBarriers(alice, '.nc-history')).toEqual([])
  const phone = await openProject(demo, browser, 'bob', id, {
    viewport: { width: 360, height: 740 },
    colorScheme: 'dark',
  })
  await phone.getByRole('region', { name: 'History' }).scrollIntoViewIfNeeded()
  await phone.getByText('Brought back version 1.').waitFor()
  await keepPicture(phone, 'history-360-dark', true)
  expect(await phone.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  expect(await seriousBarriers(phone, '.nc-history')).toEqual([])

  // While Alice types, her form shows version 6; of the newest there is nothing to bring back.
  await field(alice, 'Client').fill('typed by Alice')
  await save(id, 6, { name: 'Ferry quay' })
  await history.getByText('Version 7', { exact: true }).waitFor()
  expect(await button(alice, 'Restore version 7').count()).toBe(0)
  expect(await button(alice, 'Restore version 1').count()).toBe(1)
  await Promise.all([alice, bob, phone].map((page) => page.context().close()))
})

it('who may not save proposes; two accept at once, and it is saved once', async () => {
  const id = await demo.createProject()
  const [pia, alice, bob] = [
    await openProject(demo, browser, 'pia', id),
    await openProject(demo, browser, 'alice', id),
    await openProject(demo, browser, 'bob', id),
  ]
  await button(pia, 'Propose').waitFor()
  expect(await pia.getByRole('button', { name: 'Save', exact: true }).count()).toBe(0)
  await field(pia, 'Name').fill('Harbour bridge, renewed')
  await field(pia, 'Client').fill('State of Hesse')
  await pia.getByLabel('Why (for who decides)').fill('The city has sold it.')
  await button(pia, 'Propose').click()
  await pia.getByText('Your changes are proposed.').waitFor()
  expect(await field(pia, 'Name').inputValue()).toBe('Harbour bridge')
  for (const page of [alice, bob]) {
    await page.getByText('1 suggestion', { exact: true }).click()
    await page.getByText('Pia suggests').waitFor()
    await page.getByText('The city has sold it.').waitFor()
  }
  await keepPicture(alice, 'suggestions-1280')
  expect(await seriousBarriers(alice, '.nc-suggestions')).toEqual([])
  await alice.getByLabel('Take Client').uncheck()
  await Promise.all([button(alice, 'Accept the chosen ones').click(), button(bob, 'Accept').click()])
  const said = async (page: Page) => page.locator('.nc-suggestions [role="status"]').innerText()
  for (const page of [alice, bob])
    await page.waitForFunction(
      () => document.querySelector('.nc-suggestions [role="status"]')?.textContent !== '',
    )
  const outcomes = await Promise.all([alice, bob].map(said))
  expect(outcomes.filter((text) => text === 'Accepted, as version 2.')).toHaveLength(1)
  expect(outcomes.filter((text) => /decided about it before/.test(text))).toHaveLength(1)
  expect(await read(id)).toMatchObject({ version: 2, fields: { name: 'Harbour bridge, renewed' } })
  await pia.waitForFunction(() =>
    document.querySelector<HTMLInputElement>('[name="name"]')?.value.endsWith('renewed'),
  )
  await Promise.all([pia, alice, bob].map((page) => page.context().close()))
})

it('an older suggestion shows both sides; one whose project is gone saves nothing', {
  tags: 'full',
}, async () => {
  const id = await demo.createProject()
  const propose = async (version: number, changes: object) =>
    call('POST', `${id}/proposals`, { client_version: version, changes }, 'pia')
  await propose(1, { name: 'Pia’s bridge' })
  await save(id, 1, { name: 'Bob’s bridge' })
  const alice = await openProject(demo, browser, 'alice', id, { viewport: { width: 360, height: 740 } })
  await alice.getByText('1 suggestion', { exact: true }).click()
  await button(alice, 'Accept').click()
  const dialog = alice.getByRole('dialog')
  await dialog.getByText(/Pia’s suggestion is older than version 2/).waitFor()
  await keepPicture(alice, 'suggestions-360')
  await dialog.getByText('Suggested', { exact: true }).click()
  await button(alice, 'Save this').click()
  await alice.getByText('Accepted, as version 3.').waitFor()
  expect(await read(id)).toMatchObject({ version: 3, fields: { name: 'Pia’s bridge' } })

  await alice.getByText('1 suggestion', { exact: true }).waitFor({ state: 'detached' })
  await propose(3, { client: 'Nobody' })
  await alice.getByText('1 suggestion', { exact: true }).waitFor()
  await alice.route('**/accept', async (route) => {
    await call('DELETE', String(id), { client_version: 3 })
    await route.continue()
  })
  await alice.getByText('1 suggestion', { exact: true }).click()
  await button(alice, 'Accept').click()
  await alice.getByText(/Not accepted: /).waitFor()
  await alice.getByText('Deleted by Bob').first().waitFor()
  expect(await call('GET', String(id), {})).toMatchObject({ status: 410 })
  await alice.context().close()
})

it('what waits for a decision is found without its record, and goes from both pages when it is decided', async () => {
  const [first, second] = [
    await demo.createProject({ name: 'Canal lock' }),
    await demo.createProject({ name: 'Weir' }),
  ]
  const propose = (id: number, changes: object) =>
    call('POST', `${id}/proposals`, { client_version: 1, changes, note: 'As agreed.' }, 'pia')
  await propose(first, { client: 'Port of Emden', description: 'Gates of steel.' })
  const alice = await demo.signIn(browser, 'alice', { reducedMotion: 'reduce' })
  const pia = await demo.signIn(browser, 'pia', { viewport: { width: 360, height: 740 } })
  for (const page of [alice, pia]) await page.goto(`${demo.url}/projects`)
  const waiting = alice.locator('.open-suggestions')
  await waiting.getByText('Suggestions to decide about (1)').click()
  await waiting.getByText('Canal lock').waitFor()
  await pia.getByText('Your open suggestions (1)').click()
  await propose(second, { name: 'Weir and sluice' })
  await waiting.getByText('Suggestions to decide about (2)').waitFor()
  await pia.getByText('Your open suggestions (2)').waitFor()
  await keepPicture(alice, 'open-suggestions-1280')
  await keepPicture(pia, 'open-suggestions-360')
  expect(await seriousBarriers(alice, '.open-suggestions')).toEqual([])

  // The one that waits longer stands first; Bob has changed the same of the other since.
  const [canal, weir] = [0, 1].map((at) => waiting.locator('[data-slot="nc-open-suggestion"]').nth(at))
  await canal?.getByLabel('Take Client').uncheck()
  await canal?.getByRole('button', { name: 'Accept the chosen ones' }).click()
  await waiting.getByText('Accepted, as version 2.').waitFor()
  await waiting.getByText('Suggestions to decide about (1)').waitFor()
  expect(await read(first)).toMatchObject({ version: 2, fields: { description: 'Gates of steel.' } })
  await save(second, 1, { name: 'Weir, old' })
  await canal?.getByRole('button', { name: 'Accept' }).click()
  const dialog = alice.getByRole('dialog')
  await dialog.getByText(/Pia’s suggestion is older than version 2/).waitFor()
  await dialog.getByText('Suggested', { exact: true }).click()
  await button(alice, 'Save this').click()
  await waiting.getByText('Nothing waits for your decision.').waitFor()
  expect(await weir?.count()).toBe(0)
  expect(await read(second)).toMatchObject({ version: 3, fields: { name: 'Weir and sluice' } })
  await pia.getByText('You have no open suggestions.').waitFor()
  await Promise.all([alice, pia].map((page) => page.context().close()))
})

it('a deleted project comes back with its tasks, once, and the other page sees it', {
  tags: 'full',
}, async () => {
  const name = `Quay wall ${crypto.randomUUID().slice(0, 8)}`
  const id = await demo.createProject({ name })
  const tasks = async () => {
    const answer = await fetch(`${demo.url}/api/v1/records/task?project_id=${id}`, {
      headers: { authorization: 'Bearer demo:bob' },
    })
    return ((await answer.json()) as { data: { fields: { title: string } }[] }).data.map(
      ({ fields }) => fields.title,
    )
  }
  await fetch(`${demo.url}/api/v1/records/task`, {
    method: 'POST',
    headers: { authorization: 'Bearer demo:bob', 'content-type': 'application/json' },
    body: JSON.stringify({ fields: { project_id: id, title: 'Drive the piles' } }),
  })
  expect((await call('DELETE', String(id), { client_version: 1 })).status).toBe(204)
  expect(await tasks()).toEqual([])
  const [alice, bob] = [await demo.open(browser, 'alice'), await demo.open(browser, 'bob')]
  for (const page of [alice, bob]) {
    await page.getByText('Deleted projects').click()
    await page.getByRole('region', { name: 'Deleted' }).getByText(name).waitFor()
  }
  const region = alice.getByRole('region', { name: 'Deleted' })
  await region.getByText('Deleted by Bob').first().waitFor()
  await region.scrollIntoViewIfNeeded()
  await keepPicture(alice, 'deleted-1280')
  await alice.emulateMedia({ colorScheme: 'dark' })
  await keepPicture(alice, 'deleted-1280-dark')
  expect(await seriousBarriers(alice, '.deleted-projects')).toEqual([])
  // Bob asks when Alice’s answer is already on its way.
  const asked = alice.waitForResponse('**/restore')
  await button(alice, `Bring back: ${name}`).click()
  expect((await asked).status()).toBe(200)
  await region.getByText(`${name} is back.`).waitFor()
  expect(await tasks()).toEqual(['Drive the piles'])
  await bob.getByRole('region', { name: 'Deleted' }).getByText(name).waitFor({ state: 'detached' })
  await bob.getByRole('searchbox').fill(name)
  await bob.getByRole('link', { name }).waitFor()
  expect((await call('POST', `${id}/restore`, { client_version: 2 })).code).toBe('stale_record')
  await Promise.all([alice, bob].map((page) => page.context().close()))

  const phone = await demo.open(browser, 'vera', {
    viewport: { width: 360, height: 740 },
    colorScheme: 'dark',
  })
  const other = await demo.createProject({ name: `${name}, second` })
  await call('DELETE', String(other), { client_version: 1 })
  await phone.getByText('Deleted projects').click()
  await phone.getByRole('region', { name: 'Deleted' }).getByText(`${name}, second`).waitFor()
  expect(await phone.getByRole('button', { name: /Bring back/ }).count()).toBe(0)
  await phone.getByRole('region', { name: 'Deleted' }).scrollIntoViewIfNeeded()
  await keepPicture(phone, 'deleted-360-dark')
  await phone.emulateMedia({ colorScheme: 'light' })
  await keepPicture(phone, 'deleted-360')
  expect(await phone.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  await phone.context().close()
})

it('an import is undone; what somebody has changed since stays', { tags: 'full' }, async () => {
  const prefix = crypto.randomUUID().slice(0, 8)
  const [alice, bob] = [await demo.open(browser, 'alice'), await demo.open(browser, 'bob')]
  await alice.getByRole('button', { name: 'Import…' }).click()
  await alice.locator('input[type="file"]').setInputFiles({
    name: 'projects.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(
      `name,number\n${[1, 2, 3, 4].map((row) => `Rail ${prefix} ${row},${prefix}-${row}\n`).join('')}`,
    ),
  })
  await button(alice, 'Import 4 rows').click()
  await alice.getByText('Done: 4 created.').waitFor()
  await bob.getByRole('searchbox').fill(prefix)
  await bob.getByRole('link', { name: `Rail ${prefix} 3` }).waitFor()
  const list = await call('GET', '?limit=1000', {})
  const third = list.data.find(
    ({ fields }: { fields: { number: string } }) => fields.number === `${prefix}-3`,
  )
  expect((await save(third.id, 1, { client: 'Bob’s' })).status).toBe(200)
  await button(alice, 'Undo this import').click()
  await alice.getByText(/^Undone: 3 rows\. 1 row stays as it is/).waitFor()
  await keepPicture(alice, 'undo-import-1280')
  await alice.setViewportSize({ width: 360, height: 740 })
  await alice.emulateMedia({ colorScheme: 'dark' })
  await keepPicture(alice, 'undo-import-360-dark')
  expect(await seriousBarriers(alice, 'dialog[open]')).toEqual([])
  await bob.getByRole('link', { name: `Rail ${prefix} 1` }).waitFor({ state: 'detached' })
  expect(await bob.getByRole('link', { name: `Rail ${prefix} 3` }).count()).toBe(1)
  expect(await read(third.id)).toMatchObject({ version: 2, fields: { client: 'Bob’s' } })
  await Promise.all([alice, bob].map((page) => page.context().close()))
})
