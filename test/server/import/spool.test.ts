// Rows of a large import wait in a file: where none can be written, it is refused with a word on what to do, and nothing is left.
import type { Logger } from 'noclobber/server'
import { expect, onTestFinished, test } from 'vitest'
import { startApp } from '../../support/app.ts'

const rows = (count: number) =>
  ['name', ...Array.from({ length: count }, (_, at) => `Bridge ${at} ${'x'.repeat(80)}`)].join('\n')

test('without a temporary folder small imports pass, and a large one names the folder, once and in the log', async () => {
  const { TMPDIR } = process.env
  onTestFinished(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  })
  const errors: string[] = []
  const log: Logger = {
    info: () => {},
    warn: () => {},
    error: (details) => void errors.push(String((details as { err?: unknown }).err)),
  }
  const app = await startApp({ log })
  const send = (text: string) =>
    fetch(`${app.origin}/api/v1/records/project/import`, {
      method: 'POST',
      headers: { authorization: 'Bearer alice', 'content-type': 'text/csv' },
      body: text,
    })
  process.env.TMPDIR = '/proc/nowhere'
  expect((await send(rows(10))).status).toBe(200)
  const refused = await send(rows(6_000))
  expect(refused.status).toBe(500)
  expect(errors).toEqual([
    expect.stringMatching(
      /^Error: Rows of an import wait in a file, and none can be written in \/proc\/nowhere: ENOENT.* TMPDIR\. See docs\/troubleshooting\.md#a-large-import-is-answered-500/,
    ),
  ])
  expect((await app.sql('select count(*)::int as count from projects'))[0]).toEqual({ count: 10 })
})
