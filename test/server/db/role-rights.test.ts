// A server whose role isn't the one that ran the migrations: with the rights that docs/operating.md grants it does everything.
import { randomBytes } from 'node:crypto'
import knex from 'knex'
import { migrate, trackTable } from 'noclobber/migrations'
import { doctor, pruneLog } from 'noclobber/server'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { compacted } from '../../support/compaction.ts'
import { manualSql } from '../../support/ordinary-role.ts'
import { freshDatabase } from '../../support/postgres.ts'

const granted = () => manualSql("Rights of the server's role")

/** A role as the manual makes it for migrations; and its URL. */
const migratorOf = async (owner: Pick<TestApp, 'database' | 'sql'>) => {
  const role = `migrator_${randomBytes(6).toString('hex')}`
  const sql = await manualSql("Rights of the migrations' role")
  await owner.sql(
    sql
      .replaceAll('migrator', role)
      .replaceAll('…', 'x')
      .replaceAll('database shop', `database ${owner.database.name}`),
  )
  atEnd(() => owner.sql(`drop owned by ${role} cascade; drop role ${role}`))
  const url = new URL(owner.database.url)
  url.username = role
  url.password = 'x'
  return { role, url: url.href }
}

/** Gives the log and the tables to a role, as the manual says. */
const giveTo = async (owner: TestApp, role: string) => {
  const tables =
    await owner.sql(`select format('alter table public.%I owner to ${role}', relname) as sql from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r'`)
  for (const { sql } of tables) await owner.sql(sql)
  await owner.sql(`alter schema noclobber owner to ${role}`)
  await migrate(owner.knex, { repair: true })
}

/** Tables of its own, that a role may write; and that role's URL. */
const strangerOf = async (owner: TestApp, ...grants: string[]) => {
  const role = `app_${randomBytes(6).toString('hex')}`
  await owner.sql(`create role ${role} login password 'x'`)
  atEnd(() => owner.sql(`drop owned by ${role}; drop role ${role}`))
  for (const sql of [
    'grant select, insert, update, delete on all tables in schema public to app;',
    'grant usage on all sequences in schema public to app;',
    ...grants,
  ])
    await owner.sql(sql.replaceAll(' to app;', ` to ${role};`))
  const url = new URL(owner.database.url)
  url.username = role
  url.password = 'x'
  return { role, url: url.href }
}

test.each(['a superuser', 'an ordinary role'])(
  'does everything with the rights that the manual grants, where the log belongs to %s',
  async (whose) => {
    const owner = await startApp()
    const superusers = async () =>
      (await doctor(owner.knex, { rows: false })).findings.filter(({ code }) => code === 'log_of_superuser')
    expect(await superusers()).toMatchObject([
      { level: 'note', advice: expect.stringContaining('alter schema noclobber owner') },
    ])
    if (whose !== 'a superuser') {
      const { role, url } = await migratorOf(owner)
      await giveTo(owner, role)
      expect(await superusers()).toEqual([])
      const migrator = knex({ client: 'pg', connection: url })
      atEnd(() => migrator.destroy())
      await migrate(migrator, { repair: true })
      await migrator.raw(`create type weather as enum ('rain', 'sun');
      create table sites (id integer primary key, weather weather);
      create table visits (id integer primary key, site_id integer)`)
      await trackTable(migrator, 'sites', { history: 'values' })
      await trackTable(migrator, 'visits', { partOf: { table: 'sites', column: 'site_id' } })
      await migrator.raw(`insert into sites values (1, 'rain'); update sites set weather = 'sun';
      insert into visits values (1, 1); truncate visits; truncate sites`)
      expect(
        (
          await owner.sql(
            `select string_agg(event || ' ' || version, ', ' order by seq) as log from noclobber.changes where table_name = 'public.sites'`,
          )
        )[0],
      ).toEqual({ log: 'created 1, updated 2, updated 3, updated 4, deleted 5' })
    }
    const { url } = await strangerOf(owner, await granted())
    const app = await startApp({ database: owner.database, databaseUrl: url })
    const { id } = await app.make('project', { name: 'Bridge' })
    const save = (name: string) =>
      app.call('PATCH', `/records/project/${id}`, {
        body: { client_version: 1, changes: { name }, mutation_id: 'first' },
      })
    expect((await save('Harbour')).body.data).toMatchObject({ version: 2 })
    expect((await save('Harbour')).body.data).toMatchObject({ version: 2 })
    const many = { changes: { status: 'active' }, records: [{ id, client_version: 2 }], mutation_id: 'many' }
    expect((await app.call('PATCH', '/records/project', { body: many })).body.data).toMatchObject([
      { version: 3 },
    ])
    const file = { text: 'name\nA\nB\n', headers: { 'content-type': 'text/csv' } }
    expect((await app.call('POST', '/records/project/import', file)).status).toBe(200)
    expect((await app.call('GET', `/records/project/${id}/history`)).body.data).toHaveLength(3)
    const removed = await app.call('DELETE', `/records/project/${id}`, { body: { client_version: 3 } })
    expect(removed.status).toBe(204)
    const { body } = await app.call('GET', '/changes')
    expect((await app.call('GET', `/changes?cursor=${body.cursor}`)).status).toBe(200)
    await pruneLog(app.knex, { retentionMs: 0 })
    expect((await doctor(app.knex)).findings.filter(({ level }) => level === 'problem')).toEqual([])
  },
)

test('a log is made by an ordinary role as the manual makes it, which no other role can track with', async () => {
  const database = await freshDatabase({ migrated: false })
  const superuser = knex({ client: 'pg', connection: database.url })
  atEnd(() => superuser.destroy())
  const app = { database, sql: async (sql: string) => (await superuser.raw(sql)).rows }
  const { url } = await migratorOf(app)
  const migrator = knex({ client: 'pg', connection: url })
  atEnd(() => migrator.destroy())
  await migrate(migrator)
  await migrator.raw('create table sites (id integer primary key)')
  await trackTable(migrator, 'sites')
  const other = await migratorOf(app)
  const others = knex({ client: 'pg', connection: other.url })
  atEnd(() => others.destroy())
  await others.raw('create table paths (id integer primary key)')
  await expect(trackTable(others, 'paths')).rejects.toThrow(
    /the change log belongs to migrator_\w+, and migrator_\w+ is no member/,
  )
})

test('nobody who may connect stops pruning, compaction or tracking by a lock', async () => {
  const app = await startApp()
  const { url } = await strangerOf(app)
  const outsider = knex({ client: 'pg', connection: url, pool: { min: 1, max: 1 } })
  atEnd(() => outsider.destroy())
  await outsider.raw(`select pg_advisory_lock(7712014), pg_advisory_lock(7712015),
    pg_advisory_lock(hashtext('noclobber.log_update_of'))`)
  await outsider.raw('begin')
  for (const table of ['log_epoch', 'log_horizon', 'import_locks'])
    await outsider
      .raw(`lock table noclobber.${table} in access share mode`)
      .catch(() => outsider.raw('rollback; begin'))
  await app.sql(`insert into projects (tenant_id, name) select 'acme', 'x' from generate_series(1, 60)`)
  await compacted(app)
  expect(await pruneLog(app.knex)).toMatchObject({ busy: false })
  await app.sql('create table sites (id integer primary key)')
  await trackTable(app.knex, 'sites')
  await outsider.raw('rollback')
})

test.each(['Knex', 'pg'])(
  'who may create tables gains nothing by making those of the migrations first, with %s',
  async (way) => {
    const database = await freshDatabase({ migrated: false })
    const superuser = knex({ client: 'pg', connection: database.url })
    atEnd(() => superuser.destroy())
    const role = `planter_${randomBytes(6).toString('hex')}`
    await superuser.raw(
      `create role ${role} login password 'x'; grant create, usage on schema public to ${role}`,
    )
    atEnd(() => superuser.raw(`drop owned by ${role} cascade; drop role ${role}`))
    const url = new URL(database.url)
    Object.assign(url, { username: role, password: 'x' })
    const theirs = knex({ client: 'pg', connection: url.href })
    atEnd(() => theirs.destroy())
    await theirs.raw(`create table noclobber_migrations (id serial primary key, name varchar(255), batch integer, migration_time timestamptz);
      create table noclobber_migrations_lock (index serial primary key, is_locked integer);
      create sequence caught; grant all on all tables in schema public to public; grant all on sequence caught to public;
      create function catch() returns trigger language plpgsql as $f$ begin
        if current_user <> '${role}' then perform nextval('public.caught'); end if; return null; end $f$;
      create trigger a before insert or update or delete on noclobber_migrations for each statement execute function catch();
      create trigger a before insert or update or delete on noclobber_migrations_lock for each statement execute function catch()`)
    const pool = new pg.Pool({ connectionString: database.url })
    atEnd(() => pool.end())
    const migrating = migrate(way === 'pg' ? pool : superuser, { waitMs: 1_000 })
    await expect(migrating).rejects.toThrow(
      /noclobber_migrations of planter_.* another role’s|another role's than that/,
    )
    expect((await theirs.raw('select is_called from caught')).rows).toEqual([{ is_called: false }])
    await theirs.raw('drop table noclobber_migrations, noclobber_migrations_lock')
    await migrate(way === 'pg' ? pool : superuser)
    expect(await doctor(superuser)).toMatchObject({ ok: true })
  },
)

test('nobody who may connect keeps the migrations waiting', async () => {
  const database = await freshDatabase({ migrated: false })
  const superuser = knex({ client: 'pg', connection: database.url })
  atEnd(() => superuser.destroy())
  const app = { database, sql: async (sql: string) => (await superuser.raw(sql)).rows }
  await superuser.raw('create table t (id integer primary key)')
  const role = `outsider_${randomBytes(6).toString('hex')}`
  await superuser.raw(`create role ${role} login password 'x'`)
  atEnd(() => app.sql(`drop owned by ${role}; drop role ${role}`))
  const url = new URL(database.url)
  Object.assign(url, { username: role, password: 'x' })
  const outsider = knex({ client: 'pg', connection: url.href, pool: { min: 1, max: 1 } })
  atEnd(() => outsider.destroy())
  await outsider.raw(
    `select pg_advisory_lock(hashtext('noclobber_migrations')), pg_advisory_lock(hashtext('noclobber'))`,
  )
  const pool = new pg.Pool({ connectionString: database.url, options: '-c lock_timeout=5s' })
  atEnd(() => pool.end())
  // Several at once, as nodes that start together.
  await Promise.all([migrate(pool), migrate(pool), migrate(pool)])
  await pool.query('drop table noclobber_migrations')
  await Promise.all([migrate(pool), migrate(pool)])
  expect(await doctor(superuser)).toMatchObject({ ok: true })
})

test.each([
  [
    'nothing',
    [],
    /lacks rights on schema noclobber: usage of it; delete on .*; insert on import_locks, imports, mutations, proposals; select on all its tables; update on [^;]*; execute on [^;]*\. The GRANTs/,
  ],
  [
    'reading alone',
    ['grant usage on schema noclobber to app;', 'grant select on all tables in schema noclobber to app;'],
    /noclobber: delete on import_locks, imports, mutations, proposals, record_changes; .*execute on functions compact, epoch, wire_text\..*operating\.md/,
  ],
])('with %s it does not start, and says what it lacks', async (_, grants, sentence) => {
  const owner = await startApp()
  const { role, url } = await strangerOf(owner, ...grants)
  const app = await startApp({ database: owner.database, databaseUrl: url, awaitStart: false })
  const failure: Error = await app.records.start().then(
    () => new Error('It started.'),
    (error) => error,
  )
  expect(failure.message).toMatch(sentence)
  expect(failure.message).toContain(role)
})
