// Every benchmark runs, at a size at which its figures mean nothing. No time is asserted here.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { root } from './sources.ts'

const run = promisify(execFile)
const bench = (...args: string[]) =>
  run(process.execPath, ['bench/main.js', '--quick', ...args], { cwd: root })

beforeAll(() => run(process.execPath, ['scripts/build.js'], { cwd: root }))

test.each(['save', 'event', 'trigger', 'feed', 'poll', 'join', 'fan-out', 'stream', 'list'])(
  '%s runs',
  async (subject) => {
    const { stdout } = await bench(subject)
    expect(stdout).toMatch(/^benchmark +ratio/m)
    expect(stdout).not.toMatch(/NaN|Infinity/)
  },
  60_000,
)

test('a subject that is not there is refused with a list of those that are', async () => {
  await expect(bench('tea')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('There is no tea. Subjects: save, event,'),
  })
})
