// The columns for version, time and writer under any names and of any types that are supported: a record of each such table is
// created, saved, refused when stale, written by hand, imported, deleted, followed and examined like any other.
import { trackTable } from 'noclobber/migrations'
import { defineRecordType, doctor } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { startApp, TYPES } from '../../support/app.ts'
import { ofInterest } from '../../support/findings.ts'
import { randomOf } from '../../support/random.ts'

const random = randomOf(16)
const ALPHABET = [...'abtwsidnoc_0"\'\\.,;:$?%[]{}() -=&#/@ä日🙂\n']
const CHOSEN = [
  ...[
    'lock_version',
    'updatedAt',
    'order',
    'select',
    'user',
    'new',
    'old',
    'r',
    'n',
    'o',
    'xid',
    'seq',
    'at',
  ],
  ...[
    '%8$I',
    '%9$s',
    ':source',
    '?',
    '$1',
    'a"b',
    "it's",
    'a\\b',
    'ROW',
    '$rows$',
    '🙂'.repeat(15),
    'x'.repeat(63),
  ],
  ...[
    'record_id',
    'actor',
    'lines',
    'source',
    'owned',
    'trusted',
    'moved',
    'origin',
    'touches',
    'after',
    'c',
    't',
  ],
]
/** Names that are different in one table. */
const namesOf = (count: number): string[] => {
  const names = new Set<string>()
  while (names.size < count)
    names.add(
      random.below(2) === 0
        ? random.pick(CHOSEN)
        : Array.from({ length: 1 + random.below(9) }, () => random.pick(ALPHABET)).join(''),
    )
  return [...names]
}

const VERSIONS = ['bigint', 'integer', null]
const TIMES = ['timestamptz', 'timestamp', 'timestamp(3)', null, 'none']
const WRITERS = ['jsonb', 'bigint references people', 'uuid', 'text', 'varchar(3)', 'integer', null, 'none']
const KEYS = ['text', 'uuid']
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

/** Null: the column is missing and made. `none`: there is none and none is made. */
const tables = Array.from({ length: 24 }, (_, at) => {
  const [version, time, writer, title, seen] = namesOf(5) as [string, string, string, string, string]
  return {
    type: `kind_${at}`,
    key: random.pick(KEYS),
    title,
    seen,
    version: { name: version, type: VERSIONS[at % VERSIONS.length] as string | null },
    time: { name: time, type: TIMES[at % TIMES.length] as string | null },
    writer: { name: writer, type: WRITERS[at % WRITERS.length] as string | null },
  }
})
type Table = (typeof tables)[number]

const USER = '7'
const app = await startApp({
  prepare: async (knex) => {
    await knex.raw('create table people (id bigint primary key); insert into people values (7), (8)')
    for (const { type, key, title, seen, version, time, writer } of tables) {
      const columns = [version, time, writer]
        .filter(({ type }) => type !== null && type !== 'none')
        .map(({ name, type }) => `, ${quoted(name)} ${type}`)
      const sql = `create table ${type} ("our key" ${key} primary key, ${quoted(title)} text, ${quoted(seen)} text${columns.join('')})`
      await knex.raw(sql.replaceAll('?', '\\?'))
      await trackTable(knex, type, {
        history: 'values',
        ignore: [seen],
        columns: {
          version: version.name,
          updatedAt: time.type === 'none' ? null : time.name,
          updatedBy: writer.type === 'none' ? null : writer.name,
        },
      })
    }
  },
  types: [
    ...TYPES.filter(({ name }) => name === 'tag'),
    ...tables.map(({ type, title }) =>
      defineRecordType(type, { table: type, fields: { [title]: z.string() }, history: 'values' }),
    ),
  ],
})
app.people.set('amy', { id: USER, name: 'Amy', tenantId: 'acme', role: 'editor' })
app.people.set('zoe', { id: '99', name: 'Zoe', tenantId: 'acme', role: 'editor' })

const idsOf = ({ key }: Table) =>
  Array.from({ length: 70 }, (_, at) =>
    key === 'uuid' ? `00000000-0000-4000-8000-0000000000${at + 10}` : String(at + 10),
  )
const run = (text: string) => app.sql(text.replaceAll('?', '\\?'))

/** The writer's column by hand, after a write by this person. */
const written = (type: string | null, id: string, name: string) => {
  if (type === null || type === 'jsonb') return { id, name, kind: 'user' }
  if (type === 'bigint references people') return id === USER ? id : null
  if (type === 'uuid') return null
  return type === 'integer' ? Number(id) : id
}

test.each(tables)('a record of $type with $version, $time and $writer', async (table) => {
  const { type, title, seen, version, time, writer } = table
  const path = `/records/${type}`
  const [id, ...others] = idsOf(table) as [string, ...string[]]
  const as = 'amy'
  const amy = { id: USER, name: 'Amy', kind: 'user' }
  const before = Date.now()
  const isRecent = (text: string) => Math.abs(Date.parse(text) - before) < 60_000
  const { cursor } = (await app.call('GET', path)).body

  const made = await app.call('POST', path, { as, body: { id, fields: { [title]: 'one' } } })
  expect(made.body.data, made.text).toMatchObject({
    id,
    version: 1,
    updated_by: amy,
    fields: { [title]: 'one' },
  })
  expect(isRecent(made.body.data.updated_at), made.text).toBe(true)
  const saving = { client_version: 1, changes: { [title]: 'two' }, mutation_id: type }
  const saved = await app.call('PATCH', `${path}/${id}`, { as, body: saving })
  expect(saved.body.data, saved.text).toMatchObject({
    version: 2,
    updated_by: amy,
    fields: { [title]: 'two' },
  })
  expect(isRecent(saved.body.data.updated_at), saved.text).toBe(true)
  expect((await app.call('PATCH', `${path}/${id}`, { as, body: saving })).body).toEqual(saved.body)
  expect((await app.call('GET', `${path}/${id}`)).body).toEqual(saved.body)

  const stale = await app.call('PATCH', `${path}/${id}`, {
    as: 'zoe',
    body: { client_version: 1, changes: { [title]: 'three' } },
  })
  expect(stale.body, stale.text).toMatchObject({
    code: 'stale_record',
    current_version: 2,
    changed_fields: [title],
    updated_by: amy,
  })
  const [row] = await run(`select * from ${type}`)
  if (writer.type !== 'none')
    expect(row[writer.name]).toEqual(
      writer.type === 'bigint references people' ? USER : written(writer.type, USER, 'Amy'),
    )
  if (time.type !== 'none') {
    const [{ apart }] = await run(
      `select abs(extract(epoch from ${quoted(time.name)} ${time.type?.startsWith('timestamp(') || time.type === 'timestamp' ? `at time zone 'UTC'` : ''} - now())) as apart from ${type}`,
    )
    expect(Number(apart)).toBeLessThan(60)
  }

  // By hand: nothing, what is owned, a touch, many rows.
  const table_ = quoted(type)
  const at = async () =>
    Number((await run(`select * from ${table_} where "our key" = '${id}'`))[0][version.name])
  await run(`update ${table_} set ${quoted(title)} = ${quoted(title)}`)
  await run(`update ${table_} set ${quoted(seen)} = 'x'`)
  if (writer.type !== 'none') await run(`update ${table_} set ${quoted(writer.name)} = null`)
  if (time.type !== 'none') await run(`update ${table_} set ${quoted(time.name)} = '2001-01-01'`)
  await run(`update ${table_} set ${quoted(version.name)} = 77`)
  expect(await at()).toBe(2)
  await run(
    `update ${table_} set ${quoted(title)} = 'orm', ${quoted(version.name)} = ${quoted(version.name)} + 1`,
  )
  expect(await at()).toBe(3)
  await run(`update ${table_} set ${quoted(version.name)} = ${quoted(version.name)} + 1`)
  expect(await at()).toBe(4)
  await run(
    `insert into ${table_} ("our key", ${quoted(title)}) select unnest('{${others.join()}}'::text[])::${table.key}, 'many'`,
  )
  await run(`update ${table_} set ${quoted(title)} = ${quoted(title)} || '!'`)
  await run(
    `update ${table_} set ${quoted(title)} = 'few' where "our key" in ('${others.slice(0, 5).join("', '")}')`,
  )
  expect(await at()).toBe(5)
  const log = await app.sql(
    `select event, version, changed_fields as fields, count(*)::int as count, min(updated_by->>'kind') as kind, bool_and(abs(extract(epoch from updated_at - now())) < 60) as now
     from noclobber.changes where table_name = ? and record_id <> ? group by 1, 2, 3 order by 2, 1`,
    [`public.${type}`, id],
  )
  expect(log).toEqual([
    { event: 'created', version: '1', fields: [], count: 69, kind: 'database', now: true },
    { event: 'updated', version: '2', fields: [title], count: 69, kind: 'database', now: true },
    { event: 'updated', version: '3', fields: [title], count: 5, kind: 'database', now: true },
  ])
  const [hand] = await run(`select * from ${table_} where "our key" = '${id}'`)
  if (writer.type !== null && /^(bigint|uuid|integer|varchar)/.test(writer.type))
    expect(hand[writer.name]).toBe(null)

  // A delta, a list, a file, a bulk edit, a deletion.
  const list = await app.call('GET', `${path}?sort=-version&limit=1`)
  expect(list.body.data[0], list.text).toMatchObject({ id, version: 5 })
  expect((await app.call('GET', `${path}?sort=updated_at`)).status).toBe(time.type === 'none' ? 400 : 200)
  const imported = await app.call('POST', `${path}/import?key=id`, {
    as,
    text: `${JSON.stringify({ id, version: 5, [title]: 'file' })}\n${JSON.stringify({ id: others[0], [title]: 'file' })}\n`,
    headers: { 'content-type': 'application/x-ndjson' },
  })
  if (title !== 'version' && title !== 'id')
    expect(imported.body, imported.text).toMatchObject({ data: { updated: 2 } })
  const now = (await app.call('GET', `${path}/${id}/version`)).body.data.version
  const bulk = await app.call('PATCH', path, {
    as,
    body: { changes: { [title]: 'bulk' }, records: [{ id, client_version: now }] },
  })
  expect(bulk.body.data?.[0], bulk.text).toMatchObject({
    outcome: 'saved',
    version: now + 1,
    updated_by: amy,
  })
  const history = await app.call('GET', `${path}/${id}/history`)
  expect(history.body.data[0]).toMatchObject({ version: now + 1, updated_by: amy, changed_fields: [title] })
  expect(history.body.data[0].values[title][1]).toBe('bulk')
  const removed = await app.call('DELETE', `${path}/${id}`, { as, headers: { 'if-match': `"${now + 1}"` } })
  expect(removed.status, removed.text).toBe(204)
  const again = await app.call('POST', path, { as, body: { id, fields: { [title]: 'again' } } })
  expect(again.body.data, again.text).toMatchObject({ version: now + 3 })
  const delta = await app.call('GET', `${path}?cursor=${cursor}`)
  expect(delta.body.data?.length ?? delta.text).toBe(70)
})

test('the doctor finds nothing in any of them, and says how each is tracked', async () => {
  const { findings } = await doctor(app.knex, { rows: true })
  expect(ofInterest(findings)).toEqual([])
})
