// The tests of docs/testing.md, as they stand there, by Node's own runner on the package as it is built; and the embedded database.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startTestDatabase, startTestServer } from 'noclobber/testing'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { buildPackage } from '../support/built.ts'
import { writeGuide } from '../support/guide.ts'
import { postgresUrl } from '../support/postgres.ts'
import { oneIn } from '../support/short-run.ts'

const run = promisify(execFile)

beforeAll(buildPackage)

const GUIDES = [
  ['project.test.js', 4],
  ['adapters.test.js', 22],
] as const

test.each(oneIn(2, GUIDES))('%s of docs/testing.md passes', async (file, count) => {
  const folder = await writeGuide('docs/testing.md', [file])
  const { origin } = await startApp()
  const { NODE_OPTIONS: _, ...environment } = process.env
  const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', join(folder, file)], {
    env: { ...environment, TEST_POSTGRES_URL: postgresUrl(), API_URL: `${origin}/api/v1` },
  }).catch((error: { stdout: string }) => error)
  expect(stdout).toContain('# fail 0')
  expect(stdout).toContain(`# pass ${count}`)
})

test('an embedded database is there without a server of one’s own, and gone afterwards', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'noclobber-embedded-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const [one, two] = await Promise.all([startTestDatabase({ dataDir }), startTestDatabase({ dataDir })])
  expect(one.url).not.toBe(two.url)
  const serverUrl = new URL(one.url)
  serverUrl.pathname = '/postgres'
  const third = await startTestDatabase({ serverUrl: serverUrl.href, migrated: false })
  for (const { stop } of [third, two, one]) await stop()
  await expect(startTestDatabase({ serverUrl: serverUrl.href })).rejects.toThrow()
})

test('the tables may be made by a tool that takes the database’s URL', async () => {
  let given = ''
  const prepare = async (_knex: unknown, databaseUrl: string) => {
    given = databaseUrl
  }
  const server = await startTestServer({ types: [], prepare, database: { serverUrl: postgresUrl() } })
  onTestFinished(server.stop)
  expect(given).toBe(server.databaseUrl)
})
