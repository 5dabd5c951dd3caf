// Tables with triggers of the app's own: they write their row again, delete it, do something else in its place, or keep it
// back. The answer is the record as it is when they have run, its versions go up in the log, and nobody gets a conflict
// with themselves.
import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { atEnd } from '../../support/at-end.ts'
import { freshDatabase } from '../../support/postgres.ts'

const { url } = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 6 } })
atEnd(() => knex.destroy())

const text = z.string().nullable().optional()
const actor = { id: 'a', name: 'Ann', tenantId: 't' }

/** A table `name` with these triggers, tracked and served as `thing`. */
const open = async (name: string, triggers: string, { columns = '', fields = {}, track = {} } = {}) => {
  await knex.raw(
    `create table ${name} (id int primary key, tenant_id text default 't', title text, path text, gone timestamptz${columns})`,
  )
  await trackTable(knex, name, track)
  await knex.raw(triggers.replaceAll('TABLE', name))
  const records = createRecordServer({
    log: null,
    knex,
    types: [
      defineRecordType('thing', { table: name, fields: { title: text, path: text, ...fields }, merge: true }),
    ],
    authenticate: () => null,
  })
  atEnd(() => records.stop())
  const versions = async (id = '1'): Promise<number[]> =>
    (
      await knex.raw(
        `select version::int from noclobber.changes where table_name = ? and record_id = ? order by xid, seq`,
        [`public.${name}`, id],
      )
    ).rows.map(({ version }: { version: number }) => version)
  const row = async (id = 1) => knex(name).where({ id }).first()
  return { records, versions, row }
}

const trigger = (body: string, when: string, language = 'plpgsql') =>
  `create function TABLE_fn() returns trigger language ${language} as $$ begin ${body} end $$;
   create trigger app_own ${when} on TABLE for each row execute function TABLE_fn();`

const up = (versions: number[]) => versions.every((one, at) => at === 0 || one > (versions[at - 1] as number))

const WRITES_ITSELF = trigger(
  `update TABLE set path = '/' || new.title where id = new.id; return null;`,
  'after insert or update of title',
)

describe('a trigger that writes its row again', () => {
  test('a save, a replay and a creation answer the version that the row has; the log goes up', async () => {
    const { records, versions, row } = await open('pages', WRITES_ITSELF)
    await knex.raw(`insert into pages (id, title) values (1, 'home')`)
    const save = { actor, clientVersion: 2, changes: { title: 'start' }, mutationId: 'm1' }
    const saved = await records.save('thing', '1', save)
    expect(saved).toMatchObject({ outcome: 'saved', record: { version: 4, fields: { path: '/start' } } })
    expect(await records.save('thing', '1', save)).toMatchObject({
      ...{ outcome: 'saved', replayed: true },
      record: { version: 4, fields: { path: '/start' } },
    })
    expect(
      await records.save('thing', '1', { actor, clientVersion: 4, changes: { title: 'next' } }),
    ).toMatchObject({ outcome: 'saved', record: { version: 6 } })
    expect(await versions()).toEqual([1, 2, 3, 4, 5, 6])
    expect(Number((await row()).version)).toBe(6)
  })

  test('in a transaction of the caller, in a bulk edit and in an import', async () => {
    const { records, versions } = await open('leaves', WRITES_ITSELF)
    await knex.raw(`insert into leaves (id, title) select i, 'x' from generate_series(1, 60) i`)
    await knex.transaction(async (transaction) => {
      const saved = await records.save('thing', '1', {
        actor,
        clientVersion: 2,
        changes: { title: 'a' },
        transaction,
      })
      expect(saved).toMatchObject({ outcome: 'saved', record: { version: 4 } })
      expect(
        await records.save('thing', '1', { actor, clientVersion: 3, changes: { title: 'b' }, transaction }),
      ).toMatchObject({ outcome: 'conflict' })
    })
    const many = await records.saveMany('thing', {
      actor,
      changes: { title: 'many' },
      records: [2, 3].map((id) => ({ id: String(id), clientVersion: 2 })),
    })
    expect(many).toMatchObject({ outcome: 'saved', records: [{ version: 4 }, { version: 4 }] })
    const input = (async function* () {
      yield Buffer.from(
        `id,title\n${Array.from({ length: 40 }, (_, at) => `${at + 10},imported`).join('\n')}\n`,
      )
    })()
    expect(await records.import('thing', { actor, key: 'id', format: 'csv', input })).toMatchObject({
      outcome: 'imported',
      answer: { updated: 40 },
    })
    for (const id of ['1', '2', '15', '60']) expect(up(await versions(id)), id).toBe(true)
    expect(await versions('15')).toEqual([1, 2, 3, 4])
  })

  test('at the end of the transaction, or for whole statements before ours by name', async () => {
    const deferred = await open(
      'late',
      `create function TABLE_fn() returns trigger language plpgsql as $$ begin
         update TABLE set path = '/' || new.title where id = new.id and path is distinct from '/' || new.title; return null; end $$;
       create constraint trigger app_own after update on TABLE deferrable initially deferred
         for each row execute function TABLE_fn();`,
    )
    await knex.raw(`insert into late (id, title) values (1, 'x')`)
    expect(
      await deferred.records.save('thing', '1', { actor, clientVersion: 1, changes: { title: 'y' } }),
    ).toMatchObject({ outcome: 'saved', record: { version: 3, fields: { path: '/y' } } })
    expect(await deferred.versions()).toEqual([1, 2, 3])

    const whole = await open(
      'whole',
      `create function TABLE_fn() returns trigger language plpgsql as $$ begin
         update TABLE t set path = '/' || t.title where t.path is distinct from '/' || t.title; return null; end $$;
       create trigger aa_whole after insert or update of title on TABLE for each statement execute function TABLE_fn();`,
    )
    await knex.raw(`insert into whole (id, title) select i, 'x' from generate_series(1, 70) i`)
    await knex.raw(`update whole set title = 'y'`)
    expect(await whole.versions('70')).toEqual([1, 2, 3, 4])
    expect(
      await whole.records.save('thing', '9', { actor, clientVersion: 4, changes: { title: 'z' } }),
    ).toMatchObject({ outcome: 'saved', record: { version: 6 } })
    expect(await whole.versions('9')).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('by way of another table, and three deep', async () => {
    await knex.raw(
      `create table counters (id int primary key, n int default 0); insert into counters values (1)`,
    )
    const far = await open(
      'far',
      `create function TABLE_fn() returns trigger language plpgsql as $$ begin
         if pg_trigger_depth() < 4 then update TABLE set path = coalesce(path, '') || '.' where id = new.id; end if;
         update counters set n = n + 1; return null; end $$;
       create trigger app_own after update on TABLE for each row execute function TABLE_fn();`,
    )
    await knex.raw(`insert into far (id, title) values (1, 'x')`)
    expect(
      await far.records.save('thing', '1', { actor, clientVersion: 1, changes: { title: 'y' } }),
    ).toMatchObject({ outcome: 'saved', record: { version: 5, fields: { path: '...' } } })
    expect(await far.versions()).toEqual([1, 2, 3, 4, 5])
  })

  test('a trigger that deletes its row: the record is gone', async () => {
    const { records } = await open(
      'fleeting',
      trigger(
        `if new.title = 'delete me' then delete from TABLE where id = new.id; end if; return null;`,
        'after insert or update',
      ),
    )
    await knex.raw(`insert into fleeting (id, title) values (1, 'x')`)
    expect(
      await records.save('thing', '1', { actor, clientVersion: 1, changes: { title: 'delete me' } }),
    ).toMatchObject({ outcome: 'gone', problem: { version: 3 } })
  })
})

describe('a trigger that does something else in the place of a write', () => {
  const SOFT = trigger('update TABLE set gone = now() where id = old.id; return null;', 'before delete')

  test('a deletion that marks the row is a deletion, also as a replay; a stale one is a conflict', async () => {
    const { records, row } = await open('soft', SOFT)
    await knex.raw(`insert into soft (id, title) values (1, 'x'), (2, 'y')`)
    await knex.raw(`update soft set title = 'newer' where id = 2`)
    const removal = { actor, clientVersion: 1, mutationId: 'd1' }
    expect(await records.remove('thing', '1', removal)).toEqual({ outcome: 'removed' })
    expect(await records.remove('thing', '1', removal)).toEqual({ outcome: 'removed', replayed: true })
    expect((await row()).gone).not.toBeNull()
    expect(await records.remove('thing', '2', { actor, clientVersion: 1 })).toMatchObject({
      outcome: 'conflict',
      problem: { current_version: 2 },
    })
    await knex.transaction(async (transaction) => {
      const within = { actor, transaction }
      await records.save('thing', '2', { ...within, clientVersion: 2, changes: { title: 'own' } })
      expect(await records.remove('thing', '2', { ...within, clientVersion: 2 })).toMatchObject({
        outcome: 'conflict',
      })
      expect(await records.remove('thing', '2', { ...within, clientVersion: 3 })).toEqual({
        outcome: 'removed',
      })
    })
    expect(Number((await row(2)).version)).toBe(4)
  })

  test('an update that a trigger makes by itself is saved', async () => {
    const { records, versions } = await open(
      'byhand',
      trigger(
        `if pg_trigger_depth() > 1 then return new; end if;
         update TABLE set title = upper(new.title) where id = old.id; return null;`,
        'before update',
      ),
    )
    await knex.raw(`insert into byhand (id, title) values (1, 'x'), (2, 'x')`)
    const save = { actor, clientVersion: 1, changes: { title: 'y' }, mutationId: 'h1' }
    expect(await records.save('thing', '1', save)).toMatchObject({
      outcome: 'saved',
      record: { version: 2, fields: { title: 'Y' } },
    })
    expect(await records.save('thing', '1', save)).toMatchObject({ replayed: true, record: { version: 2 } })
    expect(
      await records.saveMany('thing', {
        ...{ actor, changes: { title: 'z' } },
        records: [1, 2].map((id) => ({ id: String(id), clientVersion: 3 - id })),
      }),
    ).toMatchObject({ outcome: 'saved', records: [{ version: 3 }, { version: 2 }] })
    expect(await versions()).toEqual([1, 2, 3])
  })
})

describe('a trigger that keeps a write back', () => {
  const KEEPS = `create function TABLE_fn() returns trigger language plpgsql as $$ begin
      if tg_op = 'INSERT' then return case when new.title = 'no' then null else new end; end if;
      if old.title = 'fixed' then insert into attempts values (tg_op); return null; end if;
      return case tg_op when 'DELETE' then old else new end; end $$;
    create trigger app_own before insert or update or delete on TABLE for each row execute function TABLE_fn();`
  const KEPT = {
    outcome: 'invalid',
    problem: {
      status: 422,
      errors: [{ message: expect.stringContaining('a trigger or a policy of its table') }],
    },
  }

  test('is no conflict and no deletion, and is sent once', async () => {
    await knex.raw('create table attempts (op text)')
    const { records, row } = await open('kept', KEEPS)
    await knex.raw(`insert into kept (id, title) values (1, 'fixed'), (2, 'free'), (3, 'free')`)
    expect(
      await records.save('thing', '1', { actor, clientVersion: 1, changes: { title: 'x' } }),
    ).toMatchObject(KEPT)
    expect(await records.remove('thing', '1', { actor, clientVersion: 1 })).toMatchObject(KEPT)
    expect((await knex('attempts').select()).map(({ op }) => op)).toEqual(['UPDATE', 'DELETE'])
    expect(
      await records.save('thing', '1', { actor, clientVersion: 7, changes: { title: 'x' } }),
    ).toMatchObject({
      outcome: 'conflict',
    })
    const edit = (onRefused: 'abort' | 'skip', version: number) =>
      records.saveMany('thing', {
        ...{ actor, changes: { path: '/' }, onRefused },
        records: [1, 2, 3].map((id) => ({ id: String(id), clientVersion: id === 1 ? 1 : version })),
      })
    expect(await edit('abort', 1)).toMatchObject({
      outcome: 'aborted',
      problem: {
        status: 422,
        records: [{ outcome: 'invalid' }, { outcome: 'held_back' }, { outcome: 'held_back' }],
      },
    })
    expect(Number((await row(2)).version)).toBe(1)
    expect(await edit('skip', 1)).toMatchObject({
      outcome: 'saved',
      records: [{ outcome: 'invalid' }, { outcome: 'saved', version: 2 }, { outcome: 'saved', version: 2 }],
    })
  })

  test('a creation and rows of an import, each named by its line', async () => {
    const { records } = await open('kept_new', KEEPS)
    await knex.raw('alter table kept_new alter column id add generated by default as identity (start 100)')
    expect(await records.create('thing', { actor, fields: { title: 'no' } })).toMatchObject(KEPT)
    expect(await records.create('thing', { actor, fields: { title: 'yes' } })).toMatchObject({
      outcome: 'created',
    })
    await knex.raw(`insert into kept_new (id, title) values (1, 'fixed'), (2, 'free')`)
    const run = (csv: string) =>
      records.import('thing', {
        ...{ actor, format: 'csv', key: 'id' },
        input: (async function* () {
          yield Buffer.from(csv)
        })(),
      })
    expect(await run('id,title\n2,a\n1,b\n')).toMatchObject({
      problem: { errors: [{ line: 3, message: expect.stringContaining('a trigger or a policy') }] },
    })
    const created = await records.import('thing', {
      ...{ actor, format: 'csv', key: null },
      input: (async function* () {
        yield Buffer.from('title\nyes\nno\nyes\n')
      })(),
    })
    expect(created).toMatchObject({ problem: { errors: [{ line: 3 }] } })
  })
})
