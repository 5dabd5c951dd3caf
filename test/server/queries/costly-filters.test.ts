// What a search within texts may cost: it is compared at each place of each text, so what is looked for is short, and not much of it.
import { expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'

const app = await startApp()
const list = (...parameters: [string, string][]) =>
  app.call('GET', `/records/project?${new URLSearchParams(parameters)}`)

test('what texts are to contain is as short, and as little, as what is searched for', async () => {
  await app.sql(`insert into projects (tenant_id, name, notes) values ('acme', 'Long', repeat('a', 1000000))`)
  const found = await list(['filter[notes][contains]', 'a'.repeat(200)])
  expect([found.status, found.body.data.length]).toEqual([200, 1])
  const begun = performance.now()
  const long = await list(['filter[notes][contains]', `${'a'.repeat(7_000)}b`])
  expect([long.status, long.body.detail]).toEqual([400, expect.stringContaining('200 characters at most')])
  const many = await list(
    ...Array.from({ length: 11 }, (_, at): [string, string] => [
      `filter[not][${at}][notes][contains]`,
      `${'a'.repeat(190)}${at}`,
    ]),
  )
  expect([many.status, many.body.detail]).toEqual([400, expect.stringContaining('200 characters at most')])
  expect(performance.now() - begun).toBeLessThan(3_000)
})

test('a request that names very many fields gets no answer that is larger than it', async () => {
  const fields = Object.fromEntries(Array.from({ length: 60_000 }, (_, at) => [`k${at}`, 1]))
  const made = await app.call('POST', '/records/project', { body: { fields } })
  expect([made.status, made.body.errors.length]).toEqual([422, 200])
  expect(made.text.length).toBeLessThan(50_000)
})
