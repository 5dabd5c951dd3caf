// A record as it was at a moment: to the microsecond, by whatever offset it is asked for, also within the hour that a clock shows twice;
// and of a time when its table wasn't tracked yet no more than is known.
import { trackTable } from 'noclobber/migrations'
import { defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Person } from '../../support/app.ts'
import { startApp } from '../../support/app.ts'

const any = z.any().optional()
/** With zones and without, each of which a session of another zone would read otherwise. */
const TABLES = { visits: 'timestamptz', calls: 'timestamp' }
const types = Object.keys(TABLES).map((table) =>
  defineRecordType<Person>(table.slice(0, -1), { table, fields: { label: any }, history: 'values' }),
)
const app = await startApp({
  types,
  prepare: async (knex) => {
    for (const [table, type] of Object.entries(TABLES)) {
      await knex.raw(`create table ${table} (id integer primary key, label text, updated_at ${type})`)
      await knex.raw(`insert into ${table} values (1, 'one'), (7, 'from before')`)
      await trackTable(knex, table, { history: 'values', columns: { updatedAt: 'updated_at' } })
    }
  },
})
/** Of the same database, with sessions of a zone with summer time. */
const elsewhere = await startApp({
  types,
  database: app.database,
  databaseUrl: `${app.database.url}?options=${encodeURIComponent('-c timezone=Europe/Berlin -c datestyle=SQL,DMY')}`,
})
const actor: Person = { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' }

/** When each version was made, in UTC: around the end of summer time in Berlin, 3:00 +02:00, which is 2:00 +01:00. */
const AT: Record<string, string> = {
  1: '2026-10-25 00:59:59.999999',
  2: '2026-10-25 01:00:00',
  3: '2026-10-25 01:00:00.000001',
  4: '2026-10-25 01:30:00.5',
}
for (const table of Object.keys(TABLES)) {
  await app.sql(`insert into ${table} (id, label) values (2, 'v1')`)
  for (const label of ['v2', 'v3', 'v4']) await app.sql(`update ${table} set label = '${label}' where id = 2`)
  await app.knex.transaction(async (transaction) => {
    await transaction.raw('set local session_replication_role = replica')
    for (const [version, time] of Object.entries(AT))
      await transaction.raw(
        `update noclobber.record_changes set updated_at = '${time}+00' where table_name = 'public.${table}' and record_id = '2' and version = ${version}`,
      )
    await transaction.raw(
      `update ${table} set updated_at = '${AT[4]}${TABLES[table as keyof typeof TABLES] === 'timestamptz' ? '+00' : ''}' where id = 2`,
    )
  })
}

const SERVERS = { 'a server in UTC': app, 'a server in Berlin': elsewhere }
const CASES: [asOf: string, label: string | null][] = [
  ['2026-10-25T02:59:59.999998+02:00', null],
  ['2026-10-25T02:59:59.999999+02:00', 'v1'],
  ['2026-10-25T02:59:59.9999999+02:00', 'v1'],
  ['2026-10-25T01:59:59.999999+01:00', 'v1'],
  ['2026-10-25T03:00:00+02:00', 'v2'],
  ['2026-10-25T02:00:00+01:00', 'v2'],
  ['2026-10-25T02:00+01:00', 'v2'],
  ['2026-10-25T02:00:00.0000009+01:00', 'v2'],
  ['2026-10-25T02:00:00.000001+01:00', 'v3'],
  ['2026-10-25T01:00:00.000001Z', 'v3'],
  ['2026-10-24T20:00:00.000001-05:00', 'v3'],
  ['2026-10-25T02:30:00.499999+01:00', 'v3'],
  ['2026-10-25T02:30:00.5+01:00', 'v4'],
  // The hour that Berlin's clocks showed before: an hour earlier.
  ['2026-10-25T02:30:00.5+02:00', null],
  ['2026-10-25T07:00:00.000001+05:59', 'v3'],
  ['2026-10-25T15:00:00.000000+14:00', 'v2'],
]

for (const [who, { call, records }] of Object.entries(SERVERS))
  test.each(Object.keys(TABLES))(
    `%s as they were, to the microsecond and by any offset, by ${who}`,
    async (table) => {
      const type = table.slice(0, -1)
      for (const [asOf, label] of CASES) {
        const answer = await call('GET', `/records/${type}/2?as_of=${encodeURIComponent(asOf)}`)
        expect([answer.status, answer.body.data?.fields.label ?? null], asOf).toEqual([
          label ? 200 : 404,
          label,
        ])
        // A Date has milliseconds: it is asked for what they say exactly.
        if (/\.\d{4,}/.test(asOf)) continue
        const past = await records.readPast(type, '2', { actor, asOf: new Date(asOf) })
        expect(past.outcome === 'found' ? past.record.fields.label : past.outcome, asOf).toBe(
          label ?? 'missing',
        )
      }
    },
  )

test.each(['visit', 'call'])(
  'of a %s of before its table was tracked it says no more than is known',
  async (type) => {
    const path = `/records/${type}/7`
    const now = (await app.call('GET', path)).body.data
    // It had no time: it has that of when it was tracked, and was so since.
    const before = new Date(Date.parse(now.updated_at) - 1_000)
    const asked = async (asOf: string) => {
      const { status, body } = await app.call('GET', `${path}?as_of=${encodeURIComponent(asOf)}`)
      const past = await app.records.readPast(type, '7', { actor, asOf: new Date(asOf) })
      return [status, body.code ?? body.data.fields.label, past.outcome]
    }
    expect(await asked(before.toISOString())).toEqual([410, 'no_longer_known', 'unknown'])
    expect(await asked(new Date().toISOString())).toEqual([200, 'from before', 'found'])
    await app.sql(`update ${type}s set label = 'changed' where id = 7`)
    expect(await asked(before.toISOString())).toEqual([410, 'no_longer_known', 'unknown'])
    expect(await asked('2999-01-01T00:00:00Z')).toEqual([200, 'changed', 'found'])
    const { body } = await app.call('DELETE', path, { body: { client_version: 2 } })
    expect(body).toBeNull()
    expect(await asked(before.toISOString())).toEqual([410, 'no_longer_known', 'unknown'])
    // Restored by version it is refused in the same words.
    const restored = await app.call('POST', `${path}/restore`, { body: { client_version: 3 } })
    expect([restored.status, restored.body.data?.fields.label]).toEqual([200, 'changed'])
    const first = { client_version: restored.body.data.version, to_version: 1 }
    expect((await app.call('POST', `${path}/restore`, { body: first })).body.code).toBe('no_longer_known')
  },
)

test('what is no time is refused, by the server’s own call too', async () => {
  for (const asOf of [new Date('nonsense'), new Date(8.64e15), new Date(-8.64e15)])
    expect(await app.records.readPast('visit', '2', { actor, asOf })).toMatchObject({
      outcome: 'refused',
      problem: { code: 'malformed' },
    })
  const early = await app.records.readPast('visit', '2', {
    actor,
    asOf: new Date('1066-10-14T09:00:00.001Z'),
  })
  expect(early.outcome).toBe('missing')
})
