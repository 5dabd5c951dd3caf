// A rule over the whole record: create, save, merge, bulk edit and import obey it, also those that race.
import { trackTable } from 'noclobber/migrations'
import { type Actor, defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { startApp } from '../../support/app.ts'

interface Me extends Actor {
  role: string
}

const trip = defineRecordType<Me>('trip', {
  table: 'trips',
  fields: { code: z.string(), first: z.int(), last: z.int().nullable(), owner: z.string().default('all') },
  rule: z
    .looseObject({ first: z.number(), last: z.number().nullish() })
    .refine(({ first, last }) => last === null || last === undefined || first <= last, {
      path: ['last'],
      message: 'comes before the first',
    }),
  can: ({ id, role }, _action, { fields }) =>
    role === 'editor' && (fields.owner === 'all' || fields.owner === id),
  importKey: 'code',
  merge: true,
})

const app = await startApp({
  types: [trip],
  async prepare(knex) {
    await knex.raw(`create table trips (id serial primary key, tenant_id text not null, code text not null,
      first int not null, last int, owner text not null default 'all')`)
    await trackTable(knex, 'trips', { tenant: 'tenant_id' })
  },
})

const BROKEN = { code: 'invalid', errors: [{ field: 'last', message: 'comes before the first' }] }
let made = 0
const create = async (fields: object = {}) => {
  made += 1
  const body = { fields: { code: `T${made}`, first: 3, last: 5, ...fields } }
  const { body: answer } = await app.call('POST', '/records/trip', { body })
  return answer.data as { id: string; version: number; fields: { code: string } }
}
const save = (id: string, clientVersion: number, changes: object, more: object = {}) =>
  app.call('PATCH', `/records/trip/${id}`, { body: { client_version: clientVersion, changes, ...more } })
const fieldsOf = async (id: string) => (await app.call('GET', `/records/trip/${id}`)).body.data.fields

test('a record that breaks it is not created', async () => {
  const { status, body } = await app.call('POST', '/records/trip', {
    body: { fields: { code: 'X', first: 9, last: 5 } },
  })
  expect(status).toBe(422)
  expect(body).toMatchObject(BROKEN)
  expect(await create({ last: null })).toMatchObject({ version: 1 })
})

test('a save is checked with the fields that it does not name, in the cache or not', async () => {
  const { id } = await create()
  for (const isCached of [true, false]) {
    if (!isCached) await app.knex.raw('update trips set first = 4 where id = ?', [id])
    const version = isCached ? 1 : 2
    const refused = await save(id, version, { first: 6 })
    expect([refused.status, refused.body]).toMatchObject([422, BROKEN])
    expect((await save(id, version - 1 || 9, { first: 6 })).status).toBe(409)
  }
  expect((await save(id, 2, { first: 6, last: 7 })).status).toBe(200)
  expect(await fieldsOf(id)).toMatchObject({ first: 6, last: 7 })
})

test('two saves that are right each by itself: merged or not, what is stored keeps it', async () => {
  const { id } = await create()
  expect((await save(id, 1, { last: 3 })).status).toBe(200)
  const merged = await save(id, 1, { first: 4 }, { on_stale: 'merge' })
  expect([merged.status, merged.body]).toMatchObject([422, BROKEN])
  for (let round = 0; round < 10; round += 1) {
    const record = await create()
    await Promise.all([
      save(record.id, 1, { first: 5 }, { on_stale: 'merge' }),
      save(record.id, 1, { last: 3 }, { on_stale: 'merge' }),
    ])
    const { first, last } = await fieldsOf(record.id)
    expect(first).toBeLessThanOrEqual(last)
  }
})

test('bulk edits: all or none, or those that keep it', async () => {
  const [wide, narrow] = [await create({ last: 9 }), await create({ last: 5 })]
  const records = [wide, narrow].map(({ id }) => ({ id, client_version: 1 }))
  const edit = (onStale: string) =>
    app.call('PATCH', '/records/trip', { body: { changes: { first: 7 }, records, on_stale: onStale } })
  const aborted = await edit('abort')
  expect(aborted.status).toBe(422)
  expect(aborted.body.records).toMatchObject([{ outcome: 'held_back' }, { outcome: 'invalid' }])
  expect(await fieldsOf(wide.id)).toMatchObject({ first: 3 })
  const skipped = await edit('skip')
  expect(skipped.body.data).toMatchObject([
    { outcome: 'saved', version: 2 },
    { outcome: 'invalid', errors: BROKEN.errors },
  ])
  expect(await fieldsOf(narrow.id)).toMatchObject({ first: 3 })
})

test('imports: new rows, and rows that update a record by some of its fields', async () => {
  const { fields } = await create()
  const send = (text: string) =>
    app.call('POST', '/records/trip/import', { text, headers: { 'content-type': 'text/csv' } })
  const refused = await send(`code,first\n${fields.code},8\n`)
  expect(refused.status).toBe(422)
  expect(refused.body.errors).toMatchObject([{ line: 2, ...BROKEN.errors[0] }])
  expect((await send('code,first,last\nNEW,8,7\n')).status).toBe(422)
  expect((await send(`code,first\n${fields.code},5\n`)).status).toBe(200)
})

test('it says nothing about a record that the person may not read', async () => {
  const rows = await app.knex.raw(
    `insert into trips (tenant_id, code, first, last, owner) values ('acme', 'B', 1, 2, 'bob') returning id`,
  )
  const hidden = await save(String(rows.rows[0].id), 1, { first: 9 })
  expect(hidden.status).toBe(404)
  expect(hidden.body).toEqual((await save('999999', 1, { first: 9 })).body)
})
