// Every statement by which PostgreSQL writes rows, on a tracked table: whatever a program sends, each changed row has a new version, each
// version is in the log once, in order, with the fields that changed; or the statement is refused, and nothing is written.
import createKnex, { type Knex } from 'knex'
import { trackTable } from 'noclobber/migrations'
import { doctor } from 'noclobber/server'
import { expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { ofInterest } from '../support/findings.ts'
import { brokenBy, logOf, rowsOf } from '../support/log-oracle.ts'
import { freshDatabase } from '../support/postgres.ts'
import { oneIn } from '../support/short-run.ts'

const STATEMENTS: Record<string, string[]> = {
  'ON CONFLICT DO UPDATE, with a change and a new row': [
    `insert into t (id, a) values (1, 'x'), (900, 'n') on conflict (id) do update set a = excluded.a`,
  ],
  'ON CONFLICT DO UPDATE of every column, our own included': [
    `insert into t (id, a, b, version) values (1, 'x', 1, 1), (2, 'v2', 0, 2) on conflict (id) do update
       set a = excluded.a, b = excluded.b, version = excluded.version, updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
  ],
  'ON CONFLICT DO UPDATE without a change': [
    `insert into t (id, a) values (1, 'v1') on conflict (id) do update set a = excluded.a`,
  ],
  'ON CONFLICT DO UPDATE that its WHERE keeps back': [
    `insert into t (id, a) values (1, 'x') on conflict (id) do update set a = excluded.a where false`,
  ],
  'ON CONFLICT DO NOTHING': [`insert into t (id, a) values (1, 'x'), (900, 'n') on conflict do nothing`],
  'ON CONFLICT DO UPDATE of many rows, half of them new': [
    `insert into t (id, a) select n, 'm' || n from generate_series(50, 180) n on conflict (id) do update set a = excluded.a`,
  ],
  'ON CONFLICT DO UPDATE behind a deletion': [
    'delete from t where id = 1',
    `insert into t (id, a) values (1, 'again') on conflict (id) do update set a = excluded.a`,
  ],
  'ON CONFLICT DO UPDATE of the key': [
    `insert into t (id, a) values (1, 'x') on conflict (id) do update set id = 900, a = 'moved'`,
  ],
  MERGE: [
    `merge into t using (values (1, 'x'), (2, null), (900, 'n')) s(id, a) on t.id = s.id when matched and s.a is null then delete
       when matched then update set a = s.a when not matched then insert (id, a) values (s.id, s.a)`,
  ],
  'MERGE of many rows': [
    `merge into t using (select n as id, 'm' || n as a from generate_series(20, 300) n) s on t.id = s.id
       when matched and s.id < 40 then delete when matched then update set a = s.a when not matched then insert (id, a) values (s.id, s.a)`,
  ],
  'MERGE that does nothing': [
    `merge into t using (values (1)) s(id) on t.id = s.id when matched then do nothing`,
  ],
  'one row updated twice in one statement': [
    `with one as (update t set a = 'first' where id = 1 returning 1) update t set a = 'second' where id = 1`,
  ],
  'one row updated and deleted in one statement': [
    `with one as (update t set a = 'first' where id = 1 returning 1) delete from t where id = 1`,
  ],
  'rows deleted and inserted under other keys in one statement': [
    `with gone as (delete from t where id in (1, 2) returning *) insert into t (id, a) select 900 + id, a from gone`,
  ],
  'several updates and an insertion in one statement': [
    `with one as (update t set a = 'c' where id <= 30 returning id), two as (update t set b = 5 where id between 31 and 40 returning id)
       insert into t (id, a) select 1000 + id, 'i' from one`,
  ],
  'UPDATE FROM that meets a row twice': [
    `update t set a = s.a from (values (1, 'p'), (1, 'q'), (2, 'r')) s(id, a) where t.id = s.id`,
  ],
  'keys that move, one and many': ['update t set id = 900 where id = 1', 'update t set id = id + 2000'],
  'TRUNCATE and the same keys again': ['truncate t', `insert into t (id, a) values (1, 'again')`],
  'a deletion and the same key again, twice': [
    'delete from t where id = 1',
    `insert into t (id, a) values (1, 'x')`,
    'delete from t where id = 1',
    `insert into t (id, a) values (1, 'y')`,
  ],
  'a savepoint that is taken back': [
    'savepoint s',
    `update t set a = 'lost' where id = 1`,
    'rollback to s',
    `update t set a = 'kept' where id = 1`,
  ],
  'a block that catches its error': [
    `do $$ begin begin update t set a = 'in' where id = 1; raise exception 'x'; exception when others then
       update t set a = 'out' where id = 1; end; end $$`,
  ],
  'sixty updates in a loop': [
    `do $$ begin for i in 1..60 loop update t set b = b + 1 where id = 1; end loop; end $$`,
  ],
  'a cursor': [
    'declare c cursor for select from t where id = 1 for update',
    'fetch c',
    `update t set a = 'x' where current of c`,
  ],
  'a view': [
    'create view v as select id, a from t where id < 10',
    `update v set a = 'x' where id = 1`,
    `insert into v values (900, 'n')`,
    'delete from v where id = 2',
  ],
  'a view with a trigger of its own': [
    'create view v as select id, a from t',
    `create function put() returns trigger language plpgsql as $$ begin update t set a = new.a where id = old.id; return new; end $$`,
    'create trigger put instead of update on v for each row execute function put()',
    `update v set a = 'x' where id in (1, 2)`,
  ],
  'a column added and written': [
    `alter table t add c jsonb default '{}'`,
    `update t set c = '{"a": 1}' where id = 1`,
    `update t set c = '{"a": 2}'`,
  ],
  'a column dropped between writes': [
    'update t set b = b + 1 where id = 1',
    'alter table t drop b',
    `update t set a = 'x' where id = 1`,
    `update t set a = a || 'z'`,
  ],
  'a function with no search path': [
    `create function put() returns void language sql security definer set search_path = '' as $$ update public.t set a = 'f' where id = 1 $$`,
    'select put()',
  ],
  'a table of that index order': [
    'create index by_a on t (a)',
    'cluster t using by_a',
    `update t set a = 'x' where id = 1`,
  ],
}
/** Of later versions: PostgreSQL 17. */
const LATER: Record<string, string[]> = {
  'MERGE with RETURNING, and by the source': [
    `merge into t using (values (1, 'x')) s(id, a) on t.id = s.id when matched then update set a = s.a
       when not matched by source and t.id > 90 then delete returning t.*`,
  ],
}

/** One statement that takes a row away and makes it again under its key. */
const REPLACED: Record<string, string> = {
  'deleted and inserted': `with gone as (delete from t where id = 1 returning *) insert into t (id, a) select id, 'again' from gone`,
  'deleted and inserted, many': `with gone as (delete from t returning *) insert into t (id, a) select id, a || '!' from gone`,
  'moved, and another in its place': `with moved as (update t set id = 900 where id = 1 returning *) insert into t (id, a) select 1, 'other' from moved`,
}

const makeTable = async (knex: Knex) => {
  await knex.raw('create table t (id integer primary key, a text, b integer default 0)')
  await trackTable(knex, 't')
  await knex.raw(
    `insert into t (id, a) select n, 'v' || n from generate_series(1, 100) n; update t set b = 0, a = 'v1' where id = 1`,
  )
}

const tables = async (): Promise<Knex> => {
  const { url } = await freshDatabase({ tables: { name: 'every_statement', make: makeTable } })
  const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
  atEnd(() => knex.destroy())
  return knex
}
const send = (knex: Knex, statements: string[]) =>
  knex.transaction(async (transaction) => {
    for (const text of statements) await transaction.raw(text.replaceAll('?', '\\?'))
  })

const versionOf = async (knex: Knex) =>
  Number((await knex.raw('show server_version_num')).rows[0].server_version_num)

test.each(oneIn(3, Object.entries({ ...STATEMENTS, ...LATER })))('%s', async (name, statements) => {
  const knex = await tables()
  if (name in LATER && (await versionOf(knex)) < 170_000) return
  if (name.startsWith('MERGE') && (await versionOf(knex)) < 150_000) return
  if (name.endsWith('of the key')) await knex.raw('delete from t where id = 900')
  const before = await rowsOf(knex)
  await send(knex, statements)
  expect(await brokenBy(knex, before)).toEqual([])
  const { findings } = await doctor(knex, { rows: true })
  expect(ofInterest(findings)).toEqual([])
})

test.each(Object.entries(REPLACED))(
  'a row %s by one statement is refused: its versions would begin anew',
  async (_name, statement) => {
    const knex = await tables()
    const before = [await rowsOf(knex), await logOf(knex)]
    await expect(send(knex, [statement])).rejects.toMatchObject({
      code: '27000',
      message: expect.stringContaining('is deleted and inserted by one statement'),
      hint: expect.stringContaining('ON CONFLICT DO UPDATE'),
    })
    expect([await rowsOf(knex), await logOf(knex)]).toEqual(before)
  },
)
