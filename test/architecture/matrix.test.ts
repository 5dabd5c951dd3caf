// Two cells of `npm run matrix`, with what is installed here: a small app on Express 4 without Knex as CommonJS, one on Express 5
// with Knex as ESM; and a test by Jest 29 and by mocha, CommonJS by require.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { buildPackage } from '../support/built.ts'
import { postgresUrl } from '../support/postgres.ts'
import { root } from './sources.ts'

const run = promisify(execFile)

test('an app on either host, as either kind of module, starts, saves, is refused and receives an event; guides run as they stand', async () => {
  await buildPackage()
  const env = { ...process.env, DATABASE_URL: postgresUrl() }
  const { stdout } = await run(process.execPath, ['scripts/matrix.js', '--here'], { cwd: root, env })
  expect(stdout.trim().split('\n')).toEqual([
    expect.stringMatching(/^ok {6}Express 4 .*none .*CommonJS/),
    expect.stringMatching(/^ok {6}Express 5 .*Knex 3 .*ESM/),
    expect.stringMatching(/^ok {6}node/),
    expect.stringMatching(/^ok {6}express/),
    expect.stringMatching(/^ok {6}Jest 29/),
    expect.stringMatching(/^ok {6}mocha/),
  ])
})
