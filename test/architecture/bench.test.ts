// Every benchmark runs, at a size at which its figures mean nothing. No time is asserted here. The first makes a PostgreSQL
// of its own, as who measures does; the others use the tests'.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { postgresUrl } from '../support/postgres.ts'
import { root } from './sources.ts'

const run = promisify(execFile)

interface BenchOptions {
  signal: AbortSignal
  database?: string
}

/** Ends with its test: one that takes too long leaves no process behind. */
const bench = (subject: string, { signal, database = '' }: BenchOptions) =>
  run(process.execPath, ['bench/main.js', '--quick', subject], {
    cwd: root,
    signal,
    env: { ...process.env, DATABASE_URL: database },
  })

beforeAll(() => run(process.execPath, ['scripts/build.js'], { cwd: root }))

const SUBJECTS = ['save', 'event', 'trigger', 'feed', 'poll', 'join', 'fan-out', 'stream', 'list']

test.for(SUBJECTS)('%s runs', async (subject, { signal }) => {
  const database = subject === 'save' ? '' : postgresUrl()
  const { stdout } = await bench(subject, { signal, database })
  expect(stdout).toMatch(/^benchmark +ratio/m)
  expect(stdout).not.toMatch(/NaN|Infinity/)
})

test('a subject that is not there is refused with a list of those that are', async ({ signal }) => {
  await expect(bench('tea', { signal })).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('There is no tea. Subjects: save, cost, event,'),
  })
})
