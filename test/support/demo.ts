// The demo as its users run it: the built server in a process of its own, on a fresh database and a free port.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Knex } from 'knex'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { freePort } from '../../scripts/free-port.js'
import { prepareDatabase } from '../../server/demo/seed.ts'
import { atEnd } from './at-end.ts'
import { buildPackage } from './built.ts'
import { freshDatabase } from './postgres.ts'
import { waitFor } from './wait-for.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

type DemoPerson = 'alice' | 'bob' | 'pia' | 'vera' | 'gina'

interface OpenOptions extends BrowserContextOptions {
  path?: string
}

export interface RunningDemo {
  url: string
  databaseUrl: string
  /** A page of somebody who is signed in, in a context of their own, that has not gone anywhere. */
  signIn(browser: Browser, person: DemoPerson, options?: BrowserContextOptions): Promise<Page>
  /** The same, gone to a path of the demo. Default: the projects. */
  open(browser: Browser, person: DemoPerson, options?: OpenOptions): Promise<Page>
  /** A new project of Bob's; gives its id. A test that makes its own can be tried again. */
  createProject(fields?: object): Promise<number>
}

const PROJECT = {
  ...{ name: 'Harbour bridge', number: 'P-071', client: 'City of Bonn', status: 'active', budget: 125_000 },
  ...{
    starts_on: '2027-01-11',
    ends_on: '2027-09-30',
    description: 'A footbridge across the inner harbour.',
  },
}

const isUp = (url: string) =>
  fetch(`${url}/healthz`).then(
    (answer) => answer.ok,
    () => false,
  )

const PARTS = 1_000
/** Its tables with what is in them at its first start, which then finds them there. */
const DEMO_TABLES = {
  name: 'demo',
  make: (connection: Knex) => prepareDatabase(connection, { parts: PARTS }),
}

/** Builds what isn't built, starts it, and stops it at the end of the file; its exit code must be 0. */
export async function startDemo(environment: Record<string, string> = {}): Promise<RunningDemo> {
  await buildPackage()
  const { url: databaseUrl } = await freshDatabase({ migrated: false, tables: DEMO_TABLES })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(process.execPath, ['dist/server/demo/main.js'], {
    cwd: root,
    env: {
      ...process.env,
      NODE_ENV: 'production',
      DATABASE_URL: databaseUrl,
      PORT: String(port),
      DEMO_PARTS: String(PARTS),
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  atEnd(async () => {
    if (child.exitCode !== null) throw new Error(`The demo ended by itself with code ${child.exitCode}.`)
    child.kill('SIGTERM')
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new Error(`The demo ended with code ${code}.`)
  })
  await waitFor(() => isUp(url), { what: 'the demo answers', deadlineMs: 120_000 })
  const signIn: RunningDemo['signIn'] = async (browser, person, options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options })
    const answer = await context.request.post(`${url}/demo/session`, { data: { user: person } })
    if (!answer.ok()) throw new Error(`${person} is not signed in: ${await answer.text()}`)
    return context.newPage()
  }
  return {
    url,
    databaseUrl,
    signIn,
    open: async (browser, person, { path = '/projects', ...options } = {}) => {
      const page = await signIn(browser, person, options)
      await page.goto(url + path)
      return page
    },
    async createProject(fields = {}) {
      const answer = await fetch(`${url}/api/v1/records/project`, {
        method: 'POST',
        headers: { authorization: 'Bearer demo:bob', 'content-type': 'application/json' },
        body: JSON.stringify({ fields: { ...PROJECT, ...fields } }),
      })
      if (answer.status !== 201) throw new Error(`No project was made: ${await answer.text()}`)
      return Number((await answer.json()).data.id)
    },
  }
}

/** Keeps a picture where somebody wants to look: in the folder named by NOCLOBBER_SCREENSHOTS. */
export async function keepPicture(page: Page, name: string, fullPage = false): Promise<void> {
  const folder = process.env.NOCLOBBER_SCREENSHOTS
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, animations: 'disabled', fullPage })
}

/** The input with this label. */
export const field = (page: Page, label: string) => page.getByLabel(label, { exact: true }).first()

/** The button with this name. */
export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).first()

/** Opens a project's form, and waits until it is there and live. */
export const openProject = async (
  demo: RunningDemo,
  browser: Browser,
  person: DemoPerson,
  id: number,
  options: OpenOptions = {},
): Promise<Page> => {
  const page = await demo.open(browser, person, { ...options, path: `/projects/${id}` })
  await field(page, 'Name').waitFor()
  await page.getByText('Live', { exact: true }).first().waitFor()
  return page
}
