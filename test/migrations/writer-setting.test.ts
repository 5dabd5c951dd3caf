// Who writes, as any SQL may claim it in `noclobber.actor`: what is stored is normalized and bounded, says no more than the
// row shows, and is used for no other row. What a node sets is signed, value by value.
import fc from 'fast-check'
import { trackTable } from 'noclobber/migrations'
import { defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { NAMES, type Name, recordLine } from '../../migrations/functions/writer-setting.ts'
import { TRIGGER_ARGUMENTS } from '../../migrations/trigger-arguments.ts'
import { readSecret } from '../../server/log/cursor-key.ts'
import { normalizedWriter } from '../../server/log/stored-writer.ts'
import { createSigning, decode, savingContext, writerContext } from '../../server/tables/writer-context.ts'
import { type Person, startApp, TYPES } from '../support/app.ts'

const SEED = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 2 ** 31)

const types = [
  ...TYPES,
  defineRecordType<Person>('cat', {
    table: 'cats',
    fields: { code: z.string(), parent: z.string().nullable() },
    merge: true,
  }),
  defineRecordType<Person>('kitten', {
    table: 'kittens',
    fields: { code: z.string(), parent: z.string().nullable() },
  }),
]

const app = await startApp({
  types,
  prepare: async (knex) => {
    await knex.raw(`create table cats (id int primary key, code text unique, parent text references cats (code) on update cascade);
      create table kittens (id int primary key, code text unique, parent text);
      create table visits (id int primary key, place text, seen timestamptz)`)
    await trackTable(knex, 'cats', { lists: ['parent'] })
    await trackTable(knex, 'kittens')
    await trackTable(knex, 'visits', { ignore: ['seen'] })
  },
})
const signing = createSigning(await readSecret(app.knex))
const alice = app.people.get('alice') as Person

const tagOf = async (table: string): Promise<string> => {
  const [row] = await app.sql(
    `select (${TRIGGER_ARGUMENTS})[5] as tag from pg_trigger g where g.tgrelid = ?::regclass and g.tgname = 'zz_noclobber_update'`,
    [table],
  )
  return row.tag
}

/** Sends statements in a transaction whose setting is this. */
const under = (setting: string, ...statements: string[]) =>
  app.knex.transaction(async (transaction) => {
    await transaction.raw(`select set_config('noclobber.actor', ?, true)`, [setting])
    for (const text of statements) await transaction.raw(text)
  })

const logOf = (table: string, id: string) =>
  app.sql(
    `select version::int, event, changed_fields as fields, tenant_id, tab_id, socket_id, import_id, updated_by as writer
     from noclobber.changes where table_name = ? and record_id = ? order by seq`,
    [`public.${table}`, id],
  )
const lastOf = async (table: string, id: string) => (await logOf(table, id)).at(-1)

/** What a node's save of a sample would set, with some of its values altered after it was signed. */
const savesSample = async (id: string, version: number, altered: Partial<Record<Name, string>> = {}) => {
  const known = { tag: await tagOf('samples'), lists: [] }
  const options = { actor: alice, tabId: 'tab-1', socketId: 'socket-1' }
  const context = savingContext(signing, options, known as never, { id, version })
  const lines = `${context}label`.split('\n')
  return NAMES.map((name, at) => altered[name] ?? lines[at] ?? '').join('\n')
}

const anyText = fc.oneof(
  fc.constantFrom('', ' ', 'Bob', '‮Bob', 'a\u0007b\nc', 'منى', '𝒳'.repeat(300), 'x'.repeat(1_000), '{"a":1}'),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
)
const anyValue = fc.oneof(anyText, fc.constantFrom(null, 7, true, { odd: true }, ['x']))
const anyClaim = fc.record(
  {
    ...{ id: anyValue, name: anyValue, secret: anyValue, tab_id: anyValue, import_id: anyValue },
    kind: fc.oneof(fc.constantFrom('user', 'import', 'agent', 'database', 'root'), anyValue),
    on_behalf_of: fc.oneof(fc.record({ id: anyValue, name: anyValue }, { requiredKeys: [] }), anyValue),
  },
  { requiredKeys: [] },
)

test(`any claim is stored as the writer that the server would make of it, seed ${SEED}`, async () => {
  const { id } = await app.make('sample', { label: 'claims' })
  const [{ role }] = await app.sql('select session_user as role')
  let round = 0
  await fc.assert(
    fc.asyncProperty(
      anyClaim,
      fc.constantFrom('', '\n{}', '\n{}\ntag\n\n\n\n{"label"}'),
      async (claim, more) => {
        const text = JSON.stringify(claim).replaceAll('\\u0000', '')
        round += 1
        await under(`${text}${more}`, `update samples set ratio = ${round} where id = ${id}`)
        const writer = normalizedWriter(JSON.parse(text)) ?? { id: role, name: role, kind: 'database' }
        const [row] = await app.sql('select updated_by from samples where id = ?', [id])
        expect(row.updated_by).toEqual(writer)
        const logged = await lastOf('samples', id)
        expect(logged).toMatchObject({ writer, fields: ['ratio'], tab_id: null, import_id: null })
        expect(normalizedWriter(row.updated_by)).toEqual(writer)
        expect([...writer.id].length <= 200 && [...writer.name].length <= 100).toBe(true)
      },
    ),
    { seed: SEED, numRuns: 120 },
  )
})

test.each(['{', '{"id":', '{"id":"\\u0000"}', '[1]', 'null', '"', '{'.repeat(50_000), 'a\nb', '\n\n'])(
  'what is no JSON stops no write: %#',
  async (setting) => {
    const { id } = await app.make('sample', {})
    await under(setting, `update samples set ratio = 1 where id = ${id}`)
    const { writer, version } = await lastOf('samples', id)
    expect(version).toBe(2)
    expect(writer).toEqual(normalizedWriter(writer))
    expect(writer.name.length).toBeGreaterThan(0)
  },
)

test('a claim reaches watchers as an event of less than 1 KB, and the next one follows', async () => {
  const { id } = await app.make('project', { name: 'Pier' })
  const watcher = await app.socket()
  await watcher.watch(['project', id])
  const name = '𝒳'.repeat(500)
  const claim = { id: name, name, kind: 'agent', on_behalf_of: { id: name, name } }
  await under(JSON.stringify(claim), `update projects set notes = 'one' where id = ${id}`)
  const event = await watcher.receives('RecordUpdated', { version: 2 })
  expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(1_000)
  await app.sql(`update projects set notes = 'two' where id = ?`, [id])
  await watcher.receives('RecordUpdated', { version: 3 })
})

test('rows of the log with any writer are read as if it had been normalized', async () => {
  const { id } = await app.make('project', { name: 'Mole' })
  const odd = [
    [],
    'text',
    7,
    { name: { odd: true } },
    { id: 'x'.repeat(900), name: 'a\u0007b', kind: 'root' },
  ]
  await app.sql('alter table projects disable trigger user')
  for (const writer of odd) {
    await app.sql(`update projects set updated_by = ?::jsonb where id = ?`, [JSON.stringify(writer), id])
    await app.sql(
      `update noclobber.record_changes set updated_by = ?::jsonb where table_name = 'public.projects' and record_id = ?`,
      [JSON.stringify(writer), id],
    )
    const shown = normalizedWriter(writer)
    const { body } = await app.call('GET', `/records/project/${id}`)
    const { body: history } = await app.call('GET', `/records/project/${id}/history`)
    expect([body.data.updated_by, history.data[0].updated_by]).toEqual([shown, shown])
  }
  await app.sql('alter table projects enable trigger user')
})

test('a signed save is logged as it says, with each of its values', async () => {
  const { id } = await app.make('sample', { label: 'a' })
  const setting = await savesSample(id, 1)
  const written = NAMES.map((name) => [name, decode(setting, name)])
  expect(
    written.map(([name, value]) => [name, name === 'writer' ? JSON.parse(value as string) : value]),
  ).toEqual([
    ['writer_signature', expect.stringMatching(/^[0-9a-f]{32}$/)],
    ['writer', { id: 'alice', name: 'Alice', kind: 'user' }],
    ['signature', expect.stringMatching(/^[0-9a-f]{32}$/)],
    ['record', `${await tagOf('samples')}2 ${id}`],
    ['tab_id', 'tab-1'],
    ['socket_id', 'socket-1'],
    ['import_id', ''],
    ['scopes', ''],
    ['fields', 'label'],
  ])
  await under(setting, `update samples set label = 'b', ratio = 1 where id = ${id}`)
  expect(await lastOf('samples', id)).toEqual({
    ...{
      version: 2,
      event: 'updated',
      fields: ['label'],
      tenant_id: null,
      tab_id: 'tab-1',
      socket_id: 'socket-1',
    },
    ...{ import_id: null, writer: { id: 'alice', name: 'Alice', kind: 'user' } },
  })
})

test.each([
  ['record', '1', 'ratio'],
  ['record', '2', 'ratio'],
  ['tab_id', 'altered', 'ratio'],
  ['socket_id', 'altered', 'ratio'],
  ['signature', 'altered', 'ratio'],
] as [Name, string, string][])(
  'a setting whose %s is altered is compared: %#',
  async (name, value, field) => {
    const { id } = await app.make('sample', {})
    const altered =
      name === 'record' ? recordLine(await tagOf('samples'), value === '1' ? 'altered' : id, 2) : value
    const version = name === 'record' && value === '2' ? 2 : 1
    await under(
      await savesSample(id, version, { [name]: altered }),
      `update samples set ratio = 1 where id = ${id}`,
    )
    expect(await lastOf('samples', id)).toMatchObject({
      ...{ version: 2, fields: [field], import_id: null },
      ...(field === 'ratio' && { tab_id: null, socket_id: null }),
      writer: { id: 'alice', kind: 'user' },
    })
  },
)

test.each([
  ['writer', '{"id":"mallory","name":"\u202eM"}', { id: 'mallory', name: 'M', kind: 'service' }],
  ['writer_signature', 'altered', { id: 'alice', name: 'Alice', kind: 'user' }],
] as [Name, string, object][])('a writer whose %s is altered is normalized', async (name, value, writer) => {
  const { id } = await app.make('sample', {})
  await under(await savesSample(id, 1, { [name]: value }), `update samples set ratio = 1 where id = ${id}`)
  expect(await lastOf('samples', id)).toMatchObject({ version: 2, writer })
})

test('an import that is added to a signed save is none', async () => {
  const { id } = await app.make('sample', {})
  await under(
    await savesSample(id, 1, { import_id: 'import-1', fields: '' }),
    `update samples set ratio = 1 where id = ${id}`,
  )
  expect(await lastOf('samples', id)).toMatchObject({ version: 2, tab_id: null, import_id: null })
})

test('a save speaks of its record at its version alone', async () => {
  const { id } = await app.make('sample', { label: 'd' })
  const other = await app.make('sample', { label: 'e' })
  const setting = await savesSample(id, 1)
  await under(setting, `update samples set ratio = 1 where id = ${other.id}`)
  expect(await lastOf('samples', other.id)).toMatchObject({ version: 2, fields: ['ratio'] })
  await under(
    setting,
    `update samples set label = 'f' where id = ${id}`,
    `update samples set ratio = 2 where id = ${id}`,
  )
  expect((await logOf('samples', id)).map(({ fields }) => fields)).toEqual([[], ['label'], ['ratio']])
})

test('a signed import is one, and its id can’t be claimed', async () => {
  const { id } = await app.make('sample', { label: 'g' })
  const context = writerContext(signing, { actor: alice }, { importId: 'import-1', name: 'rows.csv' })
  await under(context, `update samples set ratio = 1 where id = ${id}`)
  expect(await lastOf('samples', id)).toMatchObject({
    import_id: 'import-1',
    writer: { name: 'rows.csv', kind: 'import' },
  })
  const claims = [
    `{"id":"u"}\n{"import_id":"import-1","node":"n"}`,
    context.replace(/^./, (one) => (one === '0' ? '1' : '0')),
  ]
  for (const claim of claims) {
    await under(claim, `update samples set ratio = ratio + 1 where id = ${id}`)
    expect(await lastOf('samples', id)).toMatchObject({ import_id: null, fields: ['ratio'] })
  }
})

test('a key that changes is a deletion and a creation, whatever is claimed', async () => {
  for (const [at, setting] of [
    `{"id":"u","name":"U","kind":"user"}\n{}\n${await tagOf('samples')}\n\n\n\n{"label"}`,
    await savesSample('1', 1),
  ].entries()) {
    const { id } = await app.make('sample', {})
    await under(setting, `update samples set id = ${9_000 + at} where id = ${id}`)
    expect((await lastOf('samples', id)).event).toBe('deleted')
    expect((await lastOf('samples', String(9_000 + at))).event).toBe('created')
  }
})

test('a write that changes nothing makes no version, whatever is claimed', async () => {
  const { id } = await app.make('sample', { label: 'h' })
  await app.sql(`insert into visits (id, place) values (1, 'here')`)
  const tag = await tagOf('visits')
  for (const setting of [
    await savesSample(id, 1),
    `{"id":"u"}\n{}\n${tag}\n\n\n\n{"place"}`,
    `x\n{}\n${tag}\n\n\n\n{"label"}`,
  ]) {
    await under(
      setting,
      `update samples set label = label, version = 70, updated_at = now(), updated_by = '{"id":"me"}' where id = ${id}`,
      `update visits set seen = clock_timestamp()`,
    )
    expect(await app.sql('select version::int from samples where id = ?', [id])).toEqual([{ version: 1 }])
    expect(await app.sql('select version::int from visits')).toEqual([{ version: 1 }])
  }
})

test('a row that a foreign key updates within a save is logged with its own changed fields', async () => {
  await app.sql(`insert into cats values (1, 'A', 'A'), (2, 'A1', 'A')`)
  const saved = await app.call('PATCH', '/records/cat/1', {
    body: { client_version: 1, changes: { code: 'Z' } },
  })
  expect(saved.status).toBe(200)
  expect(await lastOf('cats', '2')).toMatchObject({ version: 2, fields: ['parent'] })
  expect((await logOf('cats', '1')).flatMap(({ fields }) => fields).sort()).toEqual(['code', 'parent'])
  const stale = await app.call('PATCH', '/records/cat/2', {
    body: { client_version: 1, changes: { parent: null }, on_stale: 'merge' },
  })
  expect(stale.status).toBe(409)
})

test('rows that come with a save by a key which came while the server ran are logged, on every connection', async () => {
  await app.sql(`insert into kittens values (1, 'A', null), (2, 'A1', 'A')`)
  const save = async (version: number, code: string) => {
    const { status } = await app.call('PATCH', '/records/kitten/1', {
      body: { client_version: version, changes: { code } },
    })
    expect(status).toBe(200)
    return (await lastOf('kittens', '1'))?.fields
  }
  for (let version = 1; version < 13; version += 1)
    expect(await save(version, version % 2 ? 'B' : 'A')).toEqual(['code'])
  await app.sql('alter table kittens add foreign key (parent) references kittens (code) on update cascade')
  expect(await save(13, 'Z')).toEqual(['code'])
  expect(await lastOf('kittens', '2')).toMatchObject({ version: 2, fields: ['parent'] })
})

test('the key that signs can’t be asked for', async () => {
  const role = `${app.database.name}_asker`
  await app.sql(`create role ${role}; grant usage on schema noclobber to ${role}`)
  try {
    const asking = app.knex.transaction(async (transaction) => {
      await transaction.raw(`set local role ${role}`)
      await transaction.raw('select noclobber.node_key()')
    })
    await expect(asking).rejects.toThrow(/permission denied/)
  } finally {
    await app.sql(`drop owned by ${role}; drop role ${role}`)
  }
})
