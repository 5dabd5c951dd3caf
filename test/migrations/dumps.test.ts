// Backups of tables as PostgreSQL's own pg_dump and pg_restore carry them, beneath a running server: no version number stands for two
// contents, saves go on, and what can't be seen by the triggers is said by the doctor.
import { join } from 'node:path'
import createKnex from 'knex'
import { migrate, trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType, doctor } from 'noclobber/server'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { runCommand } from '../../server/cli/run.ts'
import { atEnd } from '../support/at-end.ts'
import { startSystemCluster, type TestCluster } from '../support/clusters.ts'
import { isWithout } from '../support/programs.ts'
import { waitFor } from '../support/wait-for.ts'

/** It may have to be installed first. */
const INSTALL_MS = 300_000

const actor = { id: 'a', name: 'A', tenantId: '' }

describe.skipIf(isWithout('postgresql'))('pg_dump and pg_restore', () => {
  let cluster: TestCluster
  let archive: string
  let databases = 0

  beforeAll(async () => {
    const started = await startSystemCluster()
    cluster = started.cluster
    archive = started.archive
  }, INSTALL_MS)

  /** A database with a tracked table of 40 rows, a server on it, and every version that was ever shown. */
  const setUp = async () => {
    databases += 1
    const name = `shop_${databases}`
    await cluster.sql(`create database ${name}`)
    const url = new URL(cluster.url())
    url.pathname = `/${name}`
    const serve = (at: string) => {
      const knex = createKnex({ client: 'pg', connection: at, pool: { min: 0, max: 4 } })
      const records = createRecordServer({
        log: null,
        knex,
        types: [defineRecordType('task', { table: 'tasks', fields: { title: z.string() } })],
        authenticate: () => null,
        limits: { tablesMs: 100 },
      })
      atEnd(async () => {
        await records.stop()
        await knex.destroy()
      })
      return { knex, records }
    }
    const { knex, records } = serve(url.href)
    await migrate(knex)
    await knex.raw('create table tasks (id integer primary key, title text)')
    await trackTable(knex, 'tasks')
    await knex.raw(`insert into tasks select i, 'first' from generate_series(1, 40) i`)
    await records.start()
    const shown = new Map<string, string>()
    /** Saves a record as it is now, and sees to it that its version is new. */
    const save = async (title: string, id = '1', by = records) => {
      const found = await by.read('task', id, { actor })
      if (found.outcome !== 'found') throw new Error(`read: ${found.outcome}`)
      const saved = await by.save('task', id, {
        actor,
        clientVersion: found.record.version,
        changes: { title },
      })
      if (saved.outcome !== 'saved') throw new Error(`save: ${JSON.stringify(saved)}`)
      const key = `${id} ${saved.record.version}`
      expect([key, shown.get(key)]).toEqual([key, undefined])
      shown.set(key, title)
      return saved.record.version
    }
    const file = join(archive, `${name}.dump`)
    const dump = (...args: string[]) =>
      cluster.run('pg_dump', ['--format=custom', '--file', file, ...args, name])
    const restore = (...args: string[]) => cluster.run('pg_restore', ['--dbname', name, ...args, file])
    const problems = async () =>
      (await doctor(knex, { listenMs: 5_000 })).findings.flatMap(({ level, code }) =>
        level === 'problem' ? [code] : [],
      )
    return { name, url: url.href, knex, records, serve, save, dump, restore, problems, file }
  }

  test('a whole database into another: versions, history and guards go on', async () => {
    const { name, url, save, dump, file, serve } = await setUp()
    await save('second')
    await dump()
    await cluster.sql(`create database ${name}_copy`)
    await cluster.run('pg_restore', ['--dbname', `${name}_copy`, file])
    const copy = serve(`${url}_copy`)
    await copy.records.start()
    const read = await copy.records.read('task', '1', { actor })
    expect(read).toMatchObject({ outcome: 'found', record: { fields: { title: 'second' } } })
    await save('in the copy', '1', copy.records)
    const history = await copy.records.history('task', '1', { actor })
    expect(history.outcome === 'found' && history.entries.length).toBe(3)
    expect(
      (await doctor(copy.knex, { listenMs: 5_000 })).findings.filter(({ level }) => level === 'problem'),
    ).toEqual([])
  })

  test('one table of its own dump, put back in place', async () => {
    const { save, dump, restore, problems } = await setUp()
    await save('before')
    await dump('--table=tasks')
    await save('lost')
    await save('lost too')
    await restore('--clean', '--if-exists')
    await save('after')
    await save('and again')
    expect(await problems()).toEqual([])
  })

  test('one table out of a dump of everything comes without key and triggers, which is said', {
    tags: 'full',
  }, async () => {
    const { save, dump, restore, problems, records, knex } = await setUp()
    await save('before')
    await dump()
    await save('lost')
    await restore('--clean', '--if-exists', '--table=tasks')
    await waitFor(async () => (await records.health()).status === 'unavailable', { what: 'it to be said' })
    expect((await records.health()).checks.tables.detail).toMatch(/tasks/)
    await knex.raw('alter table tasks add primary key (id)')
    await trackTable(knex, 'tasks')
    await waitFor(async () => (await records.health()).status === 'ok', { what: 'a server that is fit' })
    await save('after')
    expect(await problems()).toEqual([])
  })

  test('--data-only: rows that come back count on from their deletion', async () => {
    const { save, dump, restore, problems, knex } = await setUp()
    await save('before')
    await dump('--data-only', '--table=tasks')
    await save('lost')
    await knex.raw('delete from tasks')
    await restore()
    await save('after')
    expect(await problems()).toEqual([])
    // After a TRUNCATE too, of which each row is a deletion.
    await knex.raw('truncate tasks')
    await restore()
    await save('after the truncate')
    expect(await problems()).toEqual([])
  })

  test('--data-only --disable-triggers: the doctor finds it, and `noclobber restored` ends it', {
    tags: 'full',
  }, async () => {
    const { save, dump, restore, problems, knex, url } = await setUp()
    await save('before')
    await dump('--data-only', '--table=tasks')
    await save('lost')
    await knex.raw('delete from tasks')
    await restore('--disable-triggers')
    expect(await problems()).not.toEqual([])
    const code = await runCommand(['restored'], {
      out: () => {},
      err: () => {},
      env: { DATABASE_URL: url },
      cwd: '/',
      signal: new AbortController().signal,
    })
    expect(code).toBe(0)
    await save('after')
    await save('after', '2')
  })

  test('a dump of everything but the log begins a log of its own', { tags: 'full' }, async () => {
    const { save, dump, file, name, url, serve } = await setUp()
    await save('before')
    await dump('--exclude-schema=noclobber', '--exclude-table=noclobber_migrations*')
    await cluster.sql(`create database ${name}_new`)
    const fresh = serve(`${url}_new`)
    await migrate(fresh.knex)
    // The triggers refer to functions of the log, of which those made for the table are missing.
    await cluster.run('pg_restore', ['--dbname', `${name}_new`, file]).catch(() => {})
    await trackTable(fresh.knex, 'tasks')
    await fresh.records.start()
    await save('after', '1', fresh.records)
    expect(
      (await doctor(fresh.knex, { listenMs: 5_000 })).findings.filter(({ level }) => level === 'problem'),
    ).toEqual([])
  })

  test('VACUUM FULL and a publication FOR ALL TABLES, with saves all the while', {
    tags: 'full',
  }, async () => {
    const { save, knex, problems } = await setUp()
    await knex.raw('create publication everything for all tables')
    const saving = (async () => {
      for (let n = 0; n < 20; n += 1) await save(`while ${n}`)
    })()
    for (let n = 0; n < 3; n += 1) await knex.raw('vacuum full')
    await saving
    await knex.raw('drop publication everything')
    expect(await problems()).toEqual([])
  })
})
