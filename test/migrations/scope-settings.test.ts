// Lists that are watched by a day: the log has it as ISO 8601, whatever the writer's session says, whichever way it writes.
import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { atEnd } from '../support/at-end.ts'
import { freshDatabase } from '../support/postgres.ts'

const { url } = await freshDatabase()
const knex = createKnex({
  client: 'pg',
  connection: `${url}?options=${encodeURIComponent('-c datestyle=German,DMY -c timezone=Asia/Kolkata')}`,
  pool: { min: 0, max: 3 },
})
atEnd(() => knex.destroy())
await knex.raw('create table shifts (id integer primary key, day date, hours integer)')
await trackTable(knex, 'shifts', { lists: ['day'] })
const records = createRecordServer({
  log: null,
  knex,
  types: [defineRecordType('shift', { table: 'shifts', fields: { day: z.string(), hours: z.number() } })],
  authenticate: () => null,
})
atEnd(() => records.stop())

const scopes = async () => {
  await knex.raw('select noclobber.compact(1000)')
  const { rows } = await knex.raw('select distinct c.scopes from noclobber.changes c')
  await knex.raw('delete from noclobber.record_changes')
  return rows.map((row: { scopes: { day: string[] } }) => row.scopes.day.toSorted())
}

const DAY = '2026-11-29'
const NEXT = '2026-11-30'

test.each([1, 30, 60])('%i rows inserted, changed, moved and deleted by SQL', async (count) => {
  await knex.raw(`insert into shifts select i, '${DAY}', 0 from generate_series(1, ${count}) i`)
  expect(await scopes()).toEqual([[DAY]])
  await knex.raw('update shifts set hours = hours + 1')
  expect(await scopes()).toEqual([[DAY]])
  await knex.raw(`update shifts set day = '${NEXT}'`)
  expect(await scopes()).toEqual([[DAY, NEXT]])
  await knex.raw('delete from shifts')
  expect(await scopes()).toEqual([[NEXT]])
})

test('a save', async () => {
  await knex.raw(`insert into shifts values (1, '${DAY}', 0)`)
  await scopes()
  const actor = { id: 'a', name: 'A', tenantId: '' }
  await records.save('shift', '1', { actor, clientVersion: 1, changes: { hours: 8 } })
  expect(await scopes()).toEqual([[DAY]])
  await records.save('shift', '1', { actor, clientVersion: 2, changes: { day: NEXT } })
  expect(await scopes()).toEqual([[DAY, NEXT]])
})
