// What becomes of a tracked table when it is altered afterwards: its guard and its log go on, or a sentence says what it is and how to
// mend it, to those who write, in the doctor and at a server's start.
import createKnex from 'knex'
import { trackTable, untrackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType, doctor } from 'noclobber/server'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { repairTables } from '../../server/doctor/repair.ts'
import { atEnd } from '../support/at-end.ts'
import { freshDatabase } from '../support/postgres.ts'

const { url } = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: url, pool: { min: 1, max: 4 } })
atEnd(() => knex.destroy())

const alice = { id: 'alice', name: 'Alice', tenantId: 't' }

const found = async (table: string) =>
  (await doctor(knex, { listenMs: 10_000 })).findings
    .filter(({ level, table: of }) => level === 'problem' && of === table)
    .map(({ code, message, advice }) => `${code}: ${message} ${advice}`)

const logOf = async (table: string) =>
  (
    await knex.raw(
      `select record_id || ' ' || event || version as line from noclobber.changes where table_name = ? order by xid, seq`,
      [table],
    )
  ).rows.map(({ line }: { line: string }) => line)

const versionsOf = async (table: string): Promise<number[]> =>
  (await logOf(table)).map((line: string) => Number(/\d+$/.exec(line)?.[0]))

const serverOf = (table: string) => {
  const types = [defineRecordType('thing', { table, fields: { label: z.any() } })]
  const records = createRecordServer({ knex, types, authenticate: () => alice, log: null })
  onTestFinished(() => records.stop())
  return records
}

test('a partition that was detached says so, until it is untracked or tracked by itself; attached again it goes on', async () => {
  await knex.raw(`create table halls (id int primary key, label text) partition by range (id);
    create table halls_1 partition of halls for values from (0) to (100);
    create table halls_2 partition of halls for values from (100) to (200)`)
  await trackTable(knex, 'halls', { history: 'values' })
  await knex.raw(`insert into halls values (1, 'a'), (101, 'b'); alter table halls detach partition halls_1`)
  const detached = /halls_1 can't be written: it was a partition of public.halls and was detached/
  for (const write of [
    'insert into halls_1 values (2)',
    `update halls_1 set label = 'x'`,
    'delete from halls_1',
    'truncate halls_1',
  ])
    await expect(knex.raw(write), write).rejects.toThrow(detached)
  expect(await found('public.halls_1')).toEqual([
    expect.stringMatching(
      /^partition_detached: It was a partition of public.halls .*untrackTable\(knex, 'public.halls_1'\)/,
    ),
  ])
  await repairTables(knex)
  expect(await found('public.halls_1')).toHaveLength(1)
  await untrackTable(knex, 'halls_1')
  await knex.raw(`update halls_1 set label = 'archived'`)
  expect(await found('public.halls_1')).toEqual([])
  await trackTable(knex, 'halls_1')
  await knex.raw(`update halls_1 set label = 'again'`)
  const [raised = 0] = await versionsOf('public.halls_1')
  expect(await logOf('public.halls_1')).toEqual([`1 updated${raised}`, `1 updated${raised + 1}`])

  await untrackTable(knex, 'halls_1')
  await knex.raw('alter table halls attach partition halls_1 for values from (0) to (100)')
  expect(await found('public.halls')).toContainEqual(
    expect.stringMatching(/^trigger_missing: Partitions lack triggers: public\.halls_1/),
  )
  await trackTable(knex, 'halls', { history: 'values' })
  const [before = 0] = (await versionsOf('public.halls')).slice(-1)
  await knex.raw(`update halls_1 set label = 'back'`)
  expect((await logOf('public.halls')).at(-1)).toBe(`1 updated${before + 1}`)

  await knex.raw('alter table halls rename to rooms')
  await knex.raw(`update halls_1 set label = 'renamed'`)
  expect(await logOf('public.rooms')).toEqual([`1 updated${before + 2}`])
})

test.each([
  ['renamed', `alter table crates rename to racks`, 'racks'],
  ['moved to another schema', `create schema store; alter table crates set schema store`, 'store.crates'],
])(
  'a table that was %s is refused until it is tracked again, and takes its log along',
  async (_, alteration, now) => {
    await knex.raw('drop table if exists crates; create table crates (id text primary key, label text)')
    await trackTable(knex, 'crates', { history: 'values' })
    await knex.raw(
      `insert into crates values ('a', '1'), ('b', '1'); update crates set label = '2'; delete from crates where id = 'a'`,
    )
    const log = await logOf('public.crates')
    const gone = Number(/a deleted(\d+)/.exec(log.join())?.[1])
    await knex.raw(alteration)
    const source = now.includes('.') ? now : `public.${now}`
    await expect(serverOf(now).start()).rejects.toThrow(
      'was renamed, or moved to another schema, since it was tracked',
    )
    expect(await found(source)).toContainEqual(
      expect.stringMatching(/^table_renamed: .*trackTable\(knex, '.*', \{ history: 'values' \}\)/),
    )
    expect(await repairTables(knex)).toContain(source)
    expect(await found(source)).toEqual([])
    expect(await logOf(source)).toEqual(log)
    await serverOf(now).start()
    // A deleted id that comes again counts on: who holds the old record can't be taken for who has seen the new one.
    await knex.raw(`insert into ${now} values ('a', 'new')`)
    expect(Number((await knex(now).where({ id: 'a' }).first('version')).version)).toBe(gone + 1)
    await untrackTable(knex, now)
  },
)

test('the log stays with a table that has the former name now', async () => {
  await knex.raw('create table boxes (id int primary key, label text)')
  await trackTable(knex, 'boxes')
  await knex.raw('insert into boxes values (1); alter table boxes rename to boxes_old')
  await knex.raw('create table boxes (like boxes_old including all)')
  await trackTable(knex, 'boxes')
  await trackTable(knex, 'boxes_old')
  expect(await logOf('public.boxes')).toEqual(['1 created1'])
  expect(await logOf('public.boxes_old')).toEqual([])
})

const TABLE_OF_JARS = `create table jars (id text primary key, label text, rack text, version bigint not null default 1,
  updated_at timestamptz not null default now(), updated_by jsonb)`

const jarType = () =>
  defineRecordType('jar', {
    table: 'jars',
    fields: { label: z.any(), rack: z.any() },
    importKey: 'id',
  })

const OFF = /triggers are missing or switched off|no trigger stamps|would pass the triggers/

/** Tries each way of writing the jar `a`, and of making one. */
const expectUnwritable = async (records: ReturnType<typeof createRecordServer>, clientVersion: number) => {
  const by = { actor: alice, clientVersion }
  await expect(records.save('jar', 'a', { ...by, changes: { label: 'y' } })).rejects.toThrow(OFF)
  const repeatable = { ...by, changes: { label: 'y' }, mutationId: 'm' }
  await expect(records.save('jar', 'a', repeatable)).rejects.toThrow(OFF)
  await expect(records.save('jar', 'a', { ...by, changes: { rack: 'y' } })).rejects.toThrow(OFF)
  await expect(
    knex.transaction((transaction) =>
      records.save('jar', 'a', { ...by, changes: { label: 'y' }, transaction }),
    ),
  ).rejects.toThrow(OFF)
  await expect(records.remove('jar', 'a', by)).rejects.toThrow(OFF)
  await expect(records.create('jar', { actor: alice, id: 'b', fields: { label: 'y' } })).rejects.toThrow(OFF)
  const all = { actor: alice, changes: { label: 'y' }, records: [{ id: 'a', clientVersion }] }
  await expect(records.saveMany('jar', all)).rejects.toThrow(OFF)
  for (const id of ['a', 'b']) {
    const input = (async function* () {
      yield Buffer.from(`id,label\n${id},y\n`)
    })()
    await expect(records.import('jar', { actor: alice, input, format: 'csv' })).rejects.toThrow(OFF)
  }
}

/** New connections are so too: one that alone was left so is closed, and another saves. */
const ofDatabase = (clause: string) =>
  `do $$ begin execute format('alter database %I ${clause}', current_database()); end $$`
const REPLICA = `${ofDatabase('set session_replication_role = replica')}; set session_replication_role = replica`
const NO_REPLICA = `${ofDatabase('reset session_replication_role')}; set session_replication_role = origin`
/** Each connection of the pool. */
const onAll = async (sql: string) => {
  const length = Math.max(4, knex.client.pool.numFree())
  const all = await Promise.all(Array.from({ length }, () => knex.client.acquireConnection()))
  for (const connection of all) await connection.query(sql)
  for (const connection of all) await knex.client.releaseConnection(connection)
}

test.each([
  ['was made anew', [`drop table jars; ${TABLE_OF_JARS}; insert into jars values ('a', 'x')`]],
  ['has its triggers off', ['alter table jars disable trigger user']],
  ['has its stamp alone off', ['alter table jars disable trigger zz_noclobber_stamp']],
  ['has its stamp for replication only', ['alter table jars enable replica trigger zz_noclobber_stamp']],
  ['is written as a replica', [REPLICA, NO_REPLICA]],
])(
  'a table that %s while a server runs: nothing is saved without a version',
  async (_, [first = '', last]) => {
    await knex.raw(`drop table if exists jars; ${TABLE_OF_JARS}`)
    await trackTable(knex, 'jars', { lists: ['rack'] })
    await knex.raw(`insert into jars values ('a', 'x')`)
    const records = createRecordServer({ knex, types: [jarType()], authenticate: () => alice, log: null })
    onTestFinished(() => records.stop())
    await records.start()
    // Each connection is looked at when the server takes it for the first time.
    await Promise.all(Array.from({ length: 12 }, () => records.read('jar', 'a', { actor: alice })))
    if (last) onTestFinished(() => onAll(last))
    await (last ? onAll(first) : knex.raw(first))
    const before = (await knex.raw('select id, label, rack, version from jars')).rows
    await expectUnwritable(records, Number(before[0].version))
    expect((await knex.raw('select id, label, rack, version from jars')).rows).toEqual(before)
  },
)

test('a save that changes nothing makes no version, and asks nobody for the trigger that would', async () => {
  await knex.raw(`drop table if exists jars; ${TABLE_OF_JARS}`)
  await trackTable(knex, 'jars', { lists: ['rack'] })
  await knex.raw(`insert into jars values ('a', 'x', 'low')`)
  const records = createRecordServer({ knex, types: [jarType()], authenticate: () => alice, log: null })
  onTestFinished(() => records.stop())
  await records.start()
  const first = Number((await knex('jars').first('version')).version)
  const save = (label: string, clientVersion: number) =>
    records.save('jar', 'a', { actor: alice, clientVersion, changes: { label } })
  expect(await save('x', first)).toMatchObject({ outcome: 'saved', record: { version: first } })
  expect(await save('y', first)).toMatchObject({ outcome: 'saved', record: { version: first + 1 } })
  await knex.raw('alter table jars disable trigger user')
  expect(await save('y', first + 1)).toMatchObject({ outcome: 'saved', record: { version: first + 1 } })
  await expect(save('z', first + 1)).rejects.toThrow(OFF)
})

test('a partition whose triggers are off takes no save, and others do', async () => {
  await knex.raw(`drop table if exists jars; create table jars (id text primary key, label text, rack text) partition by list (id);
    create table jars_a partition of jars for values in ('a'); create table jars_rest partition of jars default`)
  await trackTable(knex, 'jars')
  await knex.raw(`insert into jars values ('a', 'x'), ('c', 'x')`)
  const records = createRecordServer({ knex, types: [jarType()], authenticate: () => alice, log: null })
  onTestFinished(() => records.stop())
  await records.start()
  await knex.raw('alter table jars_a disable trigger user')
  const versionOf = async (id: string) => Number((await knex('jars').where({ id }).first('version')).version)
  const save = async (id: string) =>
    records.save('jar', id, { actor: alice, clientVersion: await versionOf(id), changes: { label: 'y' } })
  await expect(save('a')).rejects.toThrow(OFF)
  expect(await save('c')).toMatchObject({ outcome: 'saved' })
  const all = async (id: string) => ({
    ...{ actor: alice, changes: { label: 'z' } },
    records: [{ id, clientVersion: await versionOf(id) }],
  })
  await expect(records.saveMany('jar', await all('a'))).rejects.toThrow(OFF)
  await records.saveMany('jar', await all('c'))
  expect(await knex('jars').select('id', 'label').orderBy('id')).toEqual([
    { id: 'a', label: 'x' },
    { id: 'c', label: 'z' },
  ])
})

const GAPS: Record<string, { make: string; gap: () => Promise<void> }> = {
  'untracked, written and tracked again': {
    make: 'create table vats (id int primary key, label text)',
    gap: async () => {
      await untrackTable(knex, 'vats')
      await knex.raw(`update vats set label = 'behind' where id = 1; delete from vats where id = 2;
        insert into vats values (2, 'another')`)
    },
  },
  'switched off, written and tracked again': {
    make: 'create table vats (id int primary key, label text)',
    gap: async () => {
      await knex.raw(`alter table vats disable trigger user; update vats set label = 'behind' where id = 1;
        delete from vats where id = 2; insert into vats values (2, 'another')`)
    },
  },
  'made anew': {
    make: 'create table vats (id int primary key, label text)',
    gap: async () => {
      await knex.raw(`drop table vats; create table vats (id int primary key, label text, version bigint not null default 1,
          updated_at timestamptz not null default now(), updated_by jsonb);
        insert into vats values (1, 'behind', 2), (2, 'another', 1), (3, 'c', 1)`)
    },
  },
  'with a partition that was detached, untracked, written and attached': {
    make: `create table vats (id int primary key, label text) partition by range (id);
      create table vats_1 partition of vats for values from (0) to (3);
      create table vats_2 partition of vats for values from (3) to (9)`,
    gap: async () => {
      await knex.raw('alter table vats detach partition vats_1')
      await untrackTable(knex, 'vats_1')
      await knex.raw(`update vats_1 set label = 'behind' where id = 1; delete from vats_1 where id = 2;
        insert into vats_1 values (2, 'another'); alter table vats attach partition vats_1 for values from (0) to (3)`)
    },
  },
  'with a partition whose rows were loaded, and that was attached in one transaction': {
    make: `create table vats (id int primary key, label text) partition by range (id);
      create table vats_1 partition of vats for values from (0) to (3);
      create table vats_2 partition of vats for values from (3) to (9)`,
    gap: async () => {
      await knex.raw('drop table vats_1')
      await knex.transaction(async (transaction) => {
        await transaction.raw(`create table vats_1 (like vats including defaults including constraints)`)
        await transaction.raw(
          `insert into vats_1 (id, label, version) values (1, 'behind', 2), (2, 'another', 1)`,
        )
        await transaction.raw('alter table vats attach partition vats_1 for values from (0) to (3)')
      })
    },
  },
}

test.each(Object.keys(GAPS))('no version stands for two contents where a table was %s', async (name) => {
  const { make, gap } = GAPS[name] as (typeof GAPS)[string]
  await knex.raw('drop table if exists vats cascade')
  await knex.raw(make)
  await trackTable(knex, 'vats', { history: 'values' })
  const records = serverOf('vats')
  await records.start()
  await knex.raw(`insert into vats values (1, 'a'), (2, 'b'), (3, 'c')`)
  await knex.raw(`update vats set label = 'seen' where id = 1`)
  const save = (id: number, clientVersion: number) =>
    records.save('thing', String(id), { actor: alice, clientVersion, changes: { label: 'mine' } })
  const seen = async () =>
    new Map<number, number>(
      (await knex('vats').select('id', 'version')).map((row) => [row.id, Number(row.version)]),
    )
  const before = await seen()
  await gap()
  // Until it is tracked again nothing is saved there.
  const was = await knex('vats').orderBy('id').select('id', 'label')
  for (const id of [1, 2])
    await expect(save(id, (await seen()).get(id) ?? 0)).rejects.toThrow(
      'triggers are missing or switched off',
    )
  expect(await knex('vats').orderBy('id').select('id', 'label')).toEqual(was)
  await trackTable(knex, 'vats', { history: 'values' })
  const after = await seen()
  for (const id of [1, 2]) {
    const highest = before.get(id) ?? 0
    expect(after.get(id)).toBeGreaterThan(highest + 1_000)
    for (const version of [1, 2, highest - 1, highest, highest + 1, highest + 2].filter((one) => one > 0)) {
      const refused = await save(id, version)
      expect(refused.outcome).toBe('conflict')
      if (refused.outcome === 'conflict')
        expect([null, ['label']]).toContainEqual(refused.problem.changed_fields)
    }
  }
  const current = after.get(1) ?? 0
  const past = (version = 0) => records.readPast('thing', '1', { actor: alice, version })
  expect(await past(current)).toMatchObject({ outcome: 'found', record: { fields: { label: 'behind' } } })
  // What it was before can't be known from what it became meanwhile.
  expect(await past(before.get(1))).not.toMatchObject({ record: { fields: { label: 'behind' } } })
  expect(await save(1, current)).toMatchObject({ outcome: 'saved', record: { version: current + 1 } })
  if (name === 'made anew') return
  // Nobody can have written this one, so it is as it was.
  expect(after.get(3)).toBe(before.get(3))
  expect(await save(3, before.get(3) ?? 0)).toMatchObject({ outcome: 'saved' })
})

test('tracking a table for the first time, or with other options, leaves its versions as they are', async () => {
  await knex.raw(
    `create table tubs (id int primary key, label text, version bigint); insert into tubs values (1, 'a', 7), (2, 'b', null)`,
  )
  await trackTable(knex, 'tubs')
  await knex.raw(`update tubs set label = 'c' where id = 2`)
  await trackTable(knex, 'tubs', { history: 'values' })
  expect((await knex('tubs').orderBy('id').select('version')).map(({ version }) => Number(version))).toEqual([
    7, 2,
  ])
})

test.each([
  ['a few', 5],
  ['many', 60],
])(
  'records that come to the ids of others, %s at once, go on above the versions of these',
  async (_, count) => {
    const table = `seats_${count}`
    await knex.raw(`create table ${table} (id int primary key, label text)`)
    await trackTable(knex, table, { history: 'values' })
    // In this order no two of them have one id when it is checked.
    await knex.raw(`insert into ${table} select n, 'of ' || n from generate_series(${count}, 1, -1) n`)
    for (let at = 0; at < 3; at += 1) await knex.raw(`update ${table} set label = label || '.' where id <= 3`)
    const records = serverOf(table)
    const before = await knex(table).where({ id: 3 }).first()
    await knex.raw(`update ${table} set id = id + 1`)
    const after = await knex(table).where({ id: 3 }).first()
    expect([before.label, after.label]).toEqual(['of 3...', 'of 2...'])
    expect(Number(after.version)).toBeGreaterThan(Number(before.version))
    for (let clientVersion = 1; clientVersion <= Number(before.version) + 2; clientVersion += 1)
      expect(
        await records.save('thing', '3', { actor: alice, clientVersion, changes: { label: 'mine' } }),
      ).toMatchObject({ outcome: 'conflict' })
    expect(await found(`public.${table}`)).toEqual([])
    const versions = (await logOf(`public.${table}`)).filter((line: string) => line.startsWith('3 '))
    expect(new Set(versions).size).toBe(versions.length)
  },
)
