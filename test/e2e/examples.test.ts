// The folders of docs/examples as somebody who copied one has them: started by their own command beside the built package, and
// used by two people in a browser.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { root, textOf } from '../architecture/sources.ts'
import { atEnd } from '../support/at-end.ts'
import { buildPackage } from '../support/built.ts'
import { launchBrowser } from '../support/chromium.ts'
import { freshDatabase } from '../support/postgres.ts'
import { byRun } from '../support/short-run.ts'
import { waitFor } from '../support/wait-for.ts'

/** Packages that are installed here under another name. The minimal one is run by test/architecture/package.test.ts. */
const EXAMPLES: Record<string, Record<string, string>> = {
  'react18-express4': { express: 'express4' },
  'tanstack-query': {},
  'react-hook-form': {},
  vue: {},
}
const FIRST = 'react18-express4'
const MOST_LINES = 100
/** Vite bundles what a page imports before it serves the page. */
const SLOW = { deadlineMs: 90_000 }

let browser: Browser
let copies: string

beforeAll(async () => {
  const parent = join(root, '.noclobber')
  await mkdir(parent, { recursive: true })
  copies = await mkdtemp(join(parent, 'examples-'))
  atEnd(() => rm(copies, { recursive: true, force: true }))
  await buildPackage()
  // Not a link: Vite takes what is linked for sources of the app.
  const installed = join(copies, 'node_modules/noclobber')
  await cp(join(root, 'dist'), join(installed, 'dist'), { recursive: true })
  await cp(join(root, 'package.json'), join(installed, 'package.json'))
  browser = await launchBrowser()
})

/** Its address, once it serves. */
async function start(name: string): Promise<string> {
  const folder = join(copies, name)
  await cp(join(root, 'docs/examples', name), folder, { recursive: true })
  for (const [as, from] of Object.entries(EXAMPLES[name] ?? {})) {
    await mkdir(join(folder, 'node_modules'), { recursive: true })
    await symlink(join(root, 'node_modules', from), join(folder, 'node_modules', as))
  }
  const { scripts } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const { url } = await freshDatabase({ migrated: false })
  const [, file = ''] = /^node (\S+)$/.exec(scripts.start) ?? []
  const app = spawn(process.execPath, [file], {
    cwd: folder,
    env: { ...process.env, NODE_ENV: '', DATABASE_URL: url, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let written = ''
  app.stderr.on('data', (text) => {
    written += text
  })
  const ended = once(app, 'exit')
  atEnd(async () => {
    app.kill('SIGTERM')
    await ended
  })
  for await (const line of createInterface(app.stdout)) {
    const [address] = /http:\/\/localhost:\d+/.exec(line) ?? []
    if (address) return address
  }
  throw new Error(`${name} did not start: ${written}`)
}

/** Mistakes of a developer, in a module of the app's own that its development server transforms. */
const MISTAKES = `import { createRecordClient } from 'noclobber/client'
const open = (options, ...list) =>
  createRecordClient({ token: () => 'alice', userId: () => 'alice', ...options }).liveList(...list).subscribe(() => {})
open({}, 'boat')
open({}, 'project', { scope: { name: 'Tunnel' } })
open({ socketPath: '/nowhere' }, 'project')
`

/** What the console of a page in development says of them. */
async function warnsOf(page: Page, folder: string) {
  const warned: string[] = []
  page.on('console', (message) => void (message.type() === 'warning' && warned.push(message.text())))
  await writeFile(join(folder, 'mistakes.js'), MISTAKES)
  await page.evaluate(`import('/mistakes.js')`)
  for (const sentence of [
    /^noclobber: The list of “boat” is not watched \(not_found\): is a type of that name declared/,
    /^noclobber: The list of “project” can't be watched by \{"name":"Tunnel"\}: name these columns in `lists`/,
    /^noclobber: No socket at \/nowhere so far/,
  ])
    await waitFor(() => warned.some((text) => sentence.test(text)), {
      what: () => `${sentence}, in ${warned.join(' | ')}`,
      ...SLOW,
    })
}

test('each folder of docs/examples is here', async () => {
  const entries = await readdir(join(root, 'docs/examples'), { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  expect(folders.toSorted()).toEqual(['minimal', ...Object.keys(EXAMPLES)].toSorted())
  for (const name of folders) expect(textOf('docs/examples/README.md')).toContain(`| [${name}](${name}/`)
})

test('examples that differ in their pages alone have one server', () => {
  const [one, ...others] = ['tanstack-query', 'react-hook-form', 'vue'].map((name) =>
    textOf(`docs/examples/${name}/server.js`),
  )
  for (const other of others) expect(other).toBe(one)
})

test.each(Object.keys(EXAMPLES))(`%s has fewer than ${MOST_LINES} lines of code`, async (name) => {
  const files = (await readdir(join(root, 'docs/examples', name))).filter((file) => /\.jsx?$/.test(file))
  const lines = files.flatMap((file) => textOf(`docs/examples/${name}/${file}`).split('\n'))
  expect(lines.filter((line) => line.trim() !== '').length).toBeLessThan(MOST_LINES)
})

test.each(Object.keys(EXAMPLES).slice(0, byRun({ short: 1, full: 9 })))(
  '%s: what the other saves is shown, and what is typed stays',
  async (name) => {
    const address = await start(name)
    const wrong: string[] = []
    const open = async (person: string) => {
      const page = await (await browser.newContext()).newPage()
      page.setDefaultTimeout(SLOW.deadlineMs)
      page.on('pageerror', (error) => wrong.push(String(error)))
      await page.goto(`${address}/?name=${person}`)
      const [field, budget] = [
        page.getByLabel('Name', { exact: true }),
        page.getByLabel('Budget', { exact: true }),
      ]
      await field.waitFor()
      await waitFor(async () => (await field.inputValue()) === 'Harbour bridge', {
        ...{ what: `${person}’s record`, deadlineMs: SLOW.deadlineMs },
      })
      return {
        page,
        field,
        budget,
        save: () => page.getByRole('button', { name: 'Save', exact: true }).click(),
      }
    }
    const alice = await open('alice')
    const bob = await open('bob')
    await alice.field.fill('Tunnel')
    await bob.budget.fill('7')
    await bob.save()
    await alice.page.getByRole('status').filter({ hasText: 'bob' }).first().waitFor()
    expect(await alice.field.inputValue()).toBe('Tunnel')

    // Refused: both sides are shown, and nothing is written.
    await alice.save()
    const dialog = alice.page.locator('dialog')
    await dialog.waitFor()
    expect(await dialog.innerText()).toContain('Tunnel')
    await bob.page.reload()
    await waitFor(async () => (await bob.budget.inputValue()) === '7', { what: 'what is saved' })
    expect(await bob.field.inputValue()).toBe('Harbour bridge')
    expect(wrong).toEqual([])
    if (name === FIRST) await warnsOf(alice.page, join(copies, name))
    await Promise.all([alice, bob].map(({ page }) => page.context().close()))
  },
)
