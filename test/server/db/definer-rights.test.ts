// What runs with the rights of the log's owner: each function of the schema as it is listed here, and no code of a caller's
// by any of them, whatever rights that caller has on the tables. The caller's code counts, in a sequence that no rollback
// takes back, where it runs as anybody but the caller.
import { randomBytes } from 'node:crypto'
import createKnex, { type Knex } from 'knex'
import { migrate, trackTable, untrackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType, doctor } from 'noclobber/server'
import pg from 'pg'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { atEnd } from '../../support/at-end.ts'
import { freshDatabase } from '../../support/postgres.ts'

const open = (url: string, role?: string): Knex => {
  const at = new URL(url)
  if (role) Object.assign(at, { username: role, password: 'p' })
  const knex = createKnex({ client: 'pg', connection: at.href, pool: { min: 0, max: 1 } })
  atEnd(() => knex.destroy())
  return knex
}

/** A role; gone at the end with what it has in the database of `owner`. */
const makeRole = async (owner: Knex, options = '') => {
  const role = `r_${randomBytes(6).toString('hex')}`
  await owner.raw(`create role ${role} login password 'p' ${options}`)
  atEnd(() => owner.raw(`drop owned by ${role} cascade; drop role ${role}`))
  return role
}

/** Functions that run with the owner's rights, each with why. */
const DEFINERS = [
  'check_parents', // a trigger: raises parents that the writer may not write
  'log_delete', // a trigger: writes the log
  'log_insert',
  'log_truncate',
  'log_update_*',
  'log_values',
  'node_key', // the secret that a node's setting is signed with
  'stamp_insert_*', // a trigger: looks for tombstones
  'stamp_key_*',
  'stamp_parent_*', // a trigger: names the writer
  'stamp_update_*',
  'touch_parents', // a trigger: finds the records whose parts change
  'trigger_function', // makes functions for names
  'compact', // moves changes within the log
  'epoch', // begins a history where none has begun
  'begin_history',
  'end_history', // a trigger of log_epoch
  'know_relation', // notes the floor of a table that is tracked
  'uncertain_floor', // the same, called by the stamps
  'version_floors', // read the floors once a session
  'versioned_relations',
]
/** Without a search path of their own: all their names are qualified, or only functions that have one call them. */
const WITHOUT_PATH = [
  'exactly',
  'id_in',
  'is_ours',
  'is_signed',
  'is_trusted_owner',
  'is_trusted_type',
  'log_change',
  'next_version',
  'raise_parents',
  'scopes_of',
  'stamp_update_*',
  'time_in',
]

const makeTables = async (owner: Knex) => {
  await owner.raw(`create schema app;
    create table app.orders (id bigint primary key, tenant_id text, title text);
    create table app.lines (id bigint primary key, tenant_id text, order_id bigint, amount integer);
    create table app.others (id bigint primary key, tenant_id text, title text);
    create table app.things (id bigint primary key, tenant_id text, kind text, title text, seen text)`)
  await trackTable(owner, 'app.orders', { tenant: 'tenant_id' })
  await trackTable(owner, 'app.lines', {
    tenant: 'tenant_id',
    partOf: { table: 'app.orders', column: 'order_id', field: 'lines' },
  })
  await trackTable(owner, 'app.others', { tenant: 'tenant_id' })
  await trackTable(owner, 'app.things', {
    tenant: 'tenant_id',
    lists: ['kind'],
    ignore: ['seen'],
    history: 'values',
  })
}

const setUp = async () => {
  const { url } = await freshDatabase({ tables: { name: 'definer_rights', make: makeTables } })
  return { url, owner: open(url) }
}

test('each function of the schema belongs to its owner, is closed to others, and has its search path', async () => {
  const { owner } = await setUp()
  const { rows } = await owner.raw(`
    select regexp_replace(p.proname, '_[0-9a-f]{12}$', '_*') as name, p.prosecdef as definer, p.proowner = n.nspowner as own,
      p.proconfig as settings, p.proacl is not null and not exists (
        select from aclexplode(p.proacl) a where a.grantee <> p.proowner) as closed
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'noclobber'`)
  const named = (which: (row: Record<string, unknown>) => boolean) => [
    ...new Set(rows.filter(which).map(({ name }: { name: string }) => name)),
  ]
  expect(rows.length).toBeGreaterThan(30)
  expect(named(({ definer }) => definer === true).sort()).toEqual([...DEFINERS].sort())
  expect(named(({ own, closed }) => !own || !closed)).toEqual([])
  expect(named(({ settings }) => settings === null).sort()).toEqual(WITHOUT_PATH)
  for (const { settings } of rows)
    expect([null, 'search_path=pg_catalog, pg_temp']).toContain(settings?.[0] ?? null)
})

test('a function that is open, or belongs to somebody else, is found and mended', async () => {
  const { owner } = await setUp()
  const role = await makeRole(owner)
  await owner.raw(`grant execute on function noclobber.log_insert() to public;
    alter function noclobber.writer() owner to ${role}`)
  const open = async () =>
    (await doctor(owner, { rows: false })).findings.filter(({ code }) => code === 'log_open')
  expect(await open()).toMatchObject([
    {
      message: expect.stringMatching(
        /writer belongs to \w+; noclobber\.log_insert may be called by everybody\.$/,
      ),
    },
  ])
  await owner.raw('grant execute on all functions in schema noclobber to public')
  expect(await open()).toMatchObject([
    {
      message: expect.stringMatching(
        /; (noclobber\.\w+, ){4}noclobber\.\w+ and \d\d more may be called by everybody\.$/,
      ),
    },
  ])
  await migrate(owner, { repair: true })
  expect(await open()).toEqual([])
})

/** SQL of types of the caller's, whose every cast, comparison and check looks who it runs as. */
const oddType = (role: string, schema: string) => `
  create sequence ${schema}.caught;
  create type ${schema}.odd as enum ('a', 'b');
  create function ${schema}.rise() returns text language plpgsql immutable as $f$ begin
    if current_user <> '${role}' then perform nextval('${schema}.caught'); end if;
    return '1';
  end $f$;
  ${[
    ['json', 'json', "'{}'::json"],
    ['jsonb', 'jsonb', "'{}'::jsonb"],
    ['text', 'text', "'a'"],
    ['bigint', 'bigint', '1'],
    ['timestamptz', 'timestamptz', 'now()'],
  ]
    .map(
      ([name, type, value]) => `
  create function ${schema}.odd_${name}(${schema}.odd) returns ${type} language sql immutable as $f$
    select case when ${schema}.rise() = '1' then ${value} end $f$;
  create cast (${schema}.odd as ${type}) with function ${schema}.odd_${name}(${schema}.odd) as implicit;`,
    )
    .join('\n')}
  create function ${schema}.odd_is(${schema}.odd, ${schema}.odd) returns boolean language sql as $f$ select ${schema}.rise() = '1' $f$;
  create operator ${schema}.= (leftarg = ${schema}.odd, rightarg = ${schema}.odd, function = ${schema}.odd_is);
  create function ${schema}.to_odd(bigint) returns ${schema}.odd language sql as $f$ select case when ${schema}.rise() = '1' then 'a'::${schema}.odd end $f$;
  create cast (bigint as ${schema}.odd) with function ${schema}.to_odd(bigint) as assignment;
  create domain ${schema}.number as bigint check (${schema}.rise() = '1');
  create domain ${schema}.moment as timestamptz check (${schema}.rise() = '1');
  create domain ${schema}.person as jsonb check (${schema}.rise() = '1');`

/** Every kind of write, of one row and of many. */
const writes = (table: string, set: string) => [
  `insert into ${table} (id, tenant_id, title) values (1, 't', 'x')`,
  `insert into ${table} (id, tenant_id, title) select n, 't', 'x' from generate_series(100, 200) n`,
  `update ${table} set ${set} where id = 1`,
  `update ${table} set ${set} where id < 110`,
  `update ${table} set ${set}`,
  `update ${table} set title = 'y' where id = 1`,
  `update ${table} set title = 'z'`,
  `update ${table} set id = id + 1000`,
  `update ${table} set tenant_id = 'u'`,
  `set noclobber.actor = e'{"id":"u","name":"U"}\\n{"node":"n"}\\ntag\\ntab\\nsocket\\n{}\\n{title}'`,
  `update ${table} set title = 'sent'`,
  'reset noclobber.actor',
  `delete from ${table} where id = 1100`,
  `delete from ${table}`,
  `insert into ${table} (id, tenant_id, title) values (1, 't', 'x')`,
  `truncate ${table}`,
]

/** Own types for the columns that the triggers read, and own code wherever a table has some. */
const ATTACKS: Record<string, (schema: string) => string[]> = {
  'a column of one’s own type': (schema) => [`alter table app.things add column e ${schema}.odd default 'a'`],
  'an array and a composite of it': (schema) => [
    `create type ${schema}.pair as (a ${schema}.odd, n integer)`,
    `alter table app.things add column e ${schema}.odd[] default '{a}', add column p ${schema}.pair default row('a', 1)::${schema}.pair`,
  ],
  'a list, a tenant and a key of it': (schema) => [
    `alter table app.things alter column kind type ${schema}.odd using 'a'`,
    `alter table app.things alter column tenant_id type ${schema}.odd using 'a'`,
    `alter table app.things alter column seen type ${schema}.odd using 'a'`,
  ],
  // The columns can't be dropped or given another type: another one takes their name.
  'a version, a time, a writer of one’s own domains': (schema) =>
    [
      ['version', 'number'],
      ['updated_at', 'moment'],
      ['updated_by', 'person'],
    ].flatMap(([column, domain]) => [
      `alter table app.things rename column ${column} to was_${column}`,
      `alter table app.things add column ${column} ${schema}.${domain}`,
      `update app.things set ${column} = was_${column}`,
    ]),
  ...Object.fromEntries(
    [
      ['version', 'bigint'],
      ['updated_at', 'timestamptz'],
      ['updated_by', 'jsonb'],
    ].map(([column, type]) => [
      `a ${column} of a domain that comes after the triggers were planned`,
      (schema: string) => [
        ...writes('app.things', `title = title || '?'`).slice(0, 7),
        `create function ${schema}.look() returns boolean language plpgsql as $f$ begin
          if current_user <> session_user then perform nextval('${schema}.caught'); end if;
          return true;
        end $f$`,
        `create domain ${schema}.looked as ${type} check (${schema}.look())`,
        `alter table app.things rename column ${column} to was_${column}`,
        `alter table app.things add column ${column} ${schema}.looked`,
        `update app.things set ${column} = was_${column}`,
      ],
    ]),
  ),
  'a version of one’s own type': (schema) => [
    `alter table app.things rename column version to was_version`,
    `alter table app.things add column version ${schema}.odd default 'a'`,
  ],
  'columns that are gone, whose names are functions': (schema) => [
    `alter table app.things add column e ${schema}.odd default 'a'`,
    `alter table app.things rename column tenant_id to to_jsonb`,
  ],
  'row security and an index that calls': (schema) => [
    `create function ${schema}.allow(text) returns boolean language sql as $f$ select ${schema}.rise() = '1' $f$`,
    `alter table app.things enable row level security`,
    `alter table app.things force row level security`,
    `create policy p on app.things using (${schema}.allow(title)) with check (true)`,
    `create index on app.things ((${schema}.rise()))`,
  ],
}

/** Whether no code of the caller's ran as somebody else. */
const isSafe = async (theirs: Knex, schema: string) =>
  !(await theirs.raw(`select is_called from ${schema}.caught`)).rows[0].is_called

const attemptAll = async (knex: Knex, statements: string[]) => {
  let done = 0
  for (const sql of statements)
    await knex.raw(sql.replaceAll('?', '\\?')).then(
      () => (done += 1),
      () => {},
    )
  return done
}

test.each(Object.keys(ATTACKS))('the owner of a tracked table gains nothing by %s', async (name) => {
  const { url, owner } = await setUp()
  const role = await makeRole(owner)
  await owner.raw(`grant usage, create on schema app to ${role}; alter table app.things owner to ${role}`)
  const theirs = open(url, role)
  await theirs.raw(oddType(role, 'app').replaceAll('?', '\\?'))
  const attack = ATTACKS[name]?.('app') ?? []
  expect(await attemptAll(theirs, attack)).toBeGreaterThan(0)
  const done = await attemptAll(theirs, writes('app.things', `title = title || '!'`))
  expect([done > 0, await isSafe(theirs, 'app')]).toEqual([true, true])
})

test('the owner of a parent or of parts gains nothing, and learns why parts are not written', async () => {
  for (const table of ['app.orders', 'app.lines']) {
    const { url, owner } = await setUp()
    const role = await makeRole(owner)
    await owner.raw(`insert into app.orders (id, tenant_id) values (1, 't');
      grant usage, create on schema app to ${role}; alter table ${table} owner to ${role};
      grant all on app.lines, app.orders to ${role}`)
    const theirs = open(url, role)
    await theirs.raw(oddType(role, 'app').replaceAll('?', '\\?'))
    await attemptAll(theirs, [
      `create function app.fire() returns trigger language plpgsql as $f$ begin perform app.rise(); return new; end $f$`,
      `create trigger a before update on ${table} for each row execute function app.fire()`,
      `alter table ${table} add column e app.odd default 'a', add check (app.rise() = '1')`,
      'alter table app.lines alter column order_id type app.number',
      `alter table ${table} alter column tenant_id type app.odd using 'a'`,
    ])
    // The owner's own code runs with the owner's rights when they write: here a member of nothing else.
    await attemptAll(theirs, [
      `insert into app.lines (id, tenant_id, order_id) values (1, 'a', 1)`,
      `insert into app.lines (id, tenant_id, order_id) values (2, 't', 1)`,
      'update app.lines set amount = 2',
      'delete from app.lines',
      'truncate app.lines',
    ])
    expect([table, await isSafe(theirs, 'app')]).toEqual([table, true])
  }
})

test.each([
  ['no right at all', ''],
  ['the server’s GRANTs', 'server'],
  ['writing a tracked table', 'writer'],
  ['another tracked table', 'owner'],
])('a role with %s gains nothing by any function or trigger', async (_, kind) => {
  const { url, owner } = await setUp()
  const role = await makeRole(owner)
  await owner.raw(`grant temporary on database ${new URL(url).pathname.slice(1)} to ${role}`)
  if (kind !== '') await owner.raw(`grant usage on schema noclobber, app to ${role}`)
  if (kind === 'server')
    await owner.raw(`grant select on all tables in schema noclobber to ${role}; grant insert, update, delete on noclobber.mutations to ${role};
      grant update, delete on noclobber.record_changes to ${role}; grant execute on function noclobber.epoch(), noclobber.compact(integer), noclobber.wire_text(anyelement),
      noclobber.trigger_body(text, text[]) to ${role}`)
  if (kind === 'writer') await owner.raw(`grant select, insert, update, delete on app.things to ${role}`)
  if (kind === 'owner') await owner.raw(`alter table app.others owner to ${role}`)
  const theirs = open(url, role)
  const before = await owner.raw(`select count(*) from noclobber.changes`)
  await theirs.raw(oddType(role, 'pg_temp').replaceAll('?', '\\?'))
  const { rows: functions } =
    await owner.raw(`select p.proname as name, p.prorettype = 'trigger'::regtype as is_trigger,
      (select string_agg(case when t = 'oid'::regtype then '''app.things''::regclass' when t = 'integer'::regtype then '1'
        when t = 'boolean'::regtype then 'true' else format('null::%s', replace(t::regtype::text, 'anyelement', 'text')) end, ', ')
        from unnest(p.proargtypes) t) as args
    from pg_proc p where p.pronamespace = 'noclobber'::regnamespace`)
  const refused: string[] = []
  for (const { name, is_trigger, args } of functions) {
    const sql = is_trigger
      ? `create trigger a after insert on u referencing new table as new_rows for each statement
           execute function noclobber.${name}('id', '', '{}', '{}', 'x')`
      : `select noclobber.${name}(${args ?? ''})`
    await theirs.raw(
      'create temp table if not exists u (id int primary key, version bigint, updated_at timestamptz, updated_by jsonb, e pg_temp.odd)',
    )
    await theirs.raw(sql).catch(({ code }) => code === '42501' && refused.push(name))
    await theirs.raw(`insert into u values (1, 1, now(), null, 'a') on conflict do nothing`).catch(() => {})
    await theirs.raw('drop table u')
  }
  const granted = kind === 'server' ? ['epoch', 'trigger_body', 'compact', 'wire_text'] : []
  expect(refused.sort()).toEqual(
    functions
      .map(({ name }: { name: string }) => name)
      .filter((name: string) => !granted.includes(name))
      .sort(),
  )
  expect(await isSafe(theirs, 'pg_temp')).toBe(true)
  expect((await owner.raw(`select count(*) from noclobber.changes`)).rows).toEqual(before.rows)
})

test('who writes a tracked table reads the secret of the nodes in no plan that PostgreSQL prints', async () => {
  const { url, owner } = await setUp()
  const role = await makeRole(owner)
  await owner.raw(`grant usage on schema app to ${role}; grant all on app.things, app.lines, app.orders to ${role};
    insert into app.orders (id, tenant_id) values (1, 't')`)
  const [{ secret }] = (await owner.raw(`select encode(secret, 'hex') as secret from noclobber.cursor_key`))
    .rows
  /** As a printed plan shows a constant: its bytes as decimal numbers, wrapped anywhere. */
  const shown = (text: string) => [...Buffer.from(text)].join('')
  const at = new URL(url)
  Object.assign(at, { username: role, password: 'p' })
  const theirs = new pg.Client({ connectionString: at.href })
  await theirs.connect()
  atEnd(() => theirs.end())
  const printed: string[] = []
  theirs.on('notice', ({ message, detail }) => printed.push(`${message} ${detail ?? ''}`.replace(/\s+/g, '')))
  await theirs.query('set client_min_messages = log')
  const signed = `set noclobber.actor = e'sig\\n{"id":"u"}\\nsig\\nrecord\\ntab\\nsocket\\n\\n{}\\ntitle'`
  for (const sql of [
    ...writes('app.things', `title = title || '!'`),
    `insert into app.lines (id, tenant_id, order_id) values (1, 't', 1)`,
    'update app.lines set amount = 2',
    signed,
    ...writes('app.things', `title = title || '!'`).filter((one) => !one.includes('noclobber.actor')),
    'update app.lines set amount = 3',
    'delete from app.lines',
  ]) {
    await theirs.query('set debug_print_plan = on')
    await theirs.query(sql).catch(() => {})
  }
  // The session does print plans.
  await theirs.query('set debug_print_plan = on')
  await theirs.query(`select 'a text of mine' from app.things`)
  expect(printed.join()).toContain(shown('a text of mine'))
  expect(printed.filter((text) => text.includes(shown(secret)) || text.includes(secret)).length).toBe(0)
})

test('the nodes’ secret is in nothing that PostgreSQL can be made to log, of a node’s statements and of others', {
  tags: 'full',
}, async () => {
  const { url, owner } = await setUp()
  const [{ secret }] = (await owner.raw(`select encode(secret, 'hex') as secret from noclobber.cursor_key`))
    .rows
  const settings: Record<string, string> = {
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_nested_statements': 'on',
    'auto_explain.log_verbose': 'on',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_triggers': 'on',
    'auto_explain.log_settings': 'on',
    'auto_explain.log_parameter_max_length': '-1',
    log_min_duration_statement: '0',
    log_parameter_max_length: '-1',
    log_parameter_max_length_on_error: '-1',
    debug_print_parse: 'on',
    debug_print_rewritten: 'on',
    debug_print_plan: 'on',
    log_statement: 'all',
    client_min_messages: 'log',
  }
  const digits = [...Buffer.from(secret)].join('')
  for (const mode of ['auto', 'force_custom_plan', 'force_generic_plan']) {
    const printed: string[] = []
    const watch = (client: pg.Client, done: (error?: Error) => void) => {
      client.on('notice', ({ message, detail, where }) =>
        printed.push([message, detail, where].join(' ').replace(/\s+/g, '')),
      )
      const set = Object.entries({ ...settings, plan_cache_mode: mode }).map(
        ([name, value]) => `set_config('${name}', '${value}', false)`,
      )
      client
        .query(`load 'auto_explain'`)
        .then(() => client.query(`select ${set.join()}`).then(() => done(), done), done)
    }
    const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2, afterCreate: watch } })
    atEnd(() => knex.destroy())
    const thing = defineRecordType('thing', {
      table: 'app.things',
      fields: { title: z.string(), kind: z.string().optional() },
      importKey: 'id',
    })
    const records = createRecordServer({ knex, types: [thing], authenticate: () => null, log: null })
    const by = { actor: { id: 'a', name: 'A', tenantId: 't' } }
    const id = String({ auto: 1, force_custom_plan: 2, force_generic_plan: 3 }[mode])
    const input = (async function* () {
      yield Buffer.from('id,title\n500,a\n501,b\n')
    })()
    await records.import('thing', { ...by, input, format: 'csv' })
    await knex.raw(`insert into app.things (id, tenant_id, title) values (?, 't', 'x')`, [id])
    for (let clientVersion = 1; clientVersion < 8; clientVersion += 1)
      expect(
        await records.save('thing', id, { ...by, clientVersion, changes: { title: `x${clientVersion}` } }),
      ).toMatchObject({ outcome: 'saved' })
    await records.saveMany('thing', { ...by, changes: { title: 'y' }, records: [{ id, clientVersion: 8 }] })
    await records.remove('thing', id, { ...by, clientVersion: 9 })
    for (const sql of [
      ...writes('app.things', `title = title || '!'`),
      'delete from app.things',
      'insert into app.orders (id) values (1)',
      'insert into app.lines (id, order_id) values (1, 1)',
      'update app.lines set amount = 2',
      'delete from app.orders',
      'delete from app.lines',
    ])
      await knex.raw(sql.replaceAll('?', '\\?')).catch(() => {})
    await records.stop()
    const all = printed.join('\n')
    // Plans of our statements within triggers are among it, and so are constants as a plan prints them.
    expect(all).toContain('Insertonnoclobber.record_changes')
    expect(all).toContain('md5(')
    expect(
      printed
        .filter((text) => text.includes(secret) || text.includes(digits))
        .map((text) => text.slice(0, 300)),
    ).toEqual([])
  }
})

test('a name is data: whatever a column is called, it is logged by that name', async () => {
  const { owner } = await setUp()
  const names = [
    `a.TENANT_COLUMN`,
    `' as key, 1 as tenant, --`,
    `%1$I`,
    '%',
    '$body$',
    `"quoted"`,
    `$rows$`,
    'a\nb',
    'sent',
    'ROW',
  ]
  for (const [at, name] of names.entries()) {
    const tenant = names[(at + 1) % names.length] as string
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`.replaceAll('?', '\\?')
    await owner.raw(
      `create table app.named_${at} (${quoted(name)} text primary key, ${quoted(tenant)} text, seen text)`,
    )
    await trackTable(owner, `app.named_${at}`, { tenant, ignore: ['seen', name] })
    await owner.raw(`insert into app.named_${at} values ('k', 't');
      update app.named_${at} set seen = 'x'; update app.named_${at} set ${quoted(tenant)} = 'u'`)
    const { rows } = await owner.raw(
      `select record_id, tenant_id, event from noclobber.changes where table_name = ? order by seq`,
      [`app.named_${at}`],
    )
    expect([
      name,
      rows.map((row: Record<string, string>) => `${row.event} ${row.record_id} ${row.tenant_id}`).sort(),
    ]).toEqual([name, ['created k t', 'created k u', 'deleted k t']])
    await untrackTable(owner, `app.named_${at}`)
  }
  await owner.raw(`create table app.taken (to_jsonb text primary key)`)
  await expect(trackTable(owner, 'app.taken')).rejects.toThrow(/function to_jsonb that takes rows/)
})
