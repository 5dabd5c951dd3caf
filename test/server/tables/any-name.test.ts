// Names are data: whatever PostgreSQL takes as the name of a column, a table or a schema is read, written, filtered, sorted,
// imported and logged by that name.
import { trackTable } from 'noclobber/migrations'
import { defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { startApp, TYPES } from '../../support/app.ts'
import { randomOf } from '../../support/random.ts'
import { oneIn } from '../../support/short-run.ts'

/** What our own SQL, JavaScript, CSV or a query's parameters call something, and other names that people have. */
const CHOSEN = [
  ...'t w s r i k p q c e o n d a id pk key line doc row rows new old written writer kept here sized'.split(
    ' ',
  ),
  ...'limit sort cursor after search filter or wait count null type fields records changes seen shape place'.split(
    ' ',
  ),
  ...'select from where order user table group end case default primary values current_user all any'.split(
    ' ',
  ),
  ...'constructor toString hasOwnProperty __proto__ valueOf then noclobber_id noclobber_version noclobber_bytes'.split(
    ' ',
  ),
  ...[
    'select * from t',
    'a"b',
    "it's",
    'a\\b',
    'a,b',
    'a;b',
    'a b',
    ' a',
    'a.b',
    'a/b',
    '%',
    '$1',
    '?',
    '??',
    ':a',
    '-a',
  ],
  ...[
    'ä',
    '日本',
    '🙂',
    'İ',
    'a=b',
    'a&b',
    'a#b',
    'a[0]',
    'x]',
    '[',
    'filter[t]',
    'or][0][t',
    't][lt',
    '{',
    '}',
    '{a}',
    '"',
  ],
  ...[
    'CamelCase',
    'camelCase',
    'UPPER',
    '0',
    '1a',
    '_',
    '$',
    "'; drop table t; --",
    'a\tb',
    'a\nb',
    'é',
    'e\u0301',
    '\u200b',
    'a​b',
  ],
  'x'.repeat(63),
  '🙂'.repeat(15),
  `${'y'.repeat(62)}"`,
]
const ALPHABET = [...'abtwsid_0"\'\\.,;:$?%[]{}() -=&#/@ä日🙂\n']
const random = randomOf(12)
const generated = Array.from({ length: 300 }, () =>
  Array.from({ length: 1 + random.below(12) }, () => random.pick(ALPHABET)).join(''),
)
const OWNED = new Set(['version', 'updated_at', 'updated_by'])
const NAMES = [...new Set([...CHOSEN, ...generated])].filter((name) => !OWNED.has(name)).slice(0, 320)
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

/** In each table a few names, so that a name meets others. */
const PER_TABLE = 32
const tables = Array.from({ length: Math.ceil(NAMES.length / PER_TABLE) }, (_, at) => ({
  type: `kind_${at}`,
  schema: NAMES[at * 7] as string,
  table: NAMES[(at * 13 + 5) % NAMES.length] as string,
  columns: NAMES.slice(at * PER_TABLE, (at + 1) * PER_TABLE),
}))
const nameOf = ({ schema, table }: (typeof tables)[number]) => `${quoted(schema)}.${quoted(table)}`

const anything = z.any().optional()
const app = await startApp({
  prepare: async (knex) => {
    for (const each of tables) {
      const columns = each.columns.map((name) => `${quoted(name)} text`).join(', ')
      const sql = `create schema ${quoted(each.schema)}; create table ${nameOf(each)} ("our key" text primary key, ${columns})`
      await knex.raw(sql.replaceAll('?', '\\?'))
      await trackTable(knex, nameOf(each), { history: 'values', lists: [each.columns[0] as string] })
    }
  },
  types: [
    ...TYPES.filter(({ name }) => name === 'tag'),
    ...tables.map(({ type, columns, ...names }) =>
      defineRecordType(type, {
        table: nameOf({ type, columns, ...names }),
        fields: Object.fromEntries(columns.map((name) => [name, anything])),
        history: 'values',
      }),
    ),
  ],
})

const entries = (names: string[], value: (at: number) => unknown) =>
  Object.fromEntries(names.map((name, at) => [name, value(at)]))
const cell = (text: string) => `"${text.replaceAll('"', '""')}"`
const long = 'z'.repeat(600)

test('there are 300 names', () => expect(NAMES.length).toBeGreaterThanOrEqual(300))

test.each(oneIn(4, tables))('a record of $type', async ({ type, columns }) => {
  const path = `/records/${type}`
  const fields = entries(columns, (at) => `v${at}`)
  const made = await app.call('POST', path, { body: { id: '1', fields, mutation_id: `${type} m` } })
  expect(made.body.data?.fields, made.text).toEqual(fields)
  expect(
    (await app.call('POST', path, { body: { id: '1', fields, mutation_id: `${type} m` } })).body,
  ).toEqual(made.body)

  const changes = entries(columns, (at) => (at === 3 ? long : `w${at}`))
  const saved = await app.call('PATCH', `${path}/1`, {
    body: { client_version: 1, changes, mutation_id: `${type} n` },
  })
  expect(saved.body.data?.fields, saved.text).toEqual(changes)
  const one = { client_version: 2, changes: { [columns[0] as string]: 'one' }, mutation_id: `${type} o` }
  const again = await app.call('PATCH', `${path}/1`, { body: one })
  expect((await app.call('PATCH', `${path}/1`, { body: one })).body).toEqual(again.body)
  const { body: history } = await app.call('GET', `${path}/1/history`)
  expect(history.data[1].changed_fields.sort()).toEqual([...columns].sort())
  expect(history.data[0].values).toEqual({ [columns[0] as string]: ['w0', 'one'] })

  const bulk = await app.call('PATCH', path, {
    body: { changes: fields, records: [{ id: '1', client_version: 3 }] },
  })
  expect(bulk.body.data?.[0].outcome, bulk.text).toBe('saved')
  const ndjson = await app.call('POST', `${path}/import?key=id`, {
    text: `${JSON.stringify({ ...changes, id: '1' })}\n`,
    headers: { 'content-type': 'application/x-ndjson' },
  })
  if (!columns.includes('id')) expect(ndjson.body, ndjson.text).toMatchObject({ data: { updated: 1 } })
  const importable = columns.filter((name) => name === name.trim() && name !== 'id')
  const csv = await app.call('POST', `${path}/import?key=id`, {
    text: `id,${importable.map(cell).join()}\n1,${importable.map((_, at) => `i${at}`).join()}\n`,
    headers: { 'content-type': 'text/csv' },
  })
  expect(csv.body, csv.text).toMatchObject({ data: { updated: 1 } })
  const { fields: now } = (await app.call('GET', `${path}/1`)).body.data
  for (const [at, name] of importable.entries()) expect([name, now[name]]).toEqual([name, `i${at}`])
  for (const name of columns) {
    const list = async (parameters: Record<string, string>) => {
      const { body, text } = await app.call('GET', `${path}?${new URLSearchParams(parameters)}`)
      return [name, body.data?.length ?? text]
    }
    expect(await list({ [`filter[${name}]`]: now[name], [`filter[${name}][ne]`]: 'other' })).toEqual([
      name,
      1,
    ])
    expect(await list({ [`filter[${name}][in]`]: 'x,y' })).toEqual([name, 0])
  }
  const sort = columns.find((name) => name !== 'id' && !name.startsWith('-')) as string
  expect((await app.call('GET', `${path}?${new URLSearchParams({ sort: `-${sort}` })}`)).status).toBe(200)
  const { cursor } = (await app.call('GET', path)).body
  expect(
    (
      await app.call('DELETE', `${path}/1`, {
        headers: { 'if-match': `"${(await app.call('GET', `${path}/1`)).body.data.version}"` },
      })
    ).status,
  ).toBe(204)
  expect((await app.call('GET', `${path}?cursor=${cursor}`)).body.removed).toEqual(['1'])
})

test('filters compare, and hold together or in groups', async () => {
  const { type, columns } = tables[1] as (typeof tables)[number]
  const [first, second] = columns as [string, string]
  for (const [at, [one, other]] of [
    ['a', 'x'],
    ['b', 'x,y'],
    [null, 'z'],
  ].entries())
    await app.call('POST', `/records/${type}`, {
      body: { id: `f${at}`, fields: { [first]: one, [second]: other } },
    })
  const ids = async (parameters: Record<string, string>) =>
    (await app.call('GET', `/records/${type}?${new URLSearchParams(parameters)}`)).body.data.map(
      ({ id }: { id: string }) => id,
    )
  expect(await ids({ [`filter[${first}][gte]`]: 'b' })).toEqual(['f1'])
  expect(await ids({ [`filter[${first}][ne]`]: 'a' })).toEqual(['f1', 'f2'])
  expect(await ids({ [`filter[${first}][null]`]: 'true' })).toEqual(['f2'])
  expect(await ids({ [`filter[${second}][in]`]: 'x\\,y,z' })).toEqual(['f1', 'f2'])
  expect(await ids({ [`filter[${second}][contains]`]: 'X' })).toEqual(['f0', 'f1'])
  const groups = {
    [`filter[or][0][${first}]`]: 'a',
    [`filter[or][1][${second}]`]: 'z',
    [`filter[or][1][${first}]`]: 'null',
  }
  expect(await ids(groups)).toEqual(['f0', 'f2'])
  expect(await ids({ ...groups, [`filter[${second}]`]: 'z' })).toEqual(['f2'])
  for (const wrong of ['filter[nothing]', `filter[${first}][near]`, 'filter[or][0][nothing]', 'nothing'])
    expect((await app.call('GET', `/records/${type}?${new URLSearchParams({ [wrong]: 'a' })}`)).status).toBe(
      400,
    )
})

test('the ids . and .. have a path', async () => {
  for (const id of ['.', '..', '~.', '~~..', '~', '...']) {
    const made = await app.call('POST', '/records/tag', { body: { id, fields: { label: id } } })
    expect(made.status, made.text).toBe(201)
    const path = `/records/tag/${/^~*\.{1,2}$/.test(id) ? `~${id}` : id}`
    expect((await app.call('GET', path)).body.data).toMatchObject({ id, fields: { label: id } })
    expect((await app.call('GET', `${path}/version`)).body.data.version).toBe(1)
    const saved = await app.call('PATCH', path, { body: { client_version: 1, changes: { label: 'saved' } } })
    expect(saved.body.data).toMatchObject({ id, fields: { label: 'saved' } })
  }
})
