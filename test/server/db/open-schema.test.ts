// A schema on the search path in which others may create: no function that they make there is called in a statement of a server's, and of
// operators the equality of enums and of varchar columns alone. The doctor says that it is open.
import { randomBytes } from 'node:crypto'
import createKnex from 'knex'
import { setRetention, trackTable, untrackTable } from 'noclobber/migrations'
import { defineRecordType, doctor, pruneLog } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Person, startApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'

const TYPES = [
  'text',
  'varchar',
  'bpchar',
  'name',
  'integer',
  'bigint',
  'smallint',
  'numeric',
  'float8',
  'boolean',
  'jsonb',
  'json',
  'timestamptz',
  'timestamp',
  'date',
  'uuid',
  'xid8',
  'oid',
  'text[]',
  'varchar[]',
  'bigint[]',
  'public.mood',
  'public.mood[]',
]
const OPERATORS = ['=', '<>', '<', '>', '<=', '>=', '~~', '~~*', '||', '->', '->>', '#>>']
const FUNCTIONS: [name: string, args: string[]][] = [
  ...TYPES.flatMap((type): [string, string[]][] => [
    ['to_json', [type]],
    ['to_jsonb', [type]],
    ['num_nulls', [type]],
    ['concat', [type]],
    ['concat', ['text', type]],
    ['pg_column_size', [type]],
    ['jsonb_build_object', ['text', type]],
    ['format', ['text', type]],
    ['lower', [type]],
    ['length', [type]],
    ['left', [type, 'integer']],
    ['md5', [type]],
  ]),
  ['concat_ws', ['text', 'text']],
  ['concat_ws', ['text', 'text', 'text']],
  ['array_remove', ['text[]', 'text']],
  ['array_append', ['text[]', 'text']],
  ['array_position', ['text[]', 'text']],
  ['cardinality', ['text[]']],
  ['unnest', ['text[]']],
  ['unnest', ['bigint[]']],
  ['jsonb_each', ['json']],
  ['split_part', ['varchar', 'varchar', 'integer']],
]

/** Whatever a statement could call instead of PostgreSQL's own: made where there is no such one in pg_catalog. */
const TRAPS = `do $traps$
declare
  t record;
  made integer := 0;
begin
  create table public.caught (what text);
  grant insert on public.caught to public;
  for t in select * from jsonb_to_recordset($1::jsonb) x(kind text, name text, args text[]) loop
    begin
      made := made + 1;
      if t.kind = 'operator' then
        execute format('create function public.trap_%1$s(%2$s, %3$s) returns %5$s language plpgsql as $f$ begin
          insert into public.caught values (%6$L); return %4$s; end $f$', made, t.args[1], t.args[2],
          case when t.name in ('->', '->>', '#>>') then 'null' else format('($1::text operator(pg_catalog.%s) $2::text)::%s', t.name, case when t.name = '||' then 'text' else 'boolean' end) end, case when t.name = '||' then 'text' else 'boolean' end, t.name || ' ' || array_to_string(t.args, ','));
        execute format('create operator public.%s (leftarg = %s, rightarg = %s, function = public.trap_%s)', t.name, t.args[1], t.args[2], made);
      else
        execute format('create function public.%1$I(%2$s) returns text language plpgsql as $f$ begin
          insert into public.caught values (%3$L); return ''trapped''; end $f$', t.name, array_to_string(t.args, ','), t.name || ' ' || array_to_string(t.args, ','));
      end if;
    exception when duplicate_function or undefined_function or datatype_mismatch or syntax_error or undefined_object then null;
    end;
  end loop;
end $traps$`

test('no function that others make in a schema of the search path is called by a server, and no operator but two', async () => {
  const errors: string[] = []
  const app = await startApp({
    log: {
      info: () => {},
      warn: () => {},
      error: (details) => errors.push(String((details as { err?: Error }).err?.message)),
    },
    types: [
      defineRecordType<Person>('thing', {
        table: 'things',
        fields: {
          title: z.string(),
          code: z.string().nullable().optional(),
          feeling: z.string().nullable().optional(),
          tags: z.array(z.string()).nullable().optional(),
          moment: z.string().nullable().optional(),
          amount: z.number().nullable().optional(),
        },
        search: ['title', 'code'],
        importKey: 'code',
        history: 'values',
        merge: true,
        can: ({ tenantId }, _, { fields }) => tenantId !== '' && fields.title !== 'hidden',
      }),
      defineRecordType<Person>('line', {
        table: 'lines',
        fields: { thing: z.string(), n: z.int() },
        can: () => true,
      }),
    ],
    prepare: async (knex) => {
      await knex.raw(`create type mood as enum ('good', 'bad');
        create table things (id varchar(40) primary key, tenant varchar(40), title varchar(100), code varchar(20) unique, feeling mood, tags text[],
          moment timestamptz, amount numeric(12,2));
        create table lines (id text primary key, tenant varchar(40), thing varchar(40), n int)`)
      await trackTable(knex, 'things', { tenant: 'tenant', lists: ['code'], history: 'values' })
      await trackTable(knex, 'lines', {
        tenant: 'tenant',
        partOf: { table: 'things', column: 'thing', field: 'lines' },
      })
    },
  })
  const owner = createKnex({ client: 'pg', connection: app.database.url, pool: { min: 0, max: 1 } })
  atEnd(() => owner.destroy())
  const role = `r_${randomBytes(6).toString('hex')}`
  await owner.raw(`create role ${role} login password 'p'`)
  atEnd(() => owner.raw(`drop owned by ${role} cascade; drop role ${role}`))
  expect((await doctor(owner, { rows: false })).findings.map(({ code }) => code)).not.toContain('schema_open')
  await owner.raw(`grant create, usage on schema public to ${role}`)
  expect((await doctor(owner, { rows: false })).findings).toContainEqual(
    expect.objectContaining({
      code: 'schema_open',
      message: expect.stringContaining(`In schema public, which is on the search path, may create: ${role}`),
    }),
  )
  const at = new URL(app.database.url)
  Object.assign(at, { username: role, password: 'p' })
  const theirs = createKnex({ client: 'pg', connection: at.href, pool: { min: 0, max: 1 } })
  const pairs = [
    ...TYPES.map((type) => [type, type]),
    ['varchar', 'text'],
    ['text', 'varchar'],
    ['text', 'public.mood'],
  ]
  const traps = [
    ...OPERATORS.flatMap((name) => pairs.map((args) => ({ kind: 'operator', name, args }))),
    ...FUNCTIONS.map(([name, args]) => ({ kind: 'function', name, args })),
  ]
  await theirs.raw(TRAPS.replace('$1', `$json$${JSON.stringify(traps)}$json$`).replaceAll('?', '\\?'))
  await theirs.destroy()
  const caught = async (): Promise<string[]> =>
    (
      await owner.raw('with c as (delete from caught returning what) select distinct what from c order by 1')
    ).rows.map(({ what }: { what: string }) => what)
  // They are in the place of PostgreSQL's, where a statement names none.
  await owner.raw(`select to_jsonb(title), id = 'x'::varchar from things`)
  await owner.raw(`insert into things (id, tenant, title) values ('x', 'nobody', 'x')`)
  await owner.raw(`select to_jsonb(title), id = 'x'::varchar from things`)
  expect(await caught()).toEqual(['= varchar,varchar', 'to_jsonb varchar'])
  const call = async (method: string, path: string, body?: unknown) => app.call(method, path, { body })
  const made = await call('POST', '/records/thing', {
    id: 'a',
    fields: { title: 'One', code: 'c1', feeling: 'good', tags: ['x'], amount: 1.5 },
    mutation_id: 'm1',
  })
  expect([made.status, errors]).toEqual([201, []])
  const watcher = await app.socket()
  await watcher.ask('watch', {
    records: [{ type: 'thing', id: 'a' }],
    lists: [{ type: 'thing' }, { type: 'thing', scope: { code: 'c1' } }],
  })
  const list = await call(
    'GET',
    '/records/thing?sort=-moment&search=one&code=c1&filter[title][contains]=n&filter[feeling]=good&count=exact',
  )
  expect([list.status, list.body.data.length]).toEqual([200, 1])
  const statuses: [string, number][] = []
  const ask = async (method: string, path: string, body?: unknown) =>
    statuses.push([`${method} ${path}`, (await call(method, path, body)).status])
  await ask('PATCH', '/records/thing/a', {
    client_version: 1,
    changes: { title: 'Two', feeling: 'bad', tags: ['y'], amount: 2.5, moment: '2026-01-01T00:00:00Z' },
  })
  await ask('PATCH', '/records/thing/a', {
    client_version: 2,
    changes: { title: 'Three' },
    mutation_id: 'm2',
  })
  await ask('PATCH', '/records/thing', { changes: { amount: 4 }, records: [{ id: 'a', client_version: 3 }] })
  await ask('POST', '/records/line', { id: '1', fields: { thing: 'a', n: 1 } })
  await ask('PATCH', '/records/thing/a', { client_version: 5, changes: { code: 'c2' } })
  for (const path of [
    '/records/thing/a',
    '/records/thing/a/version',
    '/records/thing/a/history',
    '/records/thing/a?version=2',
    `/records/thing?cursor=${list.body.cursor}`,
    '/records/thing?sort=title&filter[code][in]=c1,c2&filter[amount][gt]=1&sum[amount]=exact',
    '/changes?cursor=start',
    '/deleted/thing',
  ])
    await ask('GET', path)
  await ask('POST', '/records/versions', { records: [{ type: 'thing', id: 'a', version: 1 }] })
  await ask('POST', '/records/thing/a/restore', { client_version: 6, to_version: 2 })
  await ask('POST', '/records/thing/a/proposals', { client_version: 7, changes: { title: 'Proposed' } })
  await ask('GET', '/records/thing/a/proposals')
  const imported = await app.call('POST', '/records/thing/import', {
    text: 'code,title,amount\nc1,Imported,5\n',
    headers: { 'content-type': 'text/csv' },
  })
  statuses.push(['import', imported.status])
  await ask('DELETE', '/records/thing/a', { client_version: 8 })
  await app.sql(`update things set amount = 1; delete from things`)
  await watcher.receives('RecordDeleted')
  await pruneLog(app.knex, { retentionMs: 1 })
  expect(statuses.filter(([, status]) => status >= 300)).toEqual([])
  // PostgreSQL has no such operator of its own: it takes that of text, or of any enum.
  expect(await caught()).toEqual(['= public.mood,public.mood', '= varchar,varchar'])
  // Nor by the doctor, under any role.
  await owner.raw(
    `insert into things (id, tenant, title, code, feeling) values ('z', 'acme', 'z', 'c', 'good')`,
  )
  await app.stop()
  await caught()
  for (const rows of [true, false]) {
    const { findings } = await doctor(owner, {
      rows,
      tables: ['things', 'public.lines', 'nowhere'],
      values: ['things'],
    })
    expect(findings.filter(({ level }) => level === 'problem').map(({ code }) => code)).toEqual([
      'table_missing',
    ])
  }
  expect(await caught()).toEqual([])
  // Nor by a migration.
  const lists = ['code', 'feeling']
  for (const table of ['things', 'public.things'])
    await trackTable(owner, table, { tenant: 'tenant', lists, ignore: ['amount'], history: 'values' })
  await trackTable(owner, 'lines', {
    tenant: 'tenant',
    partOf: { table: 'things', column: 'thing', field: 'lines' },
  })
  await setRetention(owner, 'things', { values: '90 days' })
  await owner.raw('alter table things rename to renamed; alter table renamed rename column title to heading')
  await caught()
  await trackTable(owner, 'renamed', { tenant: 'tenant' })
  await untrackTable(owner, 'lines', { dropColumns: true })
  await untrackTable(owner, 'renamed')
  expect(await caught()).toEqual([])
})
