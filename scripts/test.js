// `npm test`: build, types, lint, then all tests; the last line counts them, each check as one test.
// A step that fails hides none of the later ones. Arguments go to Vitest, save `--without=chromium,redis,pgbouncer,nginx`: services
// that are missing fail the run unless they are left out by name, and then the summary says so.
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const SERVICES = ['chromium', 'redis', 'pgbouncer', 'nginx']

const isLeavingOut = (argument) => argument.startsWith('--without=')
const vitestArguments = process.argv.slice(2).filter((argument) => !isLeavingOut(argument))
const leftOut = [process.env.NOCLOBBER_WITHOUT ?? '', ...process.argv.filter(isLeavingOut)]
  .flatMap((list) => list.replace('--without=', '').split(','))
  .filter((name) => name !== '')
for (const name of leftOut) {
  if (SERVICES.includes(name)) continue
  console.error(`--without=${name}: only ${SERVICES.join(', ')} can be left out.`)
  process.exit(2)
}

const count = { passed: 0, failed: 0, skipped: 0 }

await check('build', 'scripts/build.js')
await check('types', 'node_modules/typescript/bin/tsc', '-b')
await check('lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.')
await runTests()

if (leftOut.length > 0) console.log(`Left out: ${leftOut.join(', ')}`)
const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
console.log(`${count.passed} passed, ${count.failed} failed${skipped}`)
process.exitCode = count.failed > 0 ? 1 : 0

async function check(name, ...command) {
  const begun = performance.now()
  const code = await run(command)
  count[code === 0 ? 'passed' : 'failed'] += 1
  console.log(
    `${code === 0 ? 'ok' : 'FAILED'}: ${name}, ${((performance.now() - begun) / 1000).toFixed(1)} s`,
  )
}

/** Counts from Vitest's own report; a file that could not be loaded, or an error outside any test, counts as one. */
async function runTests() {
  const dir = await mkdtemp(join(tmpdir(), 'noclobber-report-'))
  const report = join(dir, 'report.json')
  const code = await run([
    'node_modules/vitest/vitest.mjs',
    ...['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...vitestArguments],
  ])
  const found = await readFile(report, 'utf8').then(JSON.parse, () => null)
  await rm(dir, { recursive: true })
  const unloaded = found?.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  const failed = (found?.numFailedTests ?? 0) + (unloaded?.length ?? 0)
  count.passed += found?.numPassedTests ?? 0
  count.failed += failed === 0 && code !== 0 ? 1 : failed
  count.skipped += (found?.numPendingTests ?? 0) + (found?.numTodoTests ?? 0)
}

function run(command) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, command, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, NOCLOBBER_WITHOUT: leftOut.join(',') },
    })
    child.on('close', resolve)
  })
}
