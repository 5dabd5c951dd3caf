// `npm run pictures`: takes each picture of README and docs/ from the demo as it is, into docs/images/. An argument chooses by name:
// npm run pictures -- banner. Chromium: CHROMIUM, or what PATH has.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import gifenc from 'gifenc'
import { chromium } from 'playwright-core'
import { PNG } from 'pngjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = join(root, 'docs/images')
const port = process.env.PORT ?? '3917'
const url = `http://127.0.0.1:${port}`
const PROGRAMS = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
]

/** Each picture by its file's name: what is done on the page, and what is taken. */
const PICTURES = {
  'two-people.gif': twoPeople,
  'banner.png': banner,
  'conflict.png': conflict,
  'history.png': history,
  'devtools.png': devtools,
}

const wanted = process.argv.slice(2)
const chosen = Object.entries(PICTURES).filter(
  ([name]) => wanted.length === 0 || wanted.some((part) => name.startsWith(part)),
)
if (chosen.length === 0) fail(`There is no such picture. There are ${Object.keys(PICTURES).join(', ')}.`)

const folder = await mkdtemp(join(tmpdir(), 'noclobber-pictures-'))
const demo = spawn(process.execPath, ['dist/server/demo/main.js'], {
  cwd: root,
  env: {
    ...process.env,
    NODE_ENV: 'production',
    DATABASE_URL: '',
    DATA_DIR: join(folder, 'data'),
    PORT: port,
  },
  stdio: ['ignore', 'ignore', 'inherit'],
})
const browser = await chromium.launch({
  executablePath: findChromium(),
  args: [
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    '--disable-background-networking',
    '--no-first-run',
  ],
})
try {
  await demoIsUp()
  await mkdir(out, { recursive: true })
  for (const [name, take] of chosen) {
    const bytes = await take()
    await writeFile(join(out, name), bytes)
    console.log(`${name}: ${Math.ceil(bytes.length / 1000)} kB`)
  }
} finally {
  await browser.close()
  demo.kill('SIGTERM')
  await new Promise((resolve) => demo.once('exit', resolve))
  await rm(folder, { recursive: true, force: true })
}

/** Alice and Bob in the demo's split view: what this is for, in one short animation. */
async function twoPeople() {
  const page = await signIn('alice', { width: 1180, height: 620 })
  const id = await newProject()
  await page.goto(`${url}/split?id=${id}`)
  const [alice, bob] = ['Alice', 'Bob'].map((name) => page.frameLocator(`iframe[title*="${name}"]`))
  for (const person of [alice, bob]) await person.getByText('Live', { exact: true }).first().waitFor()
  const frames = []
  /** After the last transition of a colour. */
  const keep = async (milliseconds) => {
    await pause(400)
    frames.push({ milliseconds, png: await page.screenshot({ animations: 'disabled' }) })
  }
  const name = alice.getByLabel('Name', { exact: true })
  await name.focus()
  await keep(900)
  for (const piece of [', ph', 'ase', ' 2']) {
    await name.press('End')
    await name.pressSequentially(piece)
    await keep(350)
  }
  const status = bob.getByLabel('Status', { exact: true })
  await status.selectOption('on_hold')
  await keep(900)
  await status.press('Control+s')
  await alice
    .getByText(/Updated by Bob/)
    .first()
    .waitFor()
  await bob.getByText('All saved').first().waitFor()
  await keep(2600)
  await alice.getByRole('button', { name: 'Merge', exact: true }).click()
  await alice
    .getByText(/Updated by Bob/)
    .first()
    .waitFor({ state: 'detached' })
  await keep(1600)
  await name.press('Control+s')
  await alice.getByText('All saved').first().waitFor()
  await bob
    .getByText(/phase 2/)
    .first()
    .waitFor()
  await keep(3200)
  await page.context().close()
  return gifOf(frames)
}

/** Alice types while Bob saves: the line above her form. */
async function banner() {
  const { page } = await typingWhileBobSaves({ status: 'on_hold' })
  return closing(page, { height: 620 })
}

/** Both changed the name: what a refused save shows. */
async function conflict() {
  const { page } = await typingWhileBobSaves({ name: 'Riverside school, north wing', budget: 9_300_000 })
  await page.keyboard.press('Control+s')
  await page.getByRole('dialog').waitFor()
  return closing(page)
}

/** A record's versions with their differences. */
async function history() {
  const { page, id } = await typingWhileBobSaves(
    { status: 'on_hold', description: 'Twelve classrooms and a hall in timber.' },
    false,
  )
  await page.goto(`${url}/projects/${id}`)
  await page
    .getByText(/Bob changed/)
    .or(page.getByText('History'))
    .first()
    .waitFor()
  return closing(page)
}

/** The panel "Underneath" of `noclobber/devtools`. */
async function devtools() {
  const { page } = await typingWhileBobSaves({ status: 'on_hold' })
  await page.setViewportSize({ width: 1320, height: 760 })
  await page.getByRole('button', { name: 'Underneath' }).click()
  await pause(500)
  return closing(page)
}

async function typingWhileBobSaves(changes, isTyping = true) {
  const page = await signIn('alice', { width: 1180, height: 680 })
  const id = await newProject()
  await page.goto(`${url}/projects/${id}`)
  await page.getByText('Live', { exact: true }).first().waitFor()
  const name = page.getByLabel('Name', { exact: true }).first()
  if (isTyping) {
    await name.press('End')
    await name.pressSequentially(', phase 2')
  }
  await send('bob', 'PATCH', `/records/project/${id}`, { client_version: 1, changes })
  if (isTyping)
    await page
      .getByText(/Updated by Bob/)
      .first()
      .waitFor()
  return { page, id }
}

async function closing(page, clip) {
  const { width, height } = page.viewportSize()
  const png = await page.screenshot({ animations: 'disabled', clip: { x: 0, y: 0, width, height, ...clip } })
  await page.context().close()
  return png
}

async function signIn(user, viewport) {
  const context = await browser.newContext({ viewport, deviceScaleFactor: 1, locale: 'en-GB' })
  await context.request.post(`${url}/demo/session`, { data: { user } })
  return context.newPage()
}

/** A project of Alice's, as the demo's own are. */
async function newProject() {
  const fields = {
    name: 'Riverside school extension',
    number: '26-211',
    client: 'City of Lindhaven',
    status: 'active',
    budget: 9_120_000,
    starts_on: '2026-01-12',
    ends_on: '2027-07-16',
    description: 'Twelve classrooms and a hall in timber, built beside the running school.',
  }
  return (await send('alice', 'POST', '/records/project', { fields })).data.id
}

async function send(person, method, path, body) {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer demo:${person}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!answer.ok) fail(`${method} ${path}: ${await answer.text()}`)
  return answer.json()
}

/** What didn't change between two frames is transparent in the later one. */
function gifOf(frames) {
  const images = frames.map(({ png }) => PNG.sync.read(png))
  const { width, height } = images[0]
  const all = Buffer.concat(images.map(({ data }) => data))
  const palette = gifenc.quantize(all, 255, { format: 'rgb565' })
  const transparent = palette.length
  const gif = gifenc.GIFEncoder()
  let before = null
  for (const [at, { data }] of images.entries()) {
    const pixels = gifenc.applyPalette(data, palette, 'rgb565')
    const shown = before ? pixels.map((pixel, n) => (pixel === before[n] ? transparent : pixel)) : pixels
    before = pixels
    gif.writeFrame(shown, width, height, {
      delay: frames[at].milliseconds,
      dispose: 1,
      ...(at === 0
        ? { palette: [...palette, [0, 0, 0]], repeat: 0 }
        : { transparent: true, transparentIndex: transparent }),
    })
  }
  gif.finish()
  return Buffer.from(gif.bytes())
}

async function demoIsUp() {
  for (let attempt = 0; attempt < 240; attempt += 1) {
    if (demo.exitCode !== null) fail('The demo ended by itself.')
    if (
      await fetch(`${url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return
    await pause(250)
  }
  fail('The demo does not answer.')
}

function findChromium() {
  const paths = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((path) => PROGRAMS.map((name) => join(path, name)))
  return (
    [process.env.CHROMIUM ?? '', ...paths].find((path) => existsSync(path)) ??
    fail('No Chromium: set CHROMIUM to its path.')
  )
}

function fail(sentence) {
  throw new Error(sentence)
}
