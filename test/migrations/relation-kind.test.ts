// Whatever a relation is, the guard holds for each of its rows, or it is refused with a sentence: when it is tracked, and
// when a server looks it up.
import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType, doctor } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { readCatalogue } from '../../server/tables/catalogue.ts'
import { atEnd } from '../support/at-end.ts'
import { freshDatabase } from '../support/postgres.ts'

const { url } = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: url, pool: { min: 1, max: 1 } })
atEnd(() => knex.destroy())

await knex.raw(`
create table plain (id int primary key, label text);
create table media (id int primary key, label text);
create table images (primary key (id)) inherits (media);
create view shown as select * from plain;
create materialized view kept as select * from plain;
create table halls (id int primary key, label text) partition by range (id);
create table halls_1 partition of halls for values from (0) to (100);
create table halls_2 partition of halls for values from (100) to (200);
create temporary table passing (id int primary key, label text);
create foreign data wrapper nothing;
create server nowhere foreign data wrapper nothing;
create foreign table far (id int, label text) server nowhere;
create unlogged table quick (id int primary key, label text);
create table ruled (id int primary key, label text);
create rule soft as on delete to ruled do instead update ruled set label = 'gone' where id = old.id;
create table swapping (id int primary key deferrable, label text);
create table sorted (id int primary key, label text);
create type item as (id int, label text);
create table typed of item (primary key (id));
create table cut_2 (id int primary key, label text) partition by range (id);
create unlogged table cut_2_quick partition of cut_2 for values from (0) to (9);
create table cut_3 (id int primary key, label text) partition by range (id);
create table cut_3_ruled partition of cut_3 for values from (0) to (9);
create rule quiet as on delete to cut_3_ruled do instead nothing;
create table cut_4 (id int primary key, label text) partition by range (id);
create table cut_4_late partition of cut_4 for values from (0) to (9);
create function nothing_at_all() returns trigger language plpgsql as 'begin return new; end';
create trigger zzz_last before update on sorted for each row execute function nothing_at_all();
create trigger zzz_last before update on cut_4_late for each row execute function nothing_at_all()`)

test.each([
  ['media', /images inherits from it/],
  ['images', /it inherits from public.media/],
  ['shown', /it is a view/],
  ['kept', /it is a view/],
  ['halls_1', /it is a partition of public.halls/],
  ['passing', /it is a temporary table/],
  ['far', /it is a foreign table/],
  ['quick', /it is unlogged/],
  ['ruled', /it has the rule soft/],
  ['swapping', /its primary key is deferrable/],
  ['sorted', /its triggers zzz_last fire after noclobber's/],
  ['typed', /it is a table of the type public.item/],
  ['cut_2', /its partition public.cut_2_quick is unlogged/],
  ['cut_3', /it has the rule quiet on public.cut_3_ruled/],
  ['cut_4', /its triggers zzz_last on public.cut_4_late fire after noclobber's/],
])('%s is refused with a sentence', async (table, sentence) => {
  await expect(knex.transaction((one) => trackTable(one, table))).rejects.toThrow(sentence)
})

const open = (table: string) => {
  const records = createRecordServer({
    log: null,
    knex,
    types: [defineRecordType('thing', { table, fields: { label: z.string() } })],
    authenticate: () => null,
  })
  atEnd(() => records.stop())
  return records
}
const actor = { id: 'a', name: 'A', tenantId: 't' }

test('a table that others have come to inherit from is refused by the server, and by a sentence where it is written', async () => {
  await knex.raw('create table bases (id int primary key, label text)')
  await trackTable(knex, 'bases')
  await knex.raw('create table heirs () inherits (bases)')
  await expect(open('bases').read('thing', '1', { actor })).rejects.toThrow(/heirs inherits from it/)
  // No trigger of ours sees the other's rows, and nothing says of a row that is gone whose it was.
  await knex.raw(
    `insert into bases values (1, 'own'); insert into heirs select n, 'heir' from generate_series(2, 40) n`,
  )
  const sentence = /bases can't be written: public.heirs has come to inherit from it/
  for (const statement of [
    `update bases set label = 'x' where id = 2`,
    `update bases set label = 'x' where id < 9`,
    `update bases set label = 'x'`,
    'delete from bases where id = 2',
    'delete from bases',
  ])
    await expect(knex.raw(statement), statement).rejects.toThrow(sentence)
  await knex.raw(`update bases set label = 'still' where id = 1`)
  await knex.raw('alter table heirs no inherit bases; delete from bases')
  const { rows } = await knex.raw(
    `select record_id || ' ' || event as change from noclobber.changes where table_name = 'public.bases' order by seq`,
  )
  expect(rows.map(({ change }: { change: string }) => change)).toEqual([
    '1 created',
    '1 updated',
    '1 deleted',
  ])
  await knex.raw('alter table heirs inherit bases')
})

test('two saves on one version of a partitioned table: one passes, in whatever partition', async () => {
  await trackTable(knex, 'halls')
  await knex.raw(`insert into halls values (1, 'x'), (150, 'y')`)
  const records = open('halls')
  for (const id of ['1', '150']) {
    const save = (label: string) => records.save('thing', id, { actor, clientVersion: 1, changes: { label } })
    const outcomes = await Promise.all([save('alice'), save('bob')])
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['conflict', 'saved'])
    await knex.raw(`update halls_${id === '1' ? 1 : 2} set label = 'past the root' where id = ${id}`)
    expect(
      (await records.save('thing', id, { actor, clientVersion: 2, changes: { label: 'z' } })).outcome,
    ).toBe('conflict')
  }
})

test('a server looks its tables up while somebody holds a partition of one, and so never meets them in a deadlock', async () => {
  const other = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
  atEnd(() => other.destroy())
  const holding = await other.transaction()
  await holding.raw('lock table only halls_1 in access exclusive mode')
  await knex.raw(`set statement_timeout = '10s'`)
  const types = [defineRecordType('thing', { table: 'halls', fields: { label: z.string() } })]
  const { byName } = await readCatalogue(knex, types)
  expect(byName.get('thing')).toMatchObject({ source: 'public.halls', isPartitioned: true })
  await holding.rollback()
})

test('a record that goes to another partition is a deletion and a creation', async () => {
  await knex.raw(`insert into halls values (7, 'moves'); update halls set id = 177 where id = 7`)
  const { rows } = await knex.raw(`select record_id, event from noclobber.changes
    where table_name = 'public.halls' and record_id in ('7', '177') and event <> 'updated' order by record_id, seq`)
  expect(rows).toEqual([
    { record_id: '177', event: 'created' },
    { record_id: '7', event: 'created' },
    { record_id: '7', event: 'deleted' },
  ])
})

test('an id that comes back in a partition goes on counting after its tombstone', async () => {
  await knex.raw(`create table rooms (id int primary key, label text) partition by range (id);
    create table rooms_1 partition of rooms for values from (0) to (100)`)
  await trackTable(knex, 'rooms')
  await knex.raw(`insert into rooms values (7, 'first')`)
  await knex.raw('delete from rooms where id = 7')
  const { rows } = await knex.raw(`insert into rooms values (7, 'again') returning version::int`)
  expect(rows).toEqual([{ version: 3 }])
})

test('what a table becomes after it was tracked is found by the doctor, and a rule also by the server', async () => {
  await knex.raw('create table later (id int primary key, label text)')
  await trackTable(knex, 'later')
  await knex.raw(`insert into later values (1, 'x')`)
  const found = async () =>
    (await doctor(knex, { listenMs: 1, rows: false })).findings
      .filter(({ table }) => table === 'public.later')
      .map(({ code, message }) => `${code}: ${message}`)
  expect(await found()).toEqual([])
  await knex.raw('create rule also as on update to later do also select 1; alter table later set unlogged')
  expect(await found()).toEqual([
    expect.stringContaining("not_trackable: It can't be tracked as it is now: it is unlogged"),
  ])
  await knex.raw('alter table later set logged')
  expect(await found()).toEqual([expect.stringContaining('it has the rule also')])
  await expect(open('later').read('thing', '1', { actor })).rejects.toThrow(/it has the rule also/)
  await knex.raw('drop rule also on later')
  await knex.raw(`create function seen() returns trigger language plpgsql as $$ begin new.label := 'late'; return new; end $$;
    create trigger zzz_seen before update on later for each row execute function seen()`)
  expect(await found()).toEqual([
    expect.stringContaining("trigger_late: Triggers fire after noclobber's: zzz_seen"),
  ])
  await expect(knex.raw('update later set id = id')).rejects.toThrow(
    /changed a row after its version was set/,
  )
  await knex.raw('alter trigger zzz_seen on later rename to aa_seen')
  await knex.raw('update later set id = id')
  expect(await found()).toEqual([])
  const { rows } = await knex.raw('select label, version::int from later')
  expect(rows).toEqual([{ label: 'late', version: 2 }])
})

test('a statement that names a partition is logged as one that names the table', async () => {
  await knex.raw(`create table events (id int, label text, order_id int, primary key (id)) partition by range (id);
    create table events_1 partition of events for values from (0) to (100);
    create table events_2 partition of events for values from (100) to (200) partition by range (id);
    create table events_2a partition of events_2 for values from (100) to (200);
    create table owners (id int primary key, label text) partition by range (id);
    create table owners_1 partition of owners for values from (0) to (10)`)
  await trackTable(knex, 'owners')
  await trackTable(knex, 'events', {
    history: 'values',
    partOf: { table: 'owners', column: 'order_id', field: 'events' },
  })
  await knex.raw(`insert into owners values (1, 'o');
    insert into events_1 values (1, 'a', 1); insert into events_2 values (101, 'b', 1); insert into events_2a values (102, 'c')`)
  await knex.raw(
    `update events_1 set label = 'x'; update events_2 set label = 'y' where id = 101; update events_2a set label = label || '!'`,
  )
  await knex.raw(
    `insert into events_2a select i, 'many' from generate_series(110, 180) i; update events_2a set label = 'z' where id > 109`,
  )
  await knex.raw('delete from events_1; truncate events_2a')
  const { rows } =
    await knex.raw(`select record_id as id, array_agg(event || version order by version) as log,
      max(changed_values->'label'->>1) filter (where event = 'updated') as last
    from noclobber.record_changes where table_name = 'public.events' and record_id in ('1', '101', '102', '150') group by 1 order by 1`)
  expect(rows).toEqual([
    { id: '1', log: ['created1', 'updated2', 'deleted3'], last: 'x' },
    { id: '101', log: ['created1', 'updated2', 'updated3', 'deleted4'], last: 'y!' },
    { id: '102', log: ['created1', 'updated2', 'deleted3'], last: 'c!' },
    { id: '150', log: ['created1', 'updated2', 'deleted3'], last: 'z' },
  ])
  expect(Number((await knex('owners').first('version')).version)).toBe(8)
  const { rows: others } = await knex.raw(
    `select distinct table_name from noclobber.changes where table_name like '%events%'`,
  )
  expect(others).toEqual([{ table_name: 'public.events' }])
})

test('a partition that comes later is found by the doctor until the table is tracked again', async () => {
  const found = async () =>
    (await doctor(knex, { listenMs: 1, rows: false })).findings
      .filter(({ level }) => level === 'problem')
      .map(({ code, message }) => `${code}: ${message}`)
  expect(await found()).toEqual([expect.stringContaining('heirs inherits')])
  await knex.raw('create table events_3 partition of events for values from (200) to (300)')
  expect(await found()).toContainEqual(
    expect.stringContaining('trigger_missing: Partitions lack triggers: public.events_3.'),
  )
  await trackTable(knex, 'events', {
    history: 'values',
    partOf: { table: 'owners', column: 'order_id', field: 'events' },
  })
  expect(await found()).toHaveLength(1)
})
