// `npm test`: build, types, lint, what is unused, then the tests; the last line counts them, each check as one test.
// Without `--full`, and without the name of a file, it is a short run: see test/support/short-run.ts.
// A step that fails hides none of the later ones. Other arguments go to Vitest, save `--without=chromium,redis,pgbouncer,nginx,postgresql,python3`:
// services that are missing fail the run unless they are left out by name, and then the summary says so.
// A run has one temporary folder and leaves nothing: what its tests forget there fails it, and a run that is interrupted ends
// whatever it started.
import { spawn } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const SERVICES = ['chromium', 'redis', 'pgbouncer', 'nginx', 'postgresql', 'python3']

const isLeavingOut = (argument) => argument.startsWith('--without=')
const isFull = process.argv.includes('--full')
const vitestArguments = process.argv
  .slice(2)
  .filter((argument) => !isLeavingOut(argument) && argument !== '--full')
const isShort = !isFull && vitestArguments.length === 0
const leftOut = [process.env.NOCLOBBER_WITHOUT ?? '', ...process.argv.filter(isLeavingOut)]
  .flatMap((list) => list.replace('--without=', '').split(','))
  .filter((name) => name !== '')
for (const name of leftOut) {
  if (SERVICES.includes(name)) continue
  console.error(`--without=${name}: only ${SERVICES.join(', ')} can be left out.`)
  process.exit(2)
}

const count = { passed: 0, failed: 0, skipped: 0, leftToFullRun: 0 }
const FOLDER = 'noclobber-tests-'
const dir = await makeFolder()

/** The steps that run, each at the head of a process group of its own. */
const steps = new Set()
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    interrupted = true
    for (const step of steps) endGroup(step)
  })

await check('build', 'scripts/build.js')
// Not beside the build: the compiler writes to the same folder.
await Promise.all([
  check('types', 'node_modules/typescript/bin/tsc', '-b'),
  check('lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'),
  check('unused', 'node_modules/knip/bin/knip.js'),
])
await runTests()
await removeFolder()
if (interrupted) process.exit(130)

if (leftOut.length > 0) console.log(`Left out: ${leftOut.join(', ')}`)
if (isShort)
  console.log(
    `Left to \`npm test -- --full\`: ${count.leftToFullRun} tests, some files, and further rounds of others.`,
  )
const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
console.log(`${count.passed} passed, ${count.failed} failed${skipped}`)
process.exitCode = count.failed > 0 ? 1 : 0

/** Whatever its processes make lies in it. Those of runs that were killed go. */
async function makeFolder() {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(FOLDER) || isAlive(Number(name.slice(FOLDER.length)))) continue
    await rm(join(tmpdir(), name), { recursive: true, force: true })
  }
  const path = join(tmpdir(), `${FOLDER}${process.pid}`)
  await mkdir(path)
  // PostgreSQL and PgBouncer are run by other accounts than root.
  await chmod(path, 0o1777)
  return path
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch ({ code }) {
    return code === 'EPERM'
  }
}

/** PostgreSQL's programs are kept there on purpose, for as long as the run lasts. */
async function removeFolder() {
  const forgotten = (await readdir(dir)).filter(
    (name) => name.startsWith('noclobber') && !name.startsWith('noclobber-postgres-'),
  )
  await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  if (forgotten.length === 0 || interrupted) return
  count.failed += 1
  console.log(`FAILED: tests left ${forgotten.join(', ')} in the temporary folder`)
}

/** What it writes is shown when it is over: several run at once. */
async function check(name, ...command) {
  if (interrupted) return
  const begun = performance.now()
  const { code, written } = await run(command, 'pipe')
  count[code === 0 ? 'passed' : 'failed'] += 1
  process.stdout.write(written)
  console.log(
    `${code === 0 ? 'ok' : 'FAILED'}: ${name}, ${((performance.now() - begun) / 1000).toFixed(1)} s`,
  )
}

/** Counts from Vitest's own report; a file that could not be loaded, or an error outside any test, counts as one. */
async function runTests() {
  if (interrupted) return
  const report = join(dir, 'report.json')
  const { code } = await run(
    [
      'node_modules/vitest/vitest.mjs',
      ...['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...vitestArguments],
    ],
    'inherit',
  )
  const found = await readFile(report, 'utf8').then(JSON.parse, () => null)
  const unloaded = found?.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  const failed = (found?.numFailedTests ?? 0) + (unloaded?.length ?? 0)
  count.passed += found?.numPassedTests ?? 0
  count.failed += failed === 0 && code !== 0 ? 1 : failed
  const skipped = (found?.testResults ?? [])
    .flatMap((file) => file.assertionResults)
    .filter(({ status }) => status === 'skipped' || status === 'todo' || status === 'pending')
  count.leftToFullRun += isShort ? skipped.filter(({ tags }) => tags.includes('full')).length : 0
  count.skipped += skipped.length - count.leftToFullRun
}

/** Gives its exit code, and what it wrote where that isn't inherited. */
function run(command, output) {
  return new Promise((resolve) => {
    const step = spawn(process.execPath, command, {
      cwd: root,
      detached: true,
      stdio: ['ignore', output, output],
      env: {
        ...process.env,
        TMPDIR: dir,
        NOCLOBBER_WITHOUT: leftOut.join(','),
        NOCLOBBER_RUN: isShort ? 'short' : 'full',
      },
    })
    steps.add(step)
    let written = ''
    for (const stream of [step.stdout, step.stderr])
      stream?.setEncoding('utf8').on('data', (text) => {
        written += text
      })
    step.on('close', (code) => {
      steps.delete(step)
      endGroup(step)
      resolve({ code, written })
    })
  })
}

/** Whatever a step started and left goes with it: servers, browsers. */
function endGroup(leader) {
  if (!leader?.pid) return
  try {
    process.kill(-leader.pid, 'SIGTERM')
  } catch {}
}
