// Every benchmark runs, at a size at which its figures mean nothing. No time is asserted here. The first makes a PostgreSQL
// of its own, as who measures does; the others use the tests'.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { buildPackage } from '../support/built.ts'
import { postgresUrl } from '../support/postgres.ts'
import { root } from './sources.ts'

const run = promisify(execFile)

interface BenchOptions {
  signal: AbortSignal
  database?: string
}

/** Ends with its test: one that takes too long leaves no process behind. */
const bench = (subjects: string[], { signal, database = '' }: BenchOptions) =>
  run(process.execPath, ['bench/main.js', '--quick', ...subjects], {
    cwd: root,
    signal,
    env: { ...process.env, DATABASE_URL: database },
  })

beforeAll(buildPackage)

const runs = async (subjects: string[], options: BenchOptions) => {
  const { stdout } = await bench(subjects, options)
  expect(stdout).toMatch(/^benchmark +ratio/m)
  expect(stdout).not.toMatch(/NaN|Infinity/)
  return stdout
}

test('save runs, on a PostgreSQL of its own', { timeout: 60_000 }, async ({ signal }) => {
  await runs(['save'], { signal })
})

const OTHERS = ['event', 'trigger', 'feed', 'poll', 'join', 'fan-out', 'stream', 'list']

test(`${OTHERS.join(', ')} run`, { timeout: 480_000 }, async ({ signal }) => {
  const stdout = await runs(OTHERS, { signal, database: postgresUrl() })
  const [, lines = ''] = stdout.split(/^benchmark .*\n/m)
  expect(lines.trim().split('\n').length).toBeGreaterThanOrEqual(OTHERS.length)
})

test('a subject that is not there is refused with a list of those that are', async ({ signal }) => {
  await expect(bench(['tea'], { signal })).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('There is no tea. Subjects: save, cost, event,'),
  })
})
