// An id that was deleted and comes back goes on counting after its tombstone, within its tenant: of another tenant's
// records a version says nothing.
import { trackTable } from 'noclobber/migrations'
import { defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Person, startApp, TYPES } from '../support/app.ts'

const app = await startApp({
  types: [
    ...TYPES,
    defineRecordType<Person>('slot', { table: 'slots', fields: { label: z.string() }, merge: true }),
  ],
  prepare: async (knex) => {
    await knex.raw('create table slots (id text primary key, tenant_id text, label text)')
    await trackTable(knex, 'slots', { tenant: 'tenant_id' })
  },
})

const create = (as: string, id: string) =>
  app.call('POST', '/records/slot', { as, body: { id, fields: { label: 'new' } } })
const save = (as: string, id: string, version: number, label: string, more: object = {}) =>
  app.call('PATCH', `/records/slot/${id}`, {
    as,
    body: { client_version: version, changes: { label }, ...more },
  })
const remove = (as: string, id: string, version: number) =>
  app.call('DELETE', `/records/slot/${id}`, { as, body: { client_version: version } })

const madeAndGone = async (id: string) => {
  await create('alice', id)
  for (const version of [1, 2, 3]) await save('alice', id, version, `label ${version}`)
  expect((await remove('alice', id, 4)).status).toBe(204)
}

test('a creation goes on counting after the tombstone of its own tenant alone', async () => {
  await madeAndGone('a')
  const { body } = await create('gina', 'a')
  expect(body.data.version).toBe(1)
  expect((await remove('gina', 'a', 1)).status).toBe(204)
  expect((await create('gina', 'a')).body.data.version).toBe(3)
  expect((await remove('gina', 'a', 3)).status).toBe(204)
  expect((await create('alice', 'a')).body.data.version).toBe(6)
})

test('many creations at once do so too, by any way', async () => {
  await madeAndGone('b')
  await app.sql(
    `insert into slots (id, tenant_id) select 'b' || case n when 1 then '' else n::text end, 'globex' from generate_series(1, 60) n`,
  )
  expect(await app.sql(`select version::int from slots where id = 'b'`)).toEqual([{ version: 1 }])
})

test('a stale save gets the fields that its own tenant changed', async () => {
  await madeAndGone('c')
  await create('gina', 'c')
  await save('gina', 'c', 1, 'one')
  const stale = await save('gina', 'c', 1, 'two')
  expect([stale.status, stale.body.changed_fields]).toEqual([409, ['label']])
  const many = await app.call('PATCH', '/records/slot', {
    ...{ as: 'gina', body: { changes: { label: 'x' }, records: [{ id: 'c', client_version: 1 }] } },
  })
  expect(many.body.records?.[0]?.changed_fields, many.text).toEqual(['label'])
})

test('a watcher receives each version, though another tenant’s record had the same id and version', async () => {
  const first = await app.socket({ as: 'alice' })
  await create('alice', 'd')
  await first.watch(['slot', 'd'])
  await save('alice', 'd', 1, 'one')
  await first.receives('RecordUpdated', { id: 'd', version: 2 })
  await remove('alice', 'd', 2)
  await create('gina', 'd')
  const second = await app.socket({ as: 'gina' })
  await second.watch(['slot', 'd'])
  await app.sql(`update slots set label = 'by SQL' where id = 'd'`)
  await second.receives('RecordUpdated', { id: 'd', version: 2 })
})

test('a record that goes to a tenant where one of its id was deleted counts on after that', async () => {
  await madeAndGone('e')
  await create('gina', 'e')
  await app.sql(`update slots set tenant_id = 'acme' where id = 'e'`)
  expect(await app.sql(`select version::int from slots where id = 'e'`)).toEqual([{ version: 6 }])
  expect((await save('alice', 'e', 2, 'stale')).status).toBe(409)
})
