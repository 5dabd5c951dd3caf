// A change log that was made before the first release: everything that meets it says what it is and what to do.
import knex, { type Knex } from 'knex'
import { migrate, trackTable } from 'noclobber/migrations'
import { createRecordServer, doctor } from 'noclobber/server'
import { beforeAll, expect, test } from 'vitest'
import { tooOld } from '../../migrations/supported.ts'
import { runCommand } from '../../server/cli/run.ts'
import { TYPES } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'
import { freshDatabase } from '../support/postgres.ts'

const SENTENCE = /made by a noclobber of before the first release.*drop schema noclobber cascade/

let url: string
let connection: Knex
beforeAll(async () => {
  const database = await freshDatabase({ migrated: false })
  url = database.url
  connection = knex({ client: 'pg', connection: url })
  atEnd(() => connection.destroy())
  await connection.raw(`create schema noclobber;
    create table noclobber.record_changes (xid xid8, seq bigint);
    create table noclobber.change_bundles (xid xid8, seq bigint);
    create table noclobber.log_horizon (xid xid8, seq bigint);
    create table noclobber_migrations (id serial primary key, name text, batch int, migration_time timestamptz);
    create table noclobber_migrations_lock (index serial primary key, is_locked int);
    insert into noclobber_migrations (name, batch) values ('001-change-log', 1), ('002-log-horizon', 1), ('009-rights', 1);
    create table projects (id int primary key)`)
})

test('migrate and trackTable', async () => {
  await expect(migrate(connection)).rejects.toThrow(SENTENCE)
  await expect(migrate(connection, { repair: true })).rejects.toThrow(SENTENCE)
  await expect(trackTable(connection, 'projects')).rejects.toThrow(SENTENCE)
})

test('the server’s start', async () => {
  const records = createRecordServer({
    log: null,
    knex: connection,
    types: TYPES,
    authenticate: async () => null,
  })
  await expect(records.start()).rejects.toThrow(SENTENCE)
  await records.stop()
})

test('the doctor', async () => {
  expect(await doctor(connection)).toMatchObject({ ok: false, findings: [{ code: 'log_too_old' }] })
})

test.each(['status', 'doctor', 'doctor --repair', 'prune', 'changes'])(
  'npx noclobber %s',
  async (command) => {
    const err: string[] = []
    const terminal = {
      ...{ out: () => {}, err: (line: string) => void err.push(line) },
      ...{ env: { DATABASE_URL: url }, cwd: '/', signal: new AbortController().signal },
    }
    expect(await runCommand(command.split(' '), terminal)).toBe(1)
    expect(err.join('\n')).toMatch(SENTENCE)
  },
)

test('a log of the weeks before the first release, whose migrations have the names of today', async () => {
  const database = await freshDatabase()
  const own = knex({ client: 'pg', connection: database.url })
  atEnd(() => own.destroy())
  await own.raw('create table projects (id int primary key, tenant_id text, name text)')
  await trackTable(own, 'projects', { tenant: 'tenant_id' })
  await own.raw('drop function noclobber.uncertain_floor cascade; drop table noclobber.noted_floors cascade')
  await expect(migrate(own)).rejects.toThrow(SENTENCE)
  await expect(trackTable(own, 'projects')).rejects.toThrow(SENTENCE)
  expect(await doctor(own)).toMatchObject({ ok: false, findings: [{ code: 'log_too_old' }] })
  const records = createRecordServer({
    ...{ log: null, knex: own, types: [], authenticate: async () => null, limits: { startMs: 500 } },
  })
  await expect(records.start()).rejects.toThrow(SENTENCE)
  await records.stop()
})

test('what it says helps', async () => {
  await connection.raw('drop schema noclobber cascade; drop table noclobber_migrations')
  await migrate(connection)
  await trackTable(connection, 'projects')
  expect((await doctor(connection)).findings.filter(({ level }) => level === 'problem')).toEqual([])
})

test('a PostgreSQL that is too old is named, and the oldest one is not', async () => {
  /** The same database, which says that it is another version. */
  const saying = (number: string, name: string) => {
    const raw = (text: string) =>
      connection.raw(
        text
          .replace("current_setting('server_version_num')", `'${number}'`)
          .replace("current_setting('server_version')", `'${name}'`),
      )
    return { raw } as unknown as Knex
  }
  expect(await tooOld(saying('130023', '13.23'))).toBe(
    'noclobber needs PostgreSQL 14 or later; this is 13.23.',
  )
  expect(await tooOld(saying('140023', '14.23'))).toBe(null)
})
