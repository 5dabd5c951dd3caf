// A program as a colleague, as two people see it in two browsers: an agent of the official SDK, for Alice, saves and proposes by the demo's
// /mcp while Bob edits the same project. Banner, history and suggestions say who it was, and for whom; nothing of anybody is lost.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { seriousBarriers } from '../support/accessibility.ts'
import { atEnd } from '../support/at-end.ts'
import { launchBrowser } from '../support/chromium.ts'
import { button, field, keepPicture, openProject, type RunningDemo, startDemo } from '../support/demo.ts'

let demo: RunningDemo
let browser: Browser

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

/** Claude, for this person. */
const agentFor = async (person: string) => {
  const client = new Client({ name: 'claude', version: '1' })
  const headers = { Authorization: `Bearer demo:claude@${person}` }
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${demo.url}/mcp`), { requestInit: { headers } }),
  )
  atEnd(() => client.close())
  // biome-ignore lint/suspicious/noExplicitAny: the tools' own
  return async (name: string, input: Record<string, unknown>): Promise<any> => {
    const { structuredContent, isError } = await client.callTool({ name, arguments: input })
    return { ...(structuredContent as object), isError }
  }
}
const close = (...pages: Page[]) => Promise.all(pages.map((page) => page.context().close()))

it('an agent saves while a person edits: the banner says for whom, and both are saved', async () => {
  const number = await demo.createProject()
  const id = String(number)
  const [alice, bob] = [
    await openProject(demo, browser, 'alice', number),
    await openProject(demo, browser, 'bob', number, { viewport: { width: 1280, height: 900 } }),
  ]
  const claude = await agentFor('alice')
  await field(bob, 'Name').fill('Bob’s bridge')
  const read = await claude('project_read', { id })
  const saved = await claude('project_save', {
    id,
    client_version: read.data.version,
    changes: { client: 'State of Hesse' },
  })
  expect(saved).toMatchObject({ isError: false, data: { version: 2 } })
  await bob
    .getByText(/Updated by Claude, for Alice/)
    .first()
    .waitFor()
  await keepPicture(bob, 'agent-banner-1280')
  await alice.waitForFunction(
    () => document.querySelector<HTMLInputElement>('[name="client"]')?.value === 'State of Hesse',
  )
  await alice.getByRole('region', { name: 'History' }).getByText('Changed by Claude, for Alice').waitFor()
  await button(bob, 'Save').click()
  await bob.getByText('All saved').first().waitFor()

  // What it built on is old: it is said what changed, and nothing is written. It decides anew.
  const stale = await claude('project_save', { id, client_version: 2, changes: { name: 'Claude’s bridge' } })
  expect(stale).toMatchObject({ isError: true, code: 'stale_record', changed_fields: ['name'] })
  expect(stale.current.fields).toMatchObject({ name: 'Bob’s bridge', client: 'State of Hesse' })
  const proposed = await claude('project_propose', {
    id,
    client_version: stale.current.version,
    changes: { name: 'Bob’s bridge, lot 2' },
    note: 'There is a second lot.',
  })
  expect(proposed).toMatchObject({ isError: false, data: { state: 'open' } })
  await bob.getByText('1 suggestion', { exact: true }).click()
  await bob.getByText('Claude, for Alice suggests').waitFor()
  await bob.getByText('There is a second lot.').waitFor()
  await bob.locator('.nc-suggestions').scrollIntoViewIfNeeded()
  await keepPicture(bob, 'agent-suggestion-1280')
  expect(await seriousBarriers(bob, '.nc-suggestions')).toEqual([])
  await button(bob, 'Accept').click()
  await bob.getByText('Accepted, as version 4.').waitFor()
  await alice.waitForFunction(() =>
    document.querySelector<HTMLInputElement>('[name="name"]')?.value.endsWith('lot 2'),
  )
  const now = await claude('project_read', { id })
  expect(now.data).toMatchObject({
    version: 4,
    fields: { name: 'Bob’s bridge, lot 2', client: 'State of Hesse' },
  })

  const phone = await openProject(demo, browser, 'vera', number, { viewport: { width: 360, height: 740 } })
  await field(phone, 'Name').waitFor()
  const history = phone.getByRole('region', { name: 'History' })
  await history.scrollIntoViewIfNeeded()
  await history.getByText('Changed by Claude, for Alice').waitFor()
  await history.getByText('Agent', { exact: true }).waitFor()
  await history.getByText('Suggested by Claude, for Alice.').waitFor()
  await keepPicture(phone, 'agent-history-360', true)
  expect(await phone.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  await close(alice, bob, phone)
})

it('an agent and a person save the same field at once: one is refused, and both sides are shown', {
  tags: 'full',
}, async () => {
  const number = await demo.createProject()
  const id = String(number)
  const bob = await openProject(demo, browser, 'bob', number, { viewport: { width: 360, height: 740 } })
  const claude = await agentFor('alice')
  await field(bob, 'Name').fill('Bob’s bridge')
  await bob.route(`**/records/project/${id}`, async (route) => {
    if (route.request().method() === 'PATCH')
      await claude('project_save', { id, client_version: 1, changes: { name: 'Claude’s bridge' } })
    await route.continue()
  })
  await button(bob, 'Save').click()
  const dialog = bob.getByRole('dialog')
  await dialog.getByText(/Not saved: Claude, for Alice saved version 2/).waitFor()
  await keepPicture(bob, 'agent-conflict-360')
  expect(await dialog.innerText()).toMatch(
    /Claude’s bridge[\s\S]*Bob’s bridge|Bob’s bridge[\s\S]*Claude’s bridge/,
  )
  await bob.unroute(`**/records/project/${id}`)
  await dialog.getByText('Mine', { exact: true }).click()
  await button(bob, 'Save this').click()
  await bob.getByText('All saved').first().waitFor()
  const { data } = await claude('project_history', { id })
  expect(data.map(({ version }: { version: number }) => version)).toEqual([3, 2, 1])
  await close(bob)
})

it('what its person may not, it may not; what it proposed for them they may withdraw; the panel has one of its own', {
  tags: 'full',
}, async () => {
  const number = await demo.createProject()
  const id = String(number)
  const claude = await agentFor('pia')
  const change = { id, client_version: 1, changes: { name: 'Claude’s bridge' } }
  expect(await claude('project_save', change)).toMatchObject({ isError: true, code: 'forbidden' })
  expect(await claude('project_propose', change)).toMatchObject({ isError: false })
  const pia = await openProject(demo, browser, 'pia', number, { viewport: { width: 360, height: 740 } })
  await pia.getByText('1 suggestion', { exact: true }).click()
  await pia.getByText('Claude, for Pia suggests').waitFor()
  await keepPicture(pia, 'agent-withdraw-360')
  await button(pia, 'Withdraw').click()
  await pia.getByText('1 suggestion', { exact: true }).waitFor({ state: 'detached' })
  const foreign = await agentFor('gina')
  expect(await foreign('project_read', { id })).toMatchObject({ isError: true, code: 'not_found' })
  const alice = await openProject(demo, browser, 'alice', number)
  const open = alice.getByRole('button', { name: /what happens underneath/ })
  if ((await open.count()) > 0) await open.click()
  await button(alice, 'Claude, for you, changes the status').click()
  await alice.getByRole('region', { name: 'History' }).getByText('Changed by Claude, for Alice').waitFor()
  await close(pia, alice)
})
