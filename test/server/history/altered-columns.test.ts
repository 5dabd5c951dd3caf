// Versions from before a table was altered: of a column that is called otherwise, is of another type, was dropped or came since. What was is
// shown as it was, or is not shown; bringing it back is a save that passes or is refused by a sentence.
import type { Knex } from 'knex'
import { trackTable } from 'noclobber/migrations'
import { defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Person, startApp, type TestApp } from '../../support/app.ts'
import { freshDatabase } from '../../support/postgres.ts'

const any = z.any().optional()
const OPTIONS = { tenant: 'tenant_id', history: 'values' } as const

/** A table with these columns, and a node that knows these fields. */
const start = async (columns: string, fields: Record<string, z.ZodType>) => {
  const app = await startApp({
    database: await freshDatabase(),
    types: [thing(fields)],
    prepare: async (knex) => {
      await knex.raw(`create table things (id text primary key, tenant_id text not null, ${columns})`)
      await trackTable(knex, 'things', OPTIONS)
    },
  })
  return app
}
const thing = (fields: Record<string, z.ZodType>, columnOf: Record<string, string> = {}) =>
  defineRecordType<Person>('thing', { table: 'things', fields, columnOf, history: 'values', merge: true })
/** The next release: a migration, and a node with other fields. */
const release = async (
  app: TestApp,
  migration: string | ((knex: Knex) => Promise<unknown>),
  type: ReturnType<typeof thing>,
) => {
  await (typeof migration === 'string' ? app.knex.raw(migration) : migration(app.knex))
  await trackTable(app.knex, 'things', OPTIONS)
  const database = { ...app.database, drop: async () => {} }
  const next = await startApp({ database, types: [type] })
  return next
}
const create = (app: TestApp, id: string, fields: object) =>
  app.call('POST', '/records/thing', { body: { id, fields } })
const save = async (app: TestApp, id: string, version: number, changes: object) => {
  const answer = await app.call('PATCH', `/records/thing/${id}`, {
    body: { client_version: version, changes },
  })
  expect(answer.status, answer.text).toBe(200)
}
const past = async (app: TestApp, id: string, version: number) =>
  (await app.call('GET', `/records/thing/${id}?version=${version}`)).body
const restore = (app: TestApp, id: string, client_version: number, body: object) =>
  app.call('POST', `/records/thing/${id}/restore`, { body: { client_version, ...body } })

test('a column that was renamed and tracked again has its history under its new name', async () => {
  const first = await start('name text, note text', { name: any, note: any })
  await create(first, 'a', { name: 'one', note: 'n' })
  await save(first, 'a', 1, { name: 'two' })
  await create(first, 'gone', { name: 'of the deleted', note: 'n' })
  await first.call('DELETE', '/records/thing/gone', { body: { client_version: 1 } })
  const app = await release(
    first,
    'alter table things rename name to title',
    thing({ title: any, note: any }),
  )
  await save(app, 'a', 2, { title: 'three' })
  expect((await past(app, 'a', 1)).data.fields).toEqual({ title: 'one', note: 'n' })
  expect((await past(app, 'a', 2)).data.fields).toEqual({ title: 'two', note: 'n' })
  const { body } = await app.call('GET', '/records/thing/a/history')
  expect(body.data.map(({ values }: { values: object }) => values)).toEqual([
    { title: ['two', 'three'] },
    { title: ['one', 'two'] },
    { title: [null, 'one'], note: [null, 'n'] },
  ])
  expect(body.data[1].changed_fields).toEqual(['title'])
  expect((await restore(app, 'a', 3, { to_version: 1 })).body.data.fields).toEqual({
    title: 'one',
    note: 'n',
  })
  const stale = await app.call('PATCH', '/records/thing/a', {
    body: { client_version: 1, changes: { note: 'x' } },
  })
  expect(stale.body.changed_fields).toEqual(['title'])
  expect((await app.call('GET', '/deleted/thing')).body.data[0].fields).toEqual({
    title: 'of the deleted',
    note: 'n',
  })
  expect((await restore(app, 'gone', 2, {})).body.data.fields).toEqual({ title: 'of the deleted', note: 'n' })
  // Tracked again without a change it stays; back and forth it follows.
  const back = await release(
    app,
    'alter table things rename title to name',
    thing({ title: any, note: any }, { title: 'name' }),
  )
  expect((await past(back, 'a', 1)).data.fields).toEqual({ title: 'one', note: 'n' })
})

test('columns that change their names, or a new one that takes an old one’s, are not taken for each other', async () => {
  const first = await start('name text, code text', { name: any, code: any })
  await create(first, 'a', { name: 'n1', code: 'c1' })
  await save(first, 'a', 1, { name: 'n2', code: 'c2' })
  const app = await release(
    first,
    'alter table things rename name to label; alter table things add column name text',
    thing({ label: any, name: any, code: any }),
  )
  // `name` is there again, so what the log has under it is not moved; of `label` nothing is known of before.
  const { fields } = (await past(app, 'a', 1)).data
  expect(fields.code).toBe('c1')
  expect(fields.label).toBe('n2')
})

test('a value of another type than its column has now is shown as it was, and comes back where the column takes it', async () => {
  const first = await start('amount text, name text', { amount: any, name: any })
  await create(first, 'a', { amount: 'a dozen', name: 'one' })
  await save(first, 'a', 1, { amount: '12', name: 'two' })
  await save(first, 'a', 2, { amount: '13' })
  const app = await release(
    first,
    'alter table things alter amount type integer using amount::integer',
    thing({ amount: any, name: any }),
  )
  expect((await past(app, 'a', 1)).data.fields).toEqual({ amount: 'a dozen', name: 'one' })
  const refused = await restore(app, 'a', 3, { to_version: 1 })
  expect([refused.status, refused.body.errors?.[0]?.field]).toEqual([422, 'amount'])
  expect((await restore(app, 'a', 3, { to_version: 1, fields: ['name'] })).body.data.fields).toEqual({
    amount: 13,
    name: 'one',
  })
  expect((await restore(app, 'a', 4, { to_version: 2, fields: ['amount'] })).body.data.fields.amount).toBe(12)
})

test('what a schema takes no more is refused by the field’s name; of a label that was renamed too', async () => {
  const first = await start('status text, mood text, name text', { status: any, mood: any, name: any })
  await first.sql(`create type mood as enum ('glad', 'so-so')`)
  await create(first, 'a', { status: 'on_hold', mood: 'glad', name: 'one' })
  await save(first, 'a', 1, { status: 'active', mood: 'so-so', name: 'two' })
  const app = await release(
    first,
    `alter table things alter mood type mood using mood::mood; alter type mood rename value 'glad' to 'happy'`,
    thing({ status: z.enum(['active', 'done']), mood: any, name: any }),
  )
  const refused = await restore(app, 'a', 2, { to_version: 1, fields: ['status', 'name'] })
  expect([refused.status, refused.body.errors?.map(({ field }: { field: string }) => field)]).toEqual([
    422,
    ['status'],
  ])
  const unknown = await restore(app, 'a', 2, { to_version: 1, fields: ['mood'] })
  expect([unknown.status, unknown.body.errors?.[0]?.field]).toEqual([422, 'mood'])
  expect((await restore(app, 'a', 2, { to_version: 1, fields: ['name'] })).status).toBe(200)
})

test('a column that was dropped is in no version any more; the others are as they were, and an import is undone', async () => {
  const first = await start('code text, name text', { code: any, name: any })
  await create(first, 'a', { code: 'c1', name: 'one' })
  await save(first, 'a', 1, { code: 'c2', name: 'two' })
  const imported = await first.call('POST', '/records/thing/import?key=id', {
    text: JSON.stringify({ id: 'a', code: 'c3', name: 'imported' }),
    headers: { 'content-type': 'application/x-ndjson' },
  })
  const app = await release(first, 'alter table things drop column code', thing({ name: any }))
  expect((await past(app, 'a', 1)).data.fields).toEqual({ name: 'one' })
  const undone = await app.call('POST', `/records/thing/import/${imported.body.data.import_id}/undo`, {
    body: {},
  })
  expect(undone.body.data).toMatchObject([{ id: 'a', outcome: 'restored' }])
  expect((await app.call('GET', '/records/thing/a')).body.data.fields).toEqual({ name: 'two' })
  expect((await restore(app, 'a', 4, { to_version: 1 })).body.data.fields).toEqual({ name: 'one' })
})

test('a column that came since keeps what it has, also where the version is one of before the id was given anew', async () => {
  const first = await start('name text', { name: any })
  await create(first, 'a', { name: 'of the first life' })
  await first.call('DELETE', '/records/thing/a', { body: { client_version: 1 } })
  await create(first, 'b', { name: 'one' })
  await save(first, 'b', 1, { name: 'two' })
  const app = await release(
    first,
    'alter table things add column weight integer not null default 7, add column note text',
    thing({ name: any, weight: any, note: any }),
  )
  const made = await create(app, 'a', { name: 'of the second life', weight: 9, note: 'kept' })
  expect((await past(app, 'a', 1)).data.fields.name).toBe('of the first life')
  const restored = await restore(app, 'a', made.body.data.version, { to_version: 1 })
  expect([restored.status, restored.body.data?.fields]).toEqual([
    200,
    { name: 'of the first life', weight: 9, note: 'kept' },
  ])
  await save(app, 'b', 2, { weight: 8, note: 'since' })
  expect((await restore(app, 'b', 3, { to_version: 1 })).body.data.fields).toEqual({
    name: 'one',
    weight: 7,
    note: null,
  })
})

test('a field that must not be null any more, and was, is named; what is proposed in a field that is gone is left out', async () => {
  const first = await start('name text, code text', { name: any, code: any })
  await create(first, 'a', { name: null, code: 'c' })
  await save(first, 'a', 1, { name: 'two' })
  const proposal = await first.call('POST', '/records/thing/a/proposals', {
    body: { client_version: 2, changes: { name: 'proposed', code: 'proposed' } },
  })
  const app = await release(
    first,
    'alter table things alter name set not null; alter table things drop column code',
    thing({ name: any }),
  )
  const refused = await restore(app, 'a', 2, { to_version: 1 })
  expect([refused.status, refused.body.errors?.[0]?.field]).toEqual([422, 'name'])
  const listed = await app.call('GET', '/records/thing/a/proposals')
  expect(listed.body.data[0].changes).toEqual({ name: 'proposed' })
  const accepted = await app.call('POST', `/records/thing/a/proposals/${proposal.body.data.id}/accept`, {
    body: { client_version: 2 },
  })
  expect([accepted.status, accepted.body.data?.fields]).toEqual([200, { name: 'proposed' }])
})
