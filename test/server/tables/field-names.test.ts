// Fields whose columns have other names, each the name of another field, and a field that only `can` sees: on every path the
// wire has the fields' names, the table and the log the columns', and what is hidden is in no answer.
import { trackTable } from 'noclobber/migrations'
import { defineRecordType } from 'noclobber/server'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { type Answer, type CallOptions, type Person, startApp, TYPES } from '../../support/app.ts'

const SECRET = 'sealed'
const text = z.string()
const FIELDS = {
  one: text,
  two: text,
  mail: text.optional(),
  team: z.string().optional(),
  note: z.string().default('no note'),
  owner: z.any().optional(),
}
const columnOf = { one: 'two', two: 'mail', mail: 'one', team: 'owner', owner: 'team', note: 'remark' }
const people = defineRecordType<Person>('person', {
  table: 'people',
  fields: FIELDS,
  columnOf,
  hidden: ['owner'],
  history: 'values',
  search: ['one'],
  merge: { text: ['two'] },
  importKey: 'mail',
  can: ({ id }, _action, { id: key, fields }) =>
    key === '' || fields.owner === `${SECRET} ${id}` || fields.owner === SECRET,
  derive: (_, { actor, action }) => (action === 'create' ? { owner: `${SECRET} ${actor.id}` } : {}),
})
const app = await startApp({
  prepare: async (knex) => {
    await knex.raw(
      `create table people (id text primary key default gen_random_uuid()::text, tenant_id text, one text unique, two text, mail text, owner text, team text, remark text)`,
    )
    await trackTable(knex, 'people', { tenant: 'tenant_id', lists: ['owner'], history: 'values' })
  },
  types: [...TYPES.filter(({ name }) => name === 'mark'), people],
})

/** All that was answered or sent. */
let seen: string[] = []
const call = async (method: string, path: string, options?: CallOptions): Promise<Answer> => {
  const answer = await app.call(method, path, options)
  seen.push(answer.text)
  return answer
}
afterEach(() => {
  const revealed = seen.filter((part) => part.includes(SECRET) || part.includes('"owner"'))
  seen = []
  expect(revealed).toEqual([])
})
let made = 0
const make = async (fields: Record<string, unknown> = {}, as = 'alice') => {
  made += 1
  const all = {
    one: `one ${made}`,
    two: `two ${made}`,
    mail: `m${made}@x`,
    team: 'red',
    note: 'a note',
    ...fields,
  }
  const { body, text } = await call('POST', '/records/person', { as, body: { id: `p${made}`, fields: all } })
  expect(body.data?.fields, text).toEqual(all)
  return body.data
}
const rowOf = async (id: string) => (await app.sql('select * from people where id = ?', [id]))[0]
const save = (id: string, client_version: number, changes: object, further: object = {}) =>
  call('PATCH', `/records/person/${id}`, { body: { client_version, changes, ...further } })

test('a record is created, saved, merged, saved in bulk, and its history read', async () => {
  const { id, fields } = await make()
  expect(await rowOf(id)).toMatchObject({
    two: fields.one,
    mail: fields.two,
    one: fields.mail,
    owner: 'red',
    team: `${SECRET} alice`,
  })
  expect(
    (await save(id, 1, { one: 'saved', team: 'blue' }, { mutation_id: `m ${id}` })).body.data,
  ).toMatchObject({
    version: 2,
    fields: { ...fields, one: 'saved', team: 'blue' },
  })
  const replay = await save(id, 1, { one: 'saved', team: 'blue' }, { mutation_id: `m ${id}` })
  expect(replay.body.data.fields).toEqual({ ...fields, one: 'saved', team: 'blue' })
  expect((await save(id, 1, { two: 'stale' })).body).toMatchObject({
    code: 'stale_record',
    changed_fields: ['one', 'team'],
    current: { fields: { one: 'saved', team: 'blue' } },
  })
  await save(id, 2, { two: 'a line and another line' })
  await save(id, 3, { two: 'a line and the other line' })
  const merging = { on_stale: 'merge', base: { two: 'a line and another line' } }
  const merged = await save(id, 3, { two: 'one line and another line' }, merging)
  expect(merged.body.data?.fields, merged.text).toMatchObject({ two: 'one line and the other line' })
  for (const one of [SECRET, 'x'.repeat(700)]) {
    const refused = await save(id, 5, { owner: one })
    seen.pop()
    expect(refused.body.errors).toEqual([{ field: 'owner', message: 'is not a field of this type' }])
  }
  const records = [
    { id, client_version: 5 },
    { id: (await make()).id, client_version: 7 },
  ]
  const bulk = await call('PATCH', '/records/person', {
    body: { changes: { one: 'bulk' }, records, on_stale: 'skip' },
  })
  expect(bulk.body.data.map(({ outcome }: { outcome: string }) => outcome)).toEqual(['saved', 'stale_record'])
  expect(bulk.body.data[1].current.fields.one).toMatch(/^one/)
  const { body: history } = await call('GET', `/records/person/${id}/history`)
  expect(history.data.map(({ changed_fields }: { changed_fields: string[] }) => changed_fields)).toEqual([
    ['one'],
    ['two'],
    ['two'],
    ['two'],
    expect.arrayContaining(['one', 'team']),
    [],
  ])
  expect(history.data[0].values).toEqual({ one: ['saved', 'bulk'] })
  expect(history.data[5].values).toEqual(
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, [null, value]])),
  )
  const all = await call('GET', '/changes?cursor=start')
  expect(all.status).toBe(200)
})

test('who sees what is decided by the hidden field, also of what is gone', async () => {
  const { id } = await make()
  expect((await call('GET', `/records/person/${id}`, { as: 'bob' })).status).toBe(404)
  expect((await call('GET', '/records/person?limit=100', { as: 'bob' })).body.data).toEqual([])
  const { cursor } = (await call('GET', '/records/person?limit=100')).body
  const { cursor: from } = (await call('GET', '/changes')).body
  await app.sql('update people set team = ? where id = ?', [SECRET, id])
  const read = await call('GET', `/records/person/${id}`, { as: 'bob' })
  expect(read.body.data.version).toBe(2)
  const { body: history } = await call('GET', `/records/person/${id}/history`)
  expect(history.data[0]).toMatchObject({ version: 2, changed_fields: [], values: {} })
  const removed = await call('DELETE', `/records/person/${id}`, { as: 'bob', headers: { 'if-match': '"2"' } })
  expect(removed.status, removed.text).toBe(204)
  for (const as of ['alice', 'bob']) {
    expect((await call('GET', `/records/person/${id}`, { as })).status).toBe(410)
    expect((await call('GET', `/records/person?cursor=${cursor}`, { as })).body.removed).toEqual([id])
    const { body: feed } = await call('GET', `/changes?cursor=${from}`, { as })
    expect(feed.data.at(-1)).toMatchObject({ event: 'deleted', id })
    expect(Object.keys(feed.data.at(-1).values ?? {})).not.toContain('owner')
  }
  const { id: other } = await make()
  await app.sql('delete from people where id = ?', [other])
  expect((await call('GET', `/records/person/${other}`, { as: 'bob' })).status).toBe(404)
})

test('lists are filtered, sorted, searched by fields; the hidden one is none', async () => {
  await make({ one: 'needle A', two: 'z', team: 'green' })
  await make({ one: 'needle B', two: 'y', team: 'green' })
  const list = async (query: string) => {
    const { body, status } = await call('GET', `/records/person?${query}`)
    return status === 200 ? body.data.map(({ fields }: { fields: { one: string } }) => fields.one) : status
  }
  expect(await list('filter[team]=green&sort=two')).toEqual(['needle B', 'needle A'])
  expect(await list('filter[team]=green&sort=-two')).toEqual(['needle A', 'needle B'])
  expect(await list('search=needle&filter[two][gt]=y')).toEqual(['needle A'])
  expect(await list('team=green&one=needle%20B')).toEqual(['needle B'])
  for (const query of ['filter[owner]=x', 'owner=x', 'sort=owner', 'filter[tenant_id2]=x'])
    expect(await list(query)).toBe(400)
  expect((await call('GET', '/openapi.json')).text).not.toContain('"owner"')
})

test('files, by the field that is their key', async () => {
  const { id, fields } = await make()
  const csv = await call('POST', '/records/person/import', {
    text: `mail,one,two,team,note\n${fields.mail},from a file,two,,noted\nnew@x,created,two,red,noted\n`,
    headers: { 'content-type': 'text/csv' },
  })
  expect(csv.body.data, csv.text).toMatchObject({ created: 1, updated: 1 })
  expect(await rowOf(id)).toMatchObject({
    two: 'from a file',
    one: fields.mail,
    team: `${SECRET} alice`,
    remark: 'noted',
  })
  const refused = await call('POST', '/records/person/import', {
    text: 'mail,owner\nnew@x,me\n',
    headers: { 'content-type': 'text/csv' },
  })
  seen.pop()
  expect(refused.status).toBe(422)
  const { body: taken } = await call('POST', '/records/person', {
    body: { id: 'again', fields: { one: 'x', two: 'y', mail: fields.mail, team: 'red' } },
  })
  expect(taken.errors).toEqual([{ field: 'mail', message: 'is taken already' }])
})

test('events name fields, by record and by list, of one save and of very many rows', async () => {
  const { id } = await make({ team: 'live' })
  const watcher = await app.socket()
  expect((await watcher.watch(['person', id])).records).toMatchObject([{ ok: true }])
  expect(await watcher.watchList('person', { team: 'live' })).toMatchObject({ ok: true })
  expect(await watcher.watchList('person', { owner: 'live' })).toMatchObject({ ok: false, code: 'malformed' })
  await save(id, 1, { one: 'by the server', two: 'too' })
  expect((await watcher.receives('RecordUpdated', { id, version: 2 })).changed_fields).toEqual(['one', 'two'])
  await app.sql(`update people set two = 'by hand', team = ? where id = ?`, [`${SECRET} alice`, id])
  expect((await watcher.receives('RecordUpdated', { id, version: 3 })).changed_fields).toEqual(['one'])
  const { id: other } = await make({ team: 'live' })
  await watcher.receives('RecordCreated', { id: other })
  await app.sql(
    `insert into people (id, tenant_id, two, owner, team) select 'many ' || n, 'acme', 'x', 'live', '${SECRET}' from generate_series(1, 60) n`,
  )
  const many = await watcher.receives('RecordsImported')
  expect(many.scopes).toEqual([{ team: 'live' }])
  seen.push(JSON.stringify(watcher.received))
})

test.each([
  [{ columnOf: { none: 'one' } }, /columnOf and hidden name fields, and none is none/],
  [{ hidden: ['none'] }, /none is none/],
  [{ hidden: ['one'], search: ['one'] }, /one is hidden/],
  [{ hidden: ['one'], importKey: 'one' }, /one is hidden/],
])('%o is refused', (options, message) => {
  expect(() => defineRecordType('odd', { table: 'people', fields: FIELDS, ...options })).toThrow(message)
})

test.each([
  [{ columnOf: { one: 'two' } }, /fields one and two are one column, two/],
  [{ columnOf: { one: 'nowhere' } }, /no column nowhere/],
  [{ columnOf: { one: 'version' } }, /its column version belongs to the triggers/],
  [{ hidden: ['owner'] }, /its field owner is hidden, and lists are watched by it/],
])('%o is refused when the table is looked up', async (options, message) => {
  const type = defineRecordType<Person>('odd', { table: 'people', fields: FIELDS, ...options })
  await expect(startApp({ database: app.database, types: [type] })).rejects.toThrow(message)
})
