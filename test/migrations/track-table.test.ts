// Tables of the embedding app, tracked and untracked: whatever SQL does to them, version and log agree.
import createKnex from 'knex'
import { trackTable, untrackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { TRIGGER_NAMES } from '../../migrations/track-table.ts'
import { atEnd } from '../support/at-end.ts'
import { freshDatabase } from '../support/postgres.ts'
import { majorVersion } from '../support/sql.ts'

const database = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: database.url, pool: { min: 0, max: 5 } })
atEnd(() => knex.destroy())
const rows = async (text: string, bindings: string[] = []) => (await knex.raw(text, bindings)).rows

let tables = 0
/** Makes a table of its own, `$T` in the text, and gives its name. */
const table = async (text: string) => {
  tables += 1
  const name = `table_${tables}`
  await knex.raw(text.replaceAll('$T', name))
  return name
}
const simple = () =>
  table('create table $T (id integer primary key, tenant_id text, name text, parent integer)')

/** The log of a table, as `id version event fields`. */
const logOf = async (name: string) =>
  (
    await rows(
      `select record_id, version, event, changed_fields from noclobber.changes where table_name = ? order by seq`,
      [`public.${name}`],
    )
  ).map((row: { record_id: string; version: string; event: string; changed_fields: string[] }) =>
    `${row.record_id} ${row.version} ${row.event} ${row.changed_fields.join()}`.trim(),
  )
const versionsOf = async (name: string) =>
  Object.fromEntries(
    (await rows(`select id::text, version::int from ${name} order by 1`)).map(
      (row: { id: string; version: number }) => [row.id, row.version],
    ),
  )

describe('tracking a table', () => {
  test('with data begins at version 1 and changes nothing else', async () => {
    const name = await simple()
    await knex.raw(`insert into ${name} select n, 'acme', 'n' || n from generate_series(1, 100) n`)
    await trackTable(knex, name, { tenant: 'tenant_id' })
    expect(
      await rows(
        `select count(*)::int, min(version)::int, max(version)::int, count(distinct name)::int as names from ${name}`,
      ),
    ).toEqual([{ count: 100, min: 1, max: 1, names: 100 }])
    await knex.raw(`update ${name} set name = 'x' where id = 7`)
    expect(await logOf(name)).toEqual(['7 2 updated name'])
  })

  test('takes over a version and times that it has', async () => {
    const name = await table(
      `create table $T (id integer primary key, name text, version integer, updated_at timestamptz)`,
    )
    await knex.raw(
      `insert into ${name} values (1, 'a', 41, '2020-01-01Z'), (2, 'b', null, null), (3, 'c', 0, null), (4, 'd', -3, null)`,
    )
    // The app's own trigger finds its tables by the app's search path.
    await knex.raw(`create function look_${name}() returns trigger language plpgsql as $$ begin perform from ${name}; return new; end $$;
      create trigger look before update on ${name} for each row execute function look_${name}()`)
    await trackTable(knex, name)
    expect(await versionsOf(name)).toEqual({ 1: 41, 2: 1, 3: 1, 4: 1 })
    expect(await rows(`select updated_at = '2020-01-01Z' as kept from ${name} where id = 1`)).toEqual([
      { kept: true },
    ])
    await knex.raw(`update ${name} set name = name || '!'`)
    expect(await versionsOf(name)).toEqual({ 1: 42, 2: 2, 3: 2, 4: 2 })
  })

  test('is refused with a sentence where it can not be, and leaves the table as it was', async () => {
    const refusals: [string, object, RegExp][] = [
      [
        'create table $T (id integer primary key, version text)',
        {},
        /column version is text, where bigint or integer is needed/,
      ],
      [
        'create table $T (id integer primary key, updated_at timestamp)',
        {},
        /updated_at is timestamp without time zone/,
      ],
      [
        'create table $T (id integer primary key, updated_by text)',
        {},
        /updated_by is text, where jsonb is needed/,
      ],
      ['create table $T (id integer)', {}, /needs a primary key, and has none/],
      [
        'create table $T (a integer, b date, primary key (a, b))',
        {},
        /its key b is date; a key is of smallint/,
      ],
      ['create table $T (id numeric primary key)', {}, /its key id is numeric; a key is of smallint/],
      [
        'create extension ltree; create table $T (id integer primary key, path ltree)',
        { tenant: 'path' },
        /path is public.ltree, of an extension .* no tenant goes by it. Give it the type text/,
      ],
      [
        `create type side as enum ('left'); create domain my_side as side; create table $T (id integer primary key, side my_side)`,
        { tenant: 'side' },
        /side is public.my_side, .* a domain over an enum/,
      ],
      [
        'create table $T (id integer primary key); create table of_$T (row $T)',
        {},
        /can't be tracked: PostgreSQL refuses it: cannot alter table "table_\d+" because column "of_table_\d+.row" uses its row type/,
      ],
      ['create table $T (id integer primary key)', { tenant: 'nothing' }, /no column nothing/],
      ['create table $T (id integer primary key)', { lists: ['nothing'] }, /no column nothing/],
      ['create table $T (id integer primary key)', { ignore: ['nothing'] }, /no column nothing/],
    ]
    for (const [text, options, reason] of refusals) {
      const name = await table(text)
      const columns = () =>
        rows(
          `select attname from pg_attribute where attrelid = '${name}'::regclass and attnum > 0 order by 1`,
        )
      const before = await columns()
      await expect(trackTable(knex, name, options)).rejects.toThrow(reason)
      expect(await columns()).toEqual(before)
    }
    await expect(trackTable(knex, 'nowhere')).rejects.toThrow(/no such table/)
  })

  test('that is refused a second time keeps the first', async () => {
    const name = await simple()
    await trackTable(knex, name)
    await expect(trackTable(knex, name, { lists: ['nothing'] })).rejects.toThrow()
    await expect(trackTable(knex, name, { tenant: 'nobody' })).rejects.toThrow(/no column nobody/)
    expect(
      await rows(
        `select count(*)::int from pg_trigger where tgrelid = '${name}'::regclass and not tgisinternal`,
      ),
    ).toEqual([{ count: TRIGGER_NAMES.length }])
  })

  test('before the log is there says what to run', async () => {
    const empty = createKnex({ client: 'pg', connection: (await freshDatabase({ migrated: false })).url })
    atEnd(() => empty.destroy())
    await empty.raw('create table things (id integer primary key)')
    await expect(trackTable(empty, 'things')).rejects.toThrow(/run migrate\(knex\)/)
  })

  test('ends, with its columns or without, and can begin again', async () => {
    const name = await simple()
    await trackTable(knex, name)
    await knex.raw(`insert into ${name} (id, name) values (1, 'a')`)
    await untrackTable(knex, name)
    await knex.raw(`update ${name} set name = 'unseen'`)
    expect(await versionsOf(name)).toEqual({ 1: 1 })
    await trackTable(knex, name)
    const { 1: version = 0 } = await versionsOf(name)
    await knex.raw(`update ${name} set name = 'seen'`)
    expect(await logOf(name)).toEqual([
      '1 1 created',
      `1 ${version} updated id,tenant_id,name,parent`,
      `1 ${version + 1} updated name`,
    ])
    await untrackTable(knex, name, { dropColumns: true })
    expect((await rows(`select * from ${name}`))[0]).toEqual({
      id: 1,
      tenant_id: null,
      name: 'seen',
      parent: null,
    })
  })

  test('takes keys of every kind, in any schema, under any name', async () => {
    await knex.raw('create schema if not exists "My ""App"')
    for (const [type, one] of [
      ['smallint', '7'],
      ['integer', '7'],
      ['bigint', '9007199254740993'],
      ['uuid', '00000000-0000-4000-8000-000000000001'],
      ['text', `it's "a" \\ key?`],
      ['varchar(40)', 'ü?'],
    ] as const) {
      tables += 1
      const name = `My "App.Größe ${tables}`
      const quoted = name
        .split('.')
        .map((part) => `"${part.replaceAll('"', '""')}"`)
        .join('.')
      const raw = (text: string) => knex.raw(text.replaceAll('?', '\\?'))
      await raw(
        `create table ${quoted} ("Schlüssel?" ${type} primary key, "Mandant ä" text, "Eltern, ""x"" \\" text, name text)`,
      )
      await trackTable(knex, name, { tenant: 'Mandant ä', lists: ['Eltern, "x" \\'] })
      await knex.raw(`insert into ${quoted.replaceAll('?', '\\?')} values (?, 'acme', 'p', 'a')`, [one])
      await raw(`update ${quoted} set name = 'b', "Eltern, ""x"" \\" = 'q'`)
      const record = defineRecordType('thing', { table: name, fields: { name: z.string() } })
      const records = createRecordServer({ log: null, knex, types: [record], authenticate: () => null })
      const actor = { id: 'a', name: 'A', tenantId: 'acme' }
      const saved = await records.save('thing', one, { actor, clientVersion: 2, changes: { name: 'c' } })
      expect([type, saved]).toMatchObject([type, { outcome: 'saved', record: { id: one, version: 3 } }])
      const foreign = await records.read('thing', one, { actor: { ...actor, tenantId: 'globex' } })
      expect(foreign.outcome).toBe('missing')
      const log = await rows(
        'select tenant_id, scopes from noclobber.changes where table_name = ? and version = 2',
        [name],
      )
      expect(log).toEqual([{ tenant_id: 'acme', scopes: { 'Eltern, "x" \\': ['p', 'q'] } }])
    }
  })
})

describe('a write', () => {
  test('that changes nothing, or housekeeping alone, makes no version', async () => {
    const name = await table(
      'create table $T (id integer primary key, name text, seen timestamptz, document json)',
    )
    await trackTable(knex, name, { ignore: ['seen'] })
    await knex.raw(`insert into ${name} values (1, 'a', null, '{"a":1}')`)
    await knex.raw(`update ${name} set name = 'a', document = '{"a":1}'`)
    await knex.raw(`update ${name} set seen = now()`)
    expect(await logOf(name)).toEqual(['1 1 created'])
    expect(await rows(`select seen is not null as seen from ${name}`)).toEqual([{ seen: true }])
    await knex.raw(`update ${name} set seen = now(), name = 'b'`)
    expect(await versionsOf(name)).toEqual({ 1: 2 })
  })

  test('that sets version, time or writer by itself is overruled', async () => {
    const name = await simple()
    await trackTable(knex, name)
    await knex.raw(
      `insert into ${name} (id, name, version, updated_at, updated_by) values (1, 'a', 99, '1999-01-01', '{"id":"root"}')`,
    )
    await knex.raw(`update ${name} set version = 77, updated_by = '{"id":"root"}'`)
    await knex.raw(`update ${name} set version = null, updated_at = null`)
    await knex.raw(`update ${name} set updated_by = '{"id":"root"}'`)
    await knex.raw(`update ${name} set updated_at = now()`)
    expect(await versionsOf(name)).toEqual({ 1: 1 })
    await knex.raw(
      `update ${name} set version = 77, name = 'b', updated_at = '1999-01-01', updated_by = null`,
    )
    expect(await versionsOf(name)).toEqual({ 1: 2 })
    const [row] = await rows(
      `select updated_at > now() - interval '1 minute' as now, updated_by->>'kind' as kind from ${name}`,
    )
    expect(row).toEqual({ now: true, kind: 'database' })
  })

  test('of many rows logs each one, the same as one by one', async () => {
    const name = await simple()
    await trackTable(knex, name, { tenant: 'tenant_id', lists: ['parent'] })
    await knex.raw(
      `insert into ${name} select n, case n % 2 when 0 then 'acme' else 'globex' end, 'n', n % 3 from generate_series(1, 2000) n`,
    )
    await knex.raw(`update ${name} set name = 'm', parent = parent + 1 where id <= 1500`)
    await knex.raw(`update ${name} set tenant_id = 'acme' where id <= 100`)
    await knex.raw(`delete from ${name} where id > 1000`)
    const counts = await rows(
      `select event, count(*)::int, count(distinct record_id)::int as ids, min(version)::int, max(version)::int,
        count(*) filter (where tenant_id is null)::int as lost from noclobber.changes where table_name = ? group by event order by event`,
      [`public.${name}`],
    )
    expect(counts).toEqual([
      { event: 'created', count: 2050, ids: 2000, min: 1, max: 3, lost: 0 },
      { event: 'deleted', count: 1050, ids: 1050, min: 2, max: 3, lost: 0 },
      { event: 'updated', count: 1500, ids: 1500, min: 2, max: 2, lost: 0 },
    ])
    const [sample] = await rows(
      `select changed_fields, scopes from noclobber.changes where table_name = ? and record_id = '5' and event = 'updated'`,
      [`public.${name}`],
    )
    expect(sample).toEqual({ changed_fields: ['name', 'parent'], scopes: { parent: ['2', '3'] } })
    expect(
      await rows(
        `select count(*)::int from ${name} t where version <> (select max(version) from noclobber.changes c where table_name = ? and record_id = t.id::text)`,
        [`public.${name}`],
      ),
    ).toEqual([{ count: 0 }])
  })

  test('of many rows is logged where key and tenant are all that a table has, and a tenant comes from nowhere', async () => {
    const name = await table('create table $T (id integer primary key, tenant_id text)')
    await trackTable(knex, name, { tenant: 'tenant_id' })
    await knex.raw(`insert into ${name} select n from generate_series(1, 30) n`)
    await knex.raw(`update ${name} set tenant_id = ''`)
    await knex.raw(`update ${name} set tenant_id = 'acme'`)
    await knex.raw(`update ${name} set id = id + 100`)
    await knex.raw(`update ${name} set id = id`)
    expect(
      await rows(
        `select event, count(*)::int, max(version)::int as version from noclobber.changes where table_name = ? group by 1 order by 1`,
        [`public.${name}`],
      ),
    ).toEqual([
      { event: 'created', count: 120, version: 4 },
      { event: 'deleted', count: 90, version: 4 },
    ])
  })

  test('of many rows names a field whose values are equal to PostgreSQL and differ to those who see them', async () => {
    const name = await table(
      'create table $T (id integer primary key, span interval, points integer[], word text collate "C", document json)',
    )
    await trackTable(knex, name)
    await knex.raw(`insert into ${name} select n, '1 day', '{1}', 'a', '{}' from generate_series(1, 30) n`)
    await knex.raw(`update ${name} set span = '24 hours'`)
    await knex.raw(`update ${name} set points = '{2}', document = '{ }'`)
    expect(
      await rows(
        `select distinct version::int, changed_fields from noclobber.changes where table_name = ? and event = 'updated' order by 1`,
        [`public.${name}`],
      ),
    ).toEqual([
      { version: 2, changed_fields: ['span'] },
      { version: 3, changed_fields: ['points', 'document'] },
    ])
  })

  test('is logged whatever the columns are called', async () => {
    const columns = [
      'n',
      'o',
      't',
      'g',
      'r',
      'c',
      'source',
      'origin',
      'sent',
      'moved',
      'planning',
      'row_count',
      'at',
      'm0',
      '%1$I',
      "it's",
    ]
    const name = await table(
      `create table $T (id integer primary key, ${columns.map((column) => `"${column}" text`).join(', ')})`,
    )
    await trackTable(knex, name, { lists: ['source', '%1$I'], history: 'values' })
    for (const count of [1, 10, 100]) {
      await knex.raw(
        `insert into ${name} select n + ${count} * 1000, 'n' from generate_series(1, ${count}) n`,
      )
      await knex.raw(
        `update ${name} set ${columns
          .map((column) => `"${column}" = 'x'`)
          .join(', ')
          .replaceAll('?', '')} where id > ${count} * 1000`,
      )
      await knex.raw(`delete from ${name} where id > ${count} * 1000`)
    }
    expect(
      await rows(
        `select event, count(*)::int, min(cardinality(changed_fields)) as fields, bool_and(event = 'deleted' or changed_values is not null) as kept
         from noclobber.changes where table_name = ? group by 1 order by 1`,
        [`public.${name}`],
      ),
    ).toEqual([
      { event: 'created', count: 111, fields: 0, kept: true },
      { event: 'deleted', count: 111, fields: 0, kept: true },
      { event: 'updated', count: 111, fields: columns.length, kept: true },
    ])
  })

  test('by INSERT … ON CONFLICT, MERGE, COPY-like and cascading statements is logged once', async () => {
    const parent = await simple()
    const child = await table(
      `create table $T (id integer primary key, name text, parent integer references ${parent} on delete cascade on update cascade)`,
    )
    await trackTable(knex, parent)
    await trackTable(knex, child, { lists: ['parent'] })
    await knex.raw(`insert into ${parent} (id, name) values (1, 'a'), (2, 'b')`)
    await knex.raw(`insert into ${child} values (10, 'c', 1), (11, 'd', 1), (12, 'e', 2)`)
    await knex.raw(
      `insert into ${parent} (id, name) values (2, 'z'), (3, 'c') on conflict (id) do update set name = excluded.name`,
    )
    await knex.raw(
      (await majorVersion(knex)) >= 15
        ? `merge into ${parent} p using (values (3, 'y'), (4, 'd')) v(id, name) on p.id = v.id
          when matched then update set name = v.name when not matched then insert (id, name) values (v.id, v.name)`
        : `insert into ${parent} (id, name) values (3, 'y'), (4, 'd') on conflict (id) do update set name = excluded.name`,
    )
    await knex.raw(`update ${parent} set id = 20 where id = 2`)
    await knex.raw(`delete from ${parent} where id = 1`)
    expect((await logOf(parent)).sort()).toEqual([
      '1 1 created',
      '1 2 deleted',
      '2 1 created',
      '2 2 updated name',
      '2 3 deleted',
      '20 3 created',
      '3 1 created',
      '3 2 updated name',
      '4 1 created',
    ])
    expect((await logOf(child)).sort()).toEqual([
      '10 1 created',
      '10 2 deleted',
      '11 1 created',
      '11 2 deleted',
      '12 1 created',
      '12 2 updated parent',
    ])
  })

  test('by TRUNCATE logs each row’s deletion', async () => {
    const name = await simple()
    await trackTable(knex, name, { tenant: 'tenant_id' })
    await knex.raw(`insert into ${name} (id, tenant_id, name) values (1, 'acme', 'a'), (2, 'globex', 'b')`)
    await knex.raw(`truncate ${name}`)
    expect(await logOf(name)).toEqual(['1 1 created', '2 1 created', '1 2 deleted', '2 2 deleted'])
  })

  test('that is rolled back leaves nothing, a savepoint’s neither', async () => {
    const name = await simple()
    await trackTable(knex, name)
    await knex.raw(`insert into ${name} (id, name) values (1, 'a')`)
    await knex.transaction(async (transaction) => {
      await transaction.raw(`update ${name} set name = 'b'`)
      await transaction.raw('savepoint one')
      await transaction.raw(`update ${name} set name = 'c'`)
      await transaction.raw('rollback to one')
      await transaction.raw(`update ${name} set name = 'd'`)
    })
    expect(await logOf(name)).toEqual(['1 1 created', '1 2 updated name', '1 3 updated name'])
  })

  test('by a role that has no rights on the log is logged, and named by its role', async () => {
    const name = await simple()
    await trackTable(knex, name)
    const role = `clerk_${database.name.slice(-6)}`
    await knex.raw(
      `create role ${role} login password 'x'; grant all on ${name} to ${role}; grant usage on schema public to ${role}`,
    )
    const url = new URL(database.url)
    url.username = role
    url.password = 'x'
    const clerk = createKnex({ client: 'pg', connection: url.href })
    try {
      await clerk.raw(`insert into ${name} (id, name) values (1, 'a')`)
      await clerk.raw(`update ${name} set name = 'b'`)
      await clerk.raw(`truncate ${name}`).catch(() => clerk.raw(`delete from ${name}`))
      await expect(clerk.raw('select * from noclobber.record_changes')).rejects.toThrow(/permission denied/)
      await expect(clerk.raw('delete from noclobber.record_changes')).rejects.toThrow(/permission denied/)
    } finally {
      await clerk.destroy()
    }
    const log = await rows(
      'select version::int, updated_by from noclobber.changes where table_name = ? order by seq',
      [`public.${name}`],
    )
    const updated_by = { id: role, name: role, kind: 'database' }
    expect(log).toEqual([1, 2, 3].map((version) => ({ version, updated_by })))
    await knex.raw(`drop owned by ${role}; drop role ${role}`)
  })

  test('to a column that was added, renamed or dropped since is seen', async () => {
    const name = await simple()
    await trackTable(knex, name, { lists: ['parent'] })
    await knex.raw(`insert into ${name} (id, name, parent) values (1, 'a', 1)`)
    await knex.raw(`alter table ${name} add column colour text`)
    await knex.raw(`update ${name} set colour = 'red'`)
    await knex.raw(`alter table ${name} rename column name to title`)
    await knex.raw(`update ${name} set title = 'b'`)
    await knex.raw(`alter table ${name} drop column colour`)
    await knex.raw(`update ${name} set title = 'c', parent = 2`)
    expect(await logOf(name)).toEqual([
      '1 1 created',
      '1 2 updated colour',
      '1 3 updated title',
      '1 4 updated title,parent',
    ])
  })

  test('goes through the app’s own triggers, before and after the stamp', async () => {
    const name = await simple()
    await knex.raw(
      `create function tidy_${name}() returns trigger language plpgsql as $$ begin new.name := trim(new.name); return new; end $$`,
    )
    await knex.raw(`create function count_${name}() returns trigger language plpgsql as $$ begin
      update ${name} set parent = coalesce(parent, 0) + 1 where id = new.id and coalesce(parent, 0) < 2; return null; end $$`)
    await knex.raw(
      `create trigger tidy before insert or update on ${name} for each row execute function tidy_${name}()`,
    )
    await trackTable(knex, name)
    await knex.raw(`insert into ${name} (id, name) values (1, ' a ')`)
    await knex.raw(`update ${name} set name = '  a'`)
    expect(await logOf(name)).toEqual(['1 1 created'])
    await knex.raw(
      `create trigger count after update on ${name} for each row execute function count_${name}()`,
    )
    await knex.raw(`update ${name} set name = 'b'`)
    expect(await versionsOf(name)).toEqual({ 1: 4 })
    expect((await logOf(name)).slice(1).sort()).toEqual([
      '1 2 updated name',
      '1 3 updated parent',
      '1 4 updated parent',
    ])
  })
})

describe('an id', () => {
  test('that was deleted and comes back continues its version', async () => {
    const name = await simple()
    await trackTable(knex, name)
    await knex.raw(`insert into ${name} (id, name) values (1, 'a')`)
    await knex.raw(`update ${name} set name = 'b'`)
    await knex.raw(`delete from ${name}`)
    await knex.raw(`insert into ${name} (id, name) values (1, 'c'), (2, 'd')`)
    expect(await versionsOf(name)).toEqual({ 1: 4, 2: 1 })
    await knex.transaction(async (transaction) => {
      await transaction.raw(`delete from ${name} where id = 1`)
      await transaction.raw(`insert into ${name} (id, name) values (1, 'e')`)
    })
    expect(await versionsOf(name)).toEqual({ 1: 6, 2: 1 })
  })

  test('that a record changes to goes on from whichever of the two was further', async () => {
    const name = await simple()
    await trackTable(knex, name)
    await knex.raw(`insert into ${name} (id, name) values (1, 'a'), (2, 'b')`)
    for (const text of ['c', 'd', 'e']) await knex.raw(`update ${name} set name = '${text}' where id = 1`)
    await knex.raw(`delete from ${name} where id = 1`)
    await knex.raw(`update ${name} set id = 1 where id = 2`)
    expect(await versionsOf(name)).toEqual({ 1: 6 })
    expect((await logOf(name)).slice(-2).sort()).toEqual(['1 6 created', '2 2 deleted'])
    await knex.raw(`update ${name} set id = 2 where id = 1`)
    expect(await versionsOf(name)).toEqual({ 2: 7 })
  })
})
