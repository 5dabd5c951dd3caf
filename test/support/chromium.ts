// A real browser for the end-to-end tests: the system's Chromium, without its errands in the background. Preferably the one
// that is built without a window's frame: it draws the same pages and costs less than half the time.
import { type Browser, chromium } from 'playwright-core'
import { atLast } from './at-end.ts'
import { findProgram } from './programs.ts'

/** For whatever a page shall show: a slow machine under load is given its time. */
const PAGE_TIMEOUT_MS = 90_000

/** The one of this worker, whose files run one after the other. It ends with the worker. */
let launched: Promise<Browser> | undefined

/** A headless one. One context of it is one signed-in person; those of a file are closed at its end. */
export async function launchBrowser(): Promise<Browser> {
  const open = await launched?.catch(() => undefined)
  if (!open?.isConnected()) launched = launch()
  const browser = await (launched as Promise<Browser>)
  atLast(() => Promise.all(browser.contexts().map((context) => context.close())))
  return browser
}

async function launch(): Promise<Browser> {
  const executablePath = await findProgram(
    'chromium',
    ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    'chromium-headless-shell',
  )
  const browser = await chromium.launch({
    executablePath,
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  })
  const newContext = browser.newContext.bind(browser)
  browser.newContext = async (options) => {
    const context = await newContext(options)
    context.setDefaultTimeout(PAGE_TIMEOUT_MS)
    return context
  }
  return browser
}
