// `npm run scorecard`: what must never happen, tried as often as is promised, on a real PostgreSQL and Redis. Prints one
// line for each promise with what was found, and the seed that repeats it: SEED=1234 npm run scorecard
// An argument chooses promises by their words: npm run scorecard -- tenant
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The faults that are made on purpose, by name: a test that lives through one carries the tag `fault:NAME`. */
const FAULTS = JSON.parse(readFileSync(new URL('faults.json', import.meta.url), 'utf8'))

const root = fileURLToPath(new URL('..', import.meta.url))
const seed = process.env.SEED ?? String(Math.floor(Math.random() * 2 ** 31))
const wanted = process.argv.slice(2).join(' ').toLowerCase()

/** Each promise, the tests that keep it, and how large they are made. */
const PROMISES = [
  {
    promise: 'lost updates; false conflicts',
    figure: '0 in 15,000 contended saves: 30 writers, 500 rounds',
    tests: ['test/server/records/races.test.ts'],
    environment: { NOCLOBBER_ROUNDS: '500' },
  },
  {
    promise: 'a client that has not converged once all is quiet',
    figure: '0 of 10,000 commits under random faults',
    tests: ['test/faults/oracle.test.ts'],
    environment: { NOCLOBBER_COMMITS: '10000' },
  },
  {
    promise: 'a rolled-back change announced; one missed or sent twice',
    figure: '0',
    tests: [
      'test/server/endpoints/sockets.test.ts',
      'test/server/log/feed.test.ts',
      'test/server/queries/change-feed.test.ts',
    ],
  },
  {
    promise: 'a message to another tenant, or to someone without permission',
    figure: '0 of 20,000 generated attempts',
    tests: ['test/faults/tenant-isolation.test.ts', 'test/server/endpoints/isolation.test.ts'],
    environment: { NOCLOBBER_ATTEMPTS: '10000' },
  },
  {
    promise: 'a message after a permission was taken away',
    figure: 'none later than 5 s',
    tests: ['test/server/live/recheck-access.test.ts'],
  },
  {
    promise: 'a change missed or doubled beside a slow node and a slow client',
    figure: '0 of 2,000 saves',
    tests: ['test/faults/slow.test.ts'],
    environment: { NOCLOBBER_SAVES: '2000' },
  },
  {
    promise: 'a queued offline mutation applied other than once',
    figure: '0 of 5,000 replays with dropped answers',
    tests: ['test/web/client/offline/replays.test.ts', 'test/web/client/offline/sequences.test.ts'],
    environment: { NOCLOBBER_REPLAYS: '5000' },
  },
  {
    promise: 'typed text lost, or a version shown going back',
    figure: '0 of 2,000 generated interleavings and more',
    tests: ['test/web/client/record/races.test.ts', 'test/web/client/record/reducer.test.ts'],
  },
  {
    promise: 'input that ends the process, a 5xx for bad input, a protected column written',
    figure: '0 of 40,000 requests and frames',
    tests: [
      'test/faults/fuzz.test.ts',
      'test/server/endpoints/strict-input.test.ts',
      'test/server/live/poison.test.ts',
    ],
    environment: { NOCLOBBER_FUZZ: '20000' },
  },
  {
    promise: 'a page that says that it is current and isn’t',
    figure: '0 statements; behind is said within seconds',
    tests: ['test/faults/age.test.ts'],
    environment: { NOCLOBBER_SAMPLES: '5000' },
  },
  {
    promise: 'PostgreSQL refused, reset, swallowed or sliced',
    figure: 'nothing answered is lost; converged within 10 s',
    tests: ['test/faults/database.test.ts'],
  },
  {
    promise: 'a node killed at any step, stopped, or restarted in turn, behind nginx too',
    figure:
      'converged within 10 s; no failed save in a rolling restart; ends by itself with clients connected',
    tests: [
      'test/faults/kill.test.ts',
      'test/faults/cluster.test.ts',
      'test/faults/nginx.test.ts',
      'test/faults/leaving.test.ts',
    ],
  },
  {
    promise: 'Redis cut, killed, stopped, absent, a black hole; a Redis Cluster that stands still',
    figure: 'nothing lost, no save waits, back within 5 s',
    tests: ['test/server/cluster/backplane.test.ts', 'test/faults/redis-cluster.test.ts'],
  },
  {
    promise:
      'lines that are reset, sliced, silent, without upgrades or held back; a full accept backlog; a slow reader',
    figure: 'every client knows it and converges; nobody else is harmed',
    tests: [
      'test/faults/transports.test.ts',
      'test/server/pacing/admission-queue.test.ts',
      'test/server/node/limits.test.ts',
    ],
  },
  {
    promise: 'a database restored from a dump; a pooler in transaction mode',
    figure: 'old cursors are refused and rebuilt; nothing is lost',
    tests: [
      'test/faults/restore.test.ts',
      'test/server/db/cancel-statement.test.ts',
      'test/server/db/pooler.test.ts',
      'test/server/tables/sessions.test.ts',
    ],
  },
  {
    promise: 'a version number that stands for two contents, after a failover, a rollback or a crash',
    figure: '0; pages show what SQL has, and lost saves are offered again',
    tests: [
      'test/faults/history.test.ts',
      'test/faults/history-servers.test.ts',
      'test/faults/history-attacks.test.ts',
      'test/faults/history-restores.test.ts',
      'test/faults/silent-primary.test.ts',
      'test/faults/history-page.test.ts',
      'test/faults/history-schedules.test.ts',
      'test/migrations/history.test.ts',
    ],
  },
  {
    promise:
      'versions, deleted records, imports and proposals brought back, undone and decided while others save',
    figure: '0 lost, 0 doubled',
    tests: [
      'test/server/history/restore.test.ts',
      'test/server/history/undelete.test.ts',
      'test/server/import/undo-import.test.ts',
      'test/server/proposals/proposals.test.ts',
      'test/server/mcp/mcp.test.ts',
    ],
  },
  {
    promise: 'bugs made on purpose that go unnoticed',
    figure: '0 of two dozen',
    tests: [
      'test/faults/mutations.test.ts',
      'test/faults/live-mutations.test.ts',
      'test/faults/oracle-mutations.test.ts',
    ],
  },
]

const dir = await mkdtemp(join(tmpdir(), 'noclobber-scorecard-'))
const figuresFile = join(dir, 'figures.jsonl')

function run({ tests, environment = {} }, report) {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [
        'node_modules/vitest/vitest.mjs',
        ...[
          'run',
          '--project',
          'node',
          '--project',
          'apart',
          '--reporter=json',
          `--outputFile=${report}`,
          '--testTimeout=900000',
          ...tests,
        ],
      ],
      {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
        env: {
          ...process.env,
          ...environment,
          SEED: seed,
          NOCLOBBER_SEED: seed,
          NOCLOBBER_SCORECARD: figuresFile,
        },
      },
    )
    child.on('close', resolve)
  })
}

console.log(`seed ${seed}\n`)
console.log('| promise | figure | found | tests | s |')
console.log('| --- | --- | --- | --- | --- |')
let hasFailed = false
/** @type {{ tags: string[], status: string }[]} */
const played = []
for (const [place, row] of PROMISES.entries()) {
  if (wanted && !`${row.promise} ${row.figure} ${row.tests}`.toLowerCase().includes(wanted)) continue
  const report = join(dir, `${place}.json`)
  const begun = performance.now()
  const code = await run(row, report)
  const found = await readFile(report, 'utf8').then(JSON.parse, () => null)
  const passed = found?.numPassedTests ?? 0
  const failed = (found?.numFailedTests ?? 0) || (code === 0 ? 0 : 1)
  hasFailed ||= failed > 0
  const seconds = ((performance.now() - begun) / 1_000).toFixed(0)
  const verdict = failed === 0 ? 'kept' : `**${failed} broken**`
  console.log(
    `| ${row.promise} | ${row.figure} | ${verdict} | ${passed} of ${passed + failed} | ${seconds} |`,
  )
  const results = found?.testResults.flatMap(({ assertionResults }) => assertionResults) ?? []
  played.push(...results)
  for (const test of results) {
    if (test.status === 'failed')
      console.error(`\n${test.fullName}\n${test.failureMessages?.[0]?.slice(0, 600)}\n`)
  }
}
const figures = await readFile(figuresFile, 'utf8').catch(() => '')
if (figures) console.log('')
for (const line of figures.trim().split('\n').filter(Boolean)) {
  const { promise, figure } = JSON.parse(line)
  console.log(`- ${promise}: ${figure}`)
}
if (!wanted) {
  const isLived = ([name]) => {
    const results = played.filter(({ tags }) => tags.includes(`fault:${name}`))
    return results.length > 0 && results.every(({ status }) => status === 'passed')
  }
  const faults = Object.entries(FAULTS)
  const lived = faults.filter(isLived)
  hasFailed ||= lived.length < faults.length
  console.log(`\nFaults lived through: ${lived.length} of ${faults.length}`)
  for (const [at, row] of faults.entries())
    console.log(`${at + 1}. ${row[1]}: ${lived.includes(row) ? 'lived through' : '**not**'}`)
}
await rm(dir, { recursive: true, force: true })
process.exitCode = hasFailed ? 1 : 0
