// The demo in a real browser whose services are missing, throw or never answer: a record loads, is edited and saved, the other
// person sees it, and what a clipboard would not take is said.
import type { Browser, Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { launchBrowser } from '../support/chromium.ts'
import { type RunningDemo, startDemo } from '../support/demo.ts'
import { byRun } from '../support/short-run.ts'
import { waitFor } from '../support/wait-for.ts'

let demo: RunningDemo
let browser: Browser

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

const BROKEN: [string, () => void][] = [
  [
    'nothing answers',
    () => {
      const never = () => new Promise(() => {})
      Object.defineProperty(indexedDB, 'open', { value: () => new EventTarget() })
      Object.defineProperty(navigator.locks, 'request', { value: never })
      Object.defineProperty(navigator.locks, 'query', { value: never })
      Object.defineProperty(navigator.clipboard ?? {}, 'writeText', { value: never })
    },
  ],
  [
    'everything throws',
    () => {
      const throwing = () => {
        throw new DOMException('The page may not.', 'SecurityError')
      }
      for (const name of ['indexedDB', 'caches', 'localStorage', 'sessionStorage'] as const)
        Object.defineProperty(window, name, { get: throwing })
      for (const name of ['locks', 'clipboard'] as const)
        Object.defineProperty(navigator, name, { get: throwing })
      Object.defineProperty(window, 'BroadcastChannel', { value: throwing })
    },
  ],
  [
    'nothing is there',
    () => {
      for (const name of ['indexedDB', 'BroadcastChannel'] as const)
        Object.defineProperty(window, name, { value: undefined })
      for (const name of ['locks', 'clipboard'] as const)
        Object.defineProperty(navigator, name, { value: undefined })
      Reflect.deleteProperty(URLSearchParams.prototype, 'size')
    },
  ],
]

const name = (page: Page) => page.getByLabel('Name', { exact: true })

it.each(byRun({ short: BROKEN.slice(0, 1), full: BROKEN }))(
  'where %s a record is loaded, saved and followed',
  async (_what, breakIt) => {
    const id = await demo.createProject({ name: 'Harbour bridge' })
    const alice = await demo.signIn(browser, 'alice')
    await alice.context().addInitScript(breakIt)
    await alice.context().addInitScript(() => {
      document.execCommand = () => false
    })
    const errors: string[] = []
    alice.on('pageerror', (error) => errors.push(error.message))
    await alice.goto(`${demo.url}/projects/${id}`)
    await waitFor(async () => (await name(alice).inputValue()) === 'Harbour bridge', { what: 'the record' })
    await name(alice).fill('Harbour tunnel')
    await alice.getByRole('button', { name: 'Save', exact: true }).click()
    const bob = await demo.open(browser, 'bob', { path: `/projects/${id}` })
    await waitFor(async () => (await name(bob).inputValue()) === 'Harbour tunnel', { what: 'her save' })
    await name(bob).fill('Harbour ferry')
    await bob.getByRole('button', { name: 'Save', exact: true }).click()
    await waitFor(async () => (await name(alice).inputValue()) === 'Harbour ferry', {
      what: 'the save by Bob',
    })
    await alice.goto(`${demo.url}/projects`)
    await alice.getByText('Harbour ferry').first().waitFor()
    await alice.goto(`${demo.url}/projects/${id}`)
    await waitFor(async () => (await name(alice).inputValue()) === 'Harbour ferry', {
      what: 'the record again',
    })
    await name(alice).fill('a word of hers')
    await fetch(`${demo.url}/api/v1/records/project/${id}`, {
      method: 'DELETE',
      headers: { authorization: 'Bearer demo:bob', 'content-type': 'application/json' },
      body: JSON.stringify({ client_version: 3 }),
    })
    await alice.getByRole('button', { name: 'Copy my edits' }).click()
    await alice.getByText('Not copied: the browser doesn’t allow it.').waitFor()
    expect(errors).toEqual([])
    await Promise.all([alice.context().close(), bob.context().close()])
  },
)

it('a clock put back an hour, and one that slept for eight hours, cost no change and no time that runs backwards', async () => {
  const id = await demo.createProject({ name: 'Harbour bridge' })
  const alice = await demo.open(browser, 'alice', { path: `/projects/${id}` })
  await waitFor(async () => (await name(alice).inputValue()) === 'Harbour bridge', { what: 'the record' })
  const bob = await demo.open(browser, 'bob', { path: `/projects/${id}` })
  for (const [at, hours] of [-1, 8].entries()) {
    await alice.evaluate((by) => {
      const now = Date.now
      Date.now = () => now() + by * 3_600_000
    }, hours)
    await waitFor(async () => (await name(bob).inputValue()) !== '', { what: 'the record' })
    await name(bob).fill(`Harbour tunnel ${at}`)
    await bob.getByRole('button', { name: 'Save', exact: true }).click()
    await waitFor(async () => (await name(alice).inputValue()) === `Harbour tunnel ${at}`, {
      what: 'the save by Bob',
    })
    expect(await alice.getByText(/\b(-\d+|in) \w+ ago/).count()).toBe(0)
  }
  await Promise.all([alice.context().close(), bob.context().close()])
})
