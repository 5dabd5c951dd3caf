// What a live list of 10,000 rows costs a server while others change it: requests are counted where the page sends them.
import { trackTable } from 'noclobber/migrations'
import { defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createRecordClient } from '../../../web/client/record-client.ts'
import { type Person, startApp, TYPES } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait-for.ts'

const ROWS = 10_000

test('a hundred changes in ten seconds of a list of 10,000 rows are four requests at most, and the last is shown', async () => {
  const app = await startApp({
    types: [...TYPES, defineRecordType<Person>('row', { table: 'many_rows', fields: { name: z.string() } })],
    limits: { requestsPerPerson: Number.POSITIVE_INFINITY, requestsPerAddress: Number.POSITIVE_INFINITY },
    prepare: async (knex) => {
      await knex.raw('create table many_rows (id integer primary key, name text)')
      await knex.raw(`insert into many_rows select n, 'row ' || n from generate_series(1, ${ROWS}) n`)
      await trackTable(knex, 'many_rows')
    },
  })
  const asked: string[] = []
  const client = createRecordClient({
    url: `${app.origin}/api/v1`,
    token: () => 'bob',
    fetch: (url, init) => {
      asked.push(`${init?.method ?? 'GET'} ${String(url).replace(app.origin, '').slice(0, 60)}`)
      return fetch(url, init)
    },
  })
  atEnd(() => client.close())
  const list = client.liveList('row')
  atEnd(list.subscribe(() => {}))
  await waitFor(() => list.get().rows.length === ROWS && client.connection.get().status === 'live', {
    what: () => `all rows: ${list.get().rows.length} ${client.connection.get().status}`,
    deadlineMs: 120_000,
  })
  asked.length = 0
  const begun = performance.now()
  for (let n = 1; n <= 100; n += 1) {
    await app.sql('update many_rows set name = ? where id = ?', [`change ${n}`, ((n * 97) % ROWS) + 1])
    const early = begun + n * 100 - performance.now()
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
  }
  const tookMs = performance.now() - begun
  const shown = () => list.get().byId.get(String(((100 * 97) % ROWS) + 1))?.fields.name === 'change 100'
  await waitFor(shown, { what: 'the last change', deadlineMs: 30_000 })
  const requests = asked.filter((one) => one.includes('/records/row'))
  // One for each three seconds that the changes took, and the first.
  expect(requests.length, requests.join('\n')).toBeLessThanOrEqual(Math.ceil(tookMs / 3_000) + 1)
  if (tookMs < 10_500) expect(requests.length, requests.join('\n')).toBeLessThanOrEqual(4)
}, 240_000)
