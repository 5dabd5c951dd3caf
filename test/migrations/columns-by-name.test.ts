// A change of one row by SQL is compared column by column, by the names that the table had when it was tracked. Whatever has been
// altered since, each change is logged, with all its fields.
import pg from 'pg'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { trackTable } from '../../migrations/index.ts'
import { startApp, type TestApp } from '../support/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})

let made = 0

/** A tracked table with one row, a connection that has updated it until its statements are prepared, and what it logs. */
const setUp = async (columns: string, options = {}) => {
  made += 1
  const table = `altered_${made}`
  await app.sql(`create table ${table} (id integer primary key, tenant_id text, ${columns})`)
  await trackTable(app.knex, table, { tenant: 'tenant_id', ...options })
  await app.sql(`insert into ${table} (id, tenant_id) values (1, 'acme'), (2, 'acme')`)
  const client = new pg.Client({ connectionString: app.database.url })
  await client.connect()
  onTestFinished(() => client.end())
  const isNamed = async () => {
    const { rows } = await client.query(
      `select noclobber.has_columns(p.proname, obj_description(p.oid, 'pg_proc')::text[]) as is_named
       from pg_trigger g join pg_proc p on p.oid = g.tgfoid where g.tgrelid = $1::regclass and g.tgname = 'zz_noclobber_update'`,
      [table],
    )
    return rows[0].is_named as boolean
  }
  /** The fields that an update is logged with; `null`: it isn't logged. */
  const changed = async (set: string) => {
    const {
      rows: [row],
    } = await client.query(`update ${table} set ${set} where id = 1 returning version`)
    const [change] = await app.sql(
      `select c.changed_fields, c.version, c.scopes, c.tenant_id from noclobber.changes c
       where c.table_name = ? and c.record_id = '1' and c.version = ? and c.event = 'updated'`,
      [`public.${table}`, row.version],
    )
    return (change?.changed_fields.sort() as string[]) ?? null
  }
  for (let round = 0; round < 8; round += 1) expect(await changed(`a = '${round}'`)).toEqual(['a'])
  expect(await isNamed()).toBe(true)
  return { table, client, changed, isNamed }
}

test('values of many types are compared as a reader sees them', async () => {
  await app.sql(`create type mood as enum ('glad', 'sad'); create type pair as (x integer, y text)`)
  const { changed, table } =
    await setUp(`a text, n numeric, t text[], j json, b jsonb, d date, c char(4), m mood, p pair,
    "Odd ""name"" of %I" text, f float8, i interval`)
  const values = [
    ...[
      `n = 1`,
      `t = '{x}'`,
      `j = '{"k": 1}'`,
      `b = '{"k": 1}'`,
      `d = '2026-01-02'`,
      `c = 'ab'`,
      `m = 'sad'`,
    ],
    ...[`p = row(1, 'y')::pair`, `"Odd ""name"" of %I" = 'z'`, `f = 0.1`, `i = '1 day'`],
  ]
  for (const value of values) {
    const name = value.startsWith('"') ? 'Odd "name" of %I' : value.slice(0, 1)
    expect(await changed(value)).toEqual([name])
    const [{ version }] = await app.sql(`select version from ${table} where id = 1`)
    await changed(value)
    expect((await app.sql(`select version from ${table} where id = 1`))[0].version).toBe(version)
  }
  expect(await changed(`a = null, n = null, m = null, p = null`)).toEqual(['a', 'm', 'n', 'p'])
})

test('lists and tenant stand in the change', async () => {
  const { table, changed } = await setUp('a text, project integer', { lists: ['project'] })
  const last = async () =>
    (
      await app.sql(
        `select c.scopes, c.tenant_id, c.event from noclobber.changes c where c.table_name = ? and c.record_id = '1' order by c.seq desc limit 1`,
        [`public.${table}`],
      )
    )[0]
  expect(await changed('project = 7')).toEqual(['project'])
  expect(await last()).toMatchObject({ scopes: { project: ['7'] }, tenant_id: 'acme' })
  expect(await changed('project = 8')).toEqual(['project'])
  expect((await last()).scopes.project.sort()).toEqual(['7', '8'])
  // To another tenant: deleted there, created here.
  await app.sql(`update ${table} set tenant_id = 'globex' where id = 1`)
  expect(await last()).toMatchObject({ event: 'created', tenant_id: 'globex' })
})

describe('after the table was altered, on a connection that has prepared its statements', () => {
  const alterations: [string, string, string, string[]][] = [
    ['a column was added', 'add column later text', `later = 'x', a = 'y'`, ['a', 'later']],
    ['a column was dropped', 'drop column b', `a = 'y'`, ['a']],
    ['a column was renamed', 'rename column b to bee', `bee = 'x'`, ['bee']],
    [
      'a column has another type',
      `alter column b type json using to_json(b)`,
      `b = '{"k": 1}', a = 'y'`,
      ['a', 'b'],
    ],
    ['the table was renamed and back', 'rename to elsewhere', `a = 'y'`, ['a']],
  ]
  test.each(alterations)('%s', async (_, alteration, set, fields) => {
    const { table, changed, isNamed } = await setUp('a text, b text')
    await app.sql(`alter table ${table} ${alteration}`)
    if (alteration.includes('elsewhere')) await app.sql(`alter table elsewhere rename to ${table}`)
    else expect(await isNamed()).toBe(false)
    expect(await changed(set)).toEqual(fields)
    await trackTable(app.knex, table, { tenant: 'tenant_id' })
    expect(await isNamed()).toBe(true)
    expect(await changed(`a = 'after'`)).toEqual(['a'])
  })

  test('its changes stand under the name that it has by then', async () => {
    const { table, client } = await setUp('a text')
    const place = `of_${table}`
    const moves: [string, string][] = [
      [`alter table ${table} rename to renamed_${made}`, `public.renamed_${made}`],
      [`create schema ${place}; alter table renamed_${made} set schema ${place}`, `${place}.renamed_${made}`],
      [`alter schema ${place} rename to now_${place}`, `now_${place}.renamed_${made}`],
    ]
    for (const [move, name] of moves) {
      await app.sql(move)
      for (const ids of ['id = 1', 'id > 0']) {
        await client.query(`update ${name} set a = a || '.' where ${ids}`)
        const [last] = await app.sql(
          'select c.table_name from noclobber.changes c order by c.seq desc limit 1',
        )
        expect(last.table_name).toBe(name)
      }
    }
  })

  test('in a transaction that still sees the table as it was', async () => {
    const { table, client, changed } = await setUp('a text, b text')
    await client.query('begin isolation level repeatable read')
    await client.query('select 1 from pg_class limit 1')
    await app.sql(`alter table ${table} rename column b to bee`)
    await client.query(`update ${table} set bee = 'x' where id = 1`)
    await client.query('commit')
    expect(await changed(`bee = 'y'`)).toEqual(['bee'])
  })

  test('a column’s type belongs to somebody else: their cast is not called', async () => {
    const { table, client, changed } = await setUp('a text, b text')
    const role = `${app.database.name}_owner_of_type`
    await app.sql(`create role ${role}; grant create, usage on schema public to ${role}`)
    onTestFinished(async () => {
      await app.sql(`drop owned by ${role} cascade; drop role ${role}`)
    })
    const [{ me }] = await app.sql('select session_user::text as me')
    await app.sql(`set role ${role}; create type theirs as enum ('one', 'two');
      create table called (by_whom text); grant all on called to public;
      create function spy(theirs) returns text language plpgsql as $$
        begin insert into called values (current_user); return 'spied'; end $$;
      create cast (theirs as text) with function spy(theirs) as implicit; reset role`)
    await app.sql(`alter table ${table} drop column b, add column b theirs default 'one'`)
    await trackTable(app.knex, table, { tenant: 'tenant_id' })
    expect(await changed(`b = 'two', a = 'y'`)).toEqual(['a', 'b'])
    await client.query(`update ${table} set b = 'one'`)
    expect(await app.sql(`select * from called where by_whom = ?`, [me])).toEqual([])
  })
})
