// What a role, a database or a connection sets: our SQL means the same under all of it, or says in a sentence which setting it can't do
// with. Each setting is tried on migrations, tracking, the doctor, saves, an import, pruning, and SQL by hand.
import createKnex, { type Knex } from 'knex'
import { migrate, trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType, doctor, pruneLog } from 'noclobber/server'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { runCommand } from '../../../server/cli/run.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { oneIn } from '../../support/short-run.ts'
import { waitFor } from '../../support/wait-for.ts'

/** Under which everything works. */
const HARMLESS: Record<string, string> = {
  quote_all_identifiers: 'on',
  standard_conforming_strings: 'off',
  escape_string_warning: 'off',
  backslash_quote: 'off',
  transform_null_equals: 'on',
  check_function_bodies: 'off',
  default_transaction_isolation: 'serializable',
  row_security: 'off',
  xmloption: 'document',
  search_path: '"odd ""schema""", public, pg_catalog',
  'plpgsql.variable_conflict': 'use_column',
  'plpgsql.extra_errors': 'all',
  'plpgsql.check_asserts': 'off',
  plan_cache_mode: 'force_generic_plan',
  enable_indexscan: 'off',
  enable_hashjoin: 'off',
  enable_seqscan: 'off',
  jit_above_cost: '0',
  from_collapse_limit: '1',
  work_mem: '64kB',
  temp_buffers: '800kB',
  idle_in_transaction_session_timeout: '5s',
  lock_timeout: '5s',
  statement_timeout: '20s',
  default_toast_compression: 'pglz',
  synchronous_commit: 'off',
  gin_fuzzy_search_limit: '1',
  extra_float_digits: '-15',
  bytea_output: 'escape',
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Pacific/Apia',
}

/** Extensions bring operators of arrays and texts of their own, which make some of PostgreSQL's ambiguous. */
const EXTENSIONS = `do $$ declare e record; begin
  for e in select name from pg_available_extensions where name in ('intarray', 'hstore', 'ltree', 'citext', 'cube', 'seg', 'pg_trgm') loop
    execute format('create extension %I schema public', e.name);
  end loop; end $$`

const TABLES = `
create schema "odd ""schema""";
create domain "odd ""schema""".uuid as pg_catalog.text;
create type mood as enum ('sad', 'ok');
create table users (id bigint primary key);
create table orders (id pg_catalog.uuid primary key default gen_random_uuid(), tenant_id text not null, title varchar(40), mood mood, tags text[],
  amount numeric(12,2), due date, body jsonb);
create table lines (order_id pg_catalog.uuid not null, line int not null, tenant_id text not null, label text, primary key (order_id, line));
create table notes (id int generated always as identity primary key, author bigint references users, body text)`

const any = z.any().optional()
const TYPES = [
  defineRecordType('order', {
    table: 'orders',
    fields: { title: any, mood: any, tags: any, amount: any, due: any, body: any },
    history: 'values',
    importKey: 'id',
  }),
  defineRecordType('line', { table: 'lines', fields: { label: any } }),
  defineRecordType('note', { table: 'notes', fields: { body: any } }),
]
const alice = { id: '7', name: 'Alice', tenantId: 't' }

const open = (url: string): Knex => {
  const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 4 } })
  onTestFinished(() => knex.destroy())
  return knex
}

const commandOn = async (url: string, ...args: string[]) => {
  const said: string[] = []
  const say = (line: string) => void said.push(line)
  const code = await runCommand(args, {
    ...{ out: say, err: say, env: { DATABASE_URL: url }, cwd: '/' },
    signal: new AbortController().signal,
  })
  return { code, said: said.join('\n') }
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

type Way = 'role' | 'database' | 'connection'

/** A database whose settings are these, and its owner's URL. */
const databaseWith = async (settings: Record<string, string>, way: Way): Promise<string> => {
  const { url, name } = await freshDatabase({ migrated: false })
  if (way === 'connection') {
    const own = new URL(url)
    const options = Object.entries(settings).map(
      ([key, value]) => `-c ${key}=${value.replace(/[\\ ]/g, '\\$&')}`,
    )
    own.searchParams.set('options', options.join(' '))
    return own.href
  }
  const knex = open(url)
  const of =
    way === 'role'
      ? `role ${quotedName((await knex.raw('select current_user as me')).rows[0].me)} in database ${name}`
      : `database ${name}`
  // A list of names is set as one, not as a text.
  for (const [key, value] of Object.entries(settings))
    await knex.raw(`alter ${of} set ${key} = ${key === 'search_path' ? value : quoted(value)}`)
  return url
}
const quotedName = (name: string) => `"${name.replaceAll('"', '""')}"`

/** All that the library does with a database. */
const doAll = async (url: string) => {
  const knex = open(url)
  await knex.raw(EXTENSIONS)
  await knex.raw(TABLES)
  await migrate(knex)
  await migrate(knex, { repair: true })
  await trackTable(knex, 'orders', { tenant: 'tenant_id', lists: ['mood'], history: 'values' })
  const partOf = { table: 'orders', column: 'order_id', field: 'lines' }
  await trackTable(knex, 'lines', { tenant: 'tenant_id', lists: ['order_id'], partOf })
  await knex.raw(
    'alter table notes add column written_by bigint references users; insert into users values (7)',
  )
  await trackTable(knex, 'notes', { columns: { updatedBy: 'written_by' } })
  const records = createRecordServer({ knex, types: TYPES, authenticate: () => alice, log: null })
  onTestFinished(() => records.stop())
  await records.start()
  const fields = {
    title: "a\\b'c",
    mood: 'ok',
    tags: ['x', null, 'NULL'],
    amount: 1.5,
    due: '2026-12-03',
    body: { a: [null] },
  }
  const made = await records.create('order', { actor: alice, fields })
  if (made.outcome !== 'created') throw new Error(JSON.stringify(made))
  const { id } = made.record
  expect(made.record.fields).toEqual(fields)
  const saved = await records.save('order', id, {
    actor: alice,
    clientVersion: 1,
    changes: { title: 'b', tags: [null] },
  })
  expect(saved).toMatchObject({
    outcome: 'saved',
    record: { version: 2, fields: { title: 'b', tags: [null], due: '2026-12-03' } },
  })
  expect(
    await records.save('order', id, { actor: alice, clientVersion: 1, changes: { title: 'c' } }),
  ).toMatchObject({
    outcome: 'conflict',
    problem: { current_version: 2, changed_fields: ['title', 'tags'] },
  })
  const note = await records.create('note', { actor: alice, fields: { body: 'n' } })
  expect(note).toMatchObject({ outcome: 'created', record: { updated_by: { id: '7', kind: 'user' } } })
  // By hand, in one statement, of one row and of many.
  await knex.raw(
    `insert into lines (order_id, line, tenant_id, label) select ?::pg_catalog.uuid, n, 't', 'l' from generate_series(1, 60) n`,
    [id],
  )
  await knex.raw(`update lines set label = label || line where line > 5`)
  await knex.raw(`update orders set mood = 'sad' where id = ?`, [id])
  await knex.raw('delete from lines where line = 1')
  expect((await knex('orders').where({ id }).first('version')).version).toBe('6')
  const line = `${JSON.stringify({ id, title: 'd', due: '2026-12-04', tags: [null, 'q'] })}\n`
  const input = (async function* () {
    yield Buffer.from(line)
  })()
  expect(await records.import('order', { actor: alice, input, format: 'ndjson' })).toMatchObject({
    outcome: 'imported',
    answer: { updated: 1 },
  })
  const history = await records.history('order', id, { actor: alice })
  expect(history).toMatchObject({ outcome: 'found' })
  const { findings } = await doctor(knex, { values: ['orders'], listenMs: 10_000 })
  expect(findings.filter(({ level }) => level === 'problem')).toEqual([])
  expect(await pruneLog(knex, { retentionMs: 1 })).toMatchObject({ busy: false })
  for (const command of [
    'status',
    'doctor',
    'doctor --repair',
    'prune',
    'changes',
    'retention',
    'untrack notes',
    'track notes',
  ])
    expect([command, await commandOn(url, ...command.split(' '))]).toMatchObject([command, { code: 0 }])
}

test.each(oneIn(3, ['database', 'role', 'connection'] as const))(
  'everything works under settings of the %s',
  async (way) => {
    await doAll(await databaseWith(HARMLESS, way))
  },
)

/** By setting, what the library says of it. */
const REFUSED: [setting: string, value: string, sentence: RegExp][] = [
  ['session_replication_role', 'replica', /session_replication_role is replica .* no version/],
  ['array_nulls', 'off', /array_nulls is off .* saved as the text NULL/],
]

test.each(REFUSED)(
  'a server whose connections have %s = %s serves nothing, and says why',
  async (name, value, sentence) => {
    const { url } = await freshDatabase()
    const owner = open(url)
    await owner.raw(`create table notes (id int primary key, body text); insert into notes values (1, 'a')`)
    await trackTable(owner, 'notes')
    const own = new URL(url)
    own.searchParams.set('options', `-c ${name}=${value}`)
    const types = [defineRecordType('note', { table: 'notes', fields: { body: any } })]
    const records = createRecordServer({
      ...{ knex: open(own.href), types, authenticate: () => alice, log: null, limits: { startMs: 1_000 } },
    })
    onTestFinished(() => records.stop())
    await expect(records.start()).rejects.toThrow(sentence)
    await expect(
      records.save('note', '1', { actor: alice, clientVersion: 1, changes: { body: 'b' } }),
    ).rejects.toThrow(sentence)
    expect(await records.health()).toMatchObject({
      status: 'unavailable',
      checks: { database: { detail: expect.stringMatching(sentence) } },
    })
    expect(await owner('notes').first('body', 'version')).toEqual({ body: 'a', version: '1' })
  },
)

test.each([
  [
    'default_transaction_read_only',
    'on',
    'migrate',
    /default_transaction_read_only is on for the role or the database/,
  ],
  ['default_transaction_read_only', 'on', 'track notes', /default_transaction_read_only is on/],
  ['default_transaction_read_only', 'on', 'doctor --repair', /default_transaction_read_only is on/],
  ['default_transaction_read_only', 'on', 'prune', /default_transaction_read_only is on/],
  ['statement_timeout', '1ms', 'doctor', /as by statement_timeout/],
  ['lock_timeout', '50ms', 'track notes', /lock_timeout/],
])('under %s = %s, %s ends with a sentence', async (name, value, command, sentence) => {
  const { url } = await freshDatabase()
  const owner = open(url)
  await owner.raw(
    `create table notes (id int primary key, body text); insert into notes select n, repeat('x', 9) from generate_series(1, 20000) n`,
  )
  if (command === 'doctor') await trackTable(owner, 'notes')
  const own = new URL(url)
  own.searchParams.set('options', `-c ${name}=${value}`)
  const holding = name === 'lock_timeout' ? await owner.transaction() : null
  await holding?.raw('lock table notes')
  if (command === 'migrate') await expect(migrate(open(own.href), { repair: true })).rejects.toThrow(sentence)
  else
    expect(await commandOn(own.href, ...command.split(' '))).toEqual({
      code: 1,
      said: expect.stringMatching(sentence),
    })
  await holding?.rollback()
})

test('where an event trigger of the app refuses DDL, a start and health say what it said', async () => {
  const { url } = await freshDatabase()
  const owner = open(url)
  await owner.raw('create table notes (id int primary key, body text)')
  await trackTable(owner, 'notes')
  await owner.raw(`truncate noclobber.version_floors;
    create function refuse() returns event_trigger language plpgsql as $$ begin raise exception 'Ask Ops for %', tg_tag; end $$;
    create event trigger refuse on ddl_command_end execute function refuse()`)
  const types = [defineRecordType('note', { table: 'notes', fields: { body: any } })]
  const records = createRecordServer({
    knex: open(url),
    types,
    authenticate: () => alice,
    log: null,
    limits: { startMs: 5_000 },
  })
  onTestFinished(() => records.stop())
  await expect(records.start()).rejects.toThrow(/goes on trying: Ask Ops for ALTER FUNCTION/)
  expect((await records.health()).checks.feed.detail).toContain('Ask Ops for ALTER FUNCTION')
  await owner.raw('drop event trigger refuse')
  await waitFor(async () => (await records.health()).checks.feed.ok, { what: 'the feed to read' })
})
