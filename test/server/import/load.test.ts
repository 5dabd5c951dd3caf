// A large import beside other people's work: bounded memory, one event, saves that go on. How long they take meanwhile is
// measured by `npm run soak -- import`, on 100,000 rows and by processes of their own.
import { Readable } from 'node:stream'
import { defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { startApp, TYPES } from '../../support/app.ts'

const ROWS = 15_000
const SAVES = 100

const percentile = (values: number[], share: number) =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length * share)] ?? 0

test('15,000 rows are one event and little memory, and others go on saving meanwhile', {
  tags: 'full',
  timeout: 120_000,
}, async () => {
  const app = await startApp()
  const record = await app.make('project', { name: 'Bridge' })
  let version = 1
  const save = async () => {
    const begun = performance.now()
    const body = { client_version: version, changes: { name: `Bridge ${version}` } }
    const { status } = await app.call('PATCH', `/records/project/${record.id}`, { as: 'bob', body })
    expect(status).toBe(200)
    version += 1
    return performance.now() - begun
  }
  const alone: number[] = []
  for (let n = 0; n < SAVES; n += 1) alone.push(await save())

  const list = await app.socket({ as: 'vera' })
  await list.watchList('task', { project_id: '1' })
  let memory = 0
  const before = process.memoryUsage().rss
  const input = Readable.from(
    (function* () {
      yield Buffer.from('project_id,title,done\n')
      for (let n = 0; n < ROWS; n += 500) {
        memory = Math.max(memory, process.memoryUsage().rss - before)
        yield Buffer.from(
          Array.from({ length: 500 }, (_, k) => `1,"Task number ${n + k}, of many",false\n`).join(''),
        )
      }
    })(),
  )
  let isOver = false
  const begun = performance.now()
  const importing = app.records
    .import('task', { actor: app.people.get('alice') as never, input, format: 'csv', name: 'tasks.csv' })
    .finally(() => {
      isOver = true
    })
  const beside: number[] = []
  while (!isOver) beside.push(await save())
  const outcome = await importing
  const seconds = (performance.now() - begun) / 1_000
  memory = Math.max(memory, process.memoryUsage().rss - before)

  expect(outcome).toMatchObject({ outcome: 'imported', answer: { rows: ROWS, created: ROWS } })
  expect(await list.receives('RecordsImported')).toMatchObject({
    count: ROWS,
    updated_by: { name: 'tasks.csv', kind: 'import' },
  })
  // Its progress aside.
  const events = (await list.flushed()).filter(({ name }) => name !== 'RecordsImporting')
  expect(events.map(({ name }) => name)).toEqual(['RecordsImported'])
  console.log(
    `${ROWS} rows in ${seconds.toFixed(1)} s, ${(memory / 1e6).toFixed(0)} MB more resident; saves p50/p99 alone ` +
      `${percentile(alone, 0.5).toFixed(1)}/${percentile(alone, 0.99).toFixed(1)} ms, beside it (${beside.length}) ` +
      `${percentile(beside, 0.5).toFixed(1)}/${percentile(beside, 0.99).toFixed(1)} ms`,
  )
  expect(memory).toBeLessThan(200e6)
  expect(beside.length).toBeGreaterThan(50)
})

test('rows are checked in slices of a few milliseconds', async () => {
  const rowMs = 1
  const rows = 1_000
  let checked = 0
  let most = 0
  const slow = defineRecordType('tag', {
    table: 'tags',
    fields: {
      label: z.string().refine(() => {
        const begun = performance.now()
        while (performance.now() - begun < rowMs);
        checked += 1
        return true
      }),
    },
  })
  const app = await startApp({ types: [...TYPES.filter(({ name }) => name !== 'tag'), slow as never] })
  let isOver = false
  const look = () => {
    most = Math.max(most, checked)
    checked = 0
    if (!isOver) setImmediate(look)
  }
  setImmediate(look)
  const lines = Array.from({ length: rows }, (_, n) => `{"id":"tag-${n}","label":"Tag ${n}"}\n`)
  const outcome = await app.records.import('tag', {
    ...{ actor: app.people.get('alice') as never, format: 'ndjson', key: 'id' },
    input: Readable.from([Buffer.from(lines.join(''))]),
  })
  isOver = true
  expect(outcome).toMatchObject({ outcome: 'imported', answer: { created: rows } })
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(7)
})
