// The whole server by way of PgBouncer in transaction mode: what it learns of that, and that nothing is wrong for it.
import knex from 'knex'
import { trackTable } from 'noclobber/migrations'
import type { Logger } from 'noclobber/server'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { runCommand } from '../../../server/cli/run.ts'
import { doctor, pruneLog } from '../../../server/index.ts'
import { startApp, type TestApp, trackTables } from '../../support/app.ts'
import { ofInterest } from '../../support/findings.ts'
import { startPooler, type TestPooler } from '../../support/pooler.ts'
import { type FreshDatabase, freshDatabase } from '../../support/postgres.ts'
import { isWithout } from '../../support/programs.ts'
import { waitFor } from '../../support/wait-for.ts'

/** Fewer than the app's own connections, so that each of them gets now this one and now that one. */
const POOL_SIZE = 4

const SAVES = 120

const WORKERS = 8

/** It may have to be installed first. */
const INSTALL_MS = 300_000

const TAGGED = { tags: 'fault:pooler' }

describe.skipIf(isWithout('pgbouncer'))('through a pooler in transaction mode', TAGGED, () => {
  let pooler: TestPooler
  let database: FreshDatabase
  let app: TestApp
  const warnings: string[] = []
  const log: Logger = {
    info: () => {},
    warn: (_, message) => warnings.push(message),
    error: (_, message) => warnings.push(message),
  }

  /** A connection past the pooler. */
  const connect = () => {
    const connection = knex({ client: 'pg', connection: database.url, pool: { min: 0, max: 2 } })
    onTestFinished(() => connection.destroy())
    return connection
  }

  beforeAll(async () => {
    pooler = await startPooler({ poolSize: POOL_SIZE })
    database = await freshDatabase()
    const direct = knex({ client: 'pg', connection: database.url })
    await trackTables(direct).finally(() => direct.destroy())
    app = await startApp({ database, databaseUrl: pooler.urlFor(database.url), log })
  }, INSTALL_MS)

  test('the doctor says what does not get through, and the server does without names by itself', async () => {
    const { ok, findings } = await doctor(app.knex, { rows: false, listenMs: 1_000 })
    const expected = pooler.keepsStatements
      ? ['listen_impossible']
      : ['listen_impossible', 'statements_impossible']
    expect([ok, ofInterest(findings).map(({ code, level }) => `${level} ${code}`)]).toEqual([
      true,
      expected.map((code) => `note ${code}`),
    ])
    expect(warnings.filter((message) => message.includes('going on without names'))).toHaveLength(
      pooler.keepsStatements ? 0 : 1,
    )
    const healthy = connect()
    expect(ofInterest((await doctor(healthy, { rows: false, listenMs: 10_000 })).findings)).toEqual([])
  })

  test('many saves at once: each by its own writer, no stale one passes, none fails', async () => {
    const made = await Promise.all(
      Array.from({ length: WORKERS }, (_, n) => app.make('project', { name: `Project ${n}` })),
    )
    const each = SAVES / WORKERS
    await Promise.all(
      made.map(async ({ id }, n) => {
        const as = n % 2 === 0 ? 'alice' : 'bob'
        for (let version = 1; version <= each; version += 1) {
          const body = { client_version: version, changes: { name: `Edit ${version}` } }
          const saved = await app.call('PATCH', `/records/project/${id}`, { as, body })
          expect([saved.status, saved.body.data?.version]).toEqual([200, version + 1])
          expect(saved.body.data.updated_by.id).toBe(as)
          const other = { ...body, changes: { name: 'Stale' } }
          const stale = await app.call('PATCH', `/records/project/${id}`, { as: 'bob', body: other })
          expect([stale.status, stale.body.current_version]).toEqual([409, version + 1])
        }
      }),
    )
    const history = await app.call('GET', `/records/project/${made[0].id}/history`)
    expect(history.body.data).toHaveLength(each + 1)
  })

  test('the writer’s name ends with its transaction: SQL by hand on the same connections is the role’s', async () => {
    for (let n = 0; n < POOL_SIZE * 3; n += 1) {
      const { id } = await app.make('project', { name: 'Named' })
      const [row] = await app.sql(
        `update projects set notes = 'by hand' where id = ${id} returning updated_by`,
      )
      expect(row.updated_by.kind).toBe('database')
    }
  })

  test('a watcher receives saves, and SQL by hand with the next poll', async () => {
    const { id } = await app.make('project', { name: 'Watched' })
    const watcher = await app.socket()
    await watcher.watch(['project', id])
    await app.call('PATCH', `/records/project/${id}`, {
      as: 'bob',
      body: { client_version: 1, changes: { name: 'Saved' } },
    })
    await watcher.receives('RecordUpdated', { id, version: 2 })
    await connect().raw('update projects set name = ? where id = ?', ['By hand', id])
    await watcher.receives('RecordUpdated', { id, version: 3 })
  })

  test('a bulk edit, an import, a merge, a replay, a deletion, /changes', async () => {
    const cursor = (await app.call('GET', '/changes')).body.cursor
    const records = await Promise.all([1, 2, 3].map((n) => app.make('project', { name: `Many ${n}` })))
    const bulk = await app.call('PATCH', '/records/project', {
      body: {
        changes: { status: 'done' },
        records: records.map(({ id }) => ({ id, client_version: 1 })),
        on_stale: 'abort',
      },
    })
    expect(bulk.status).toBe(200)
    const lines = Array.from({ length: 600 }, (_, n) => `Row ${n}`)
    const imported = await app.call('POST', '/records/project/import?key=', {
      text: ['name', ...lines].join('\n'),
      headers: { 'content-type': 'text/csv' },
    })
    expect([imported.status, imported.body.data?.created]).toEqual([200, 600])
    const refused = await app.call('POST', '/records/project/import?key=', {
      text: ['name', ...lines, ''].join('\n').replace('Row 599', '""'),
      headers: { 'content-type': 'text/csv' },
    })
    expect(refused.status).toBe(422)
    const [first] = records
    const merge = await app.call('PATCH', `/records/project/${first.id}`, {
      body: { client_version: 1, changes: { notes: 'merged' }, on_stale: 'merge' },
    })
    expect([merge.status, merge.body.merged_fields]).toEqual([200, ['status']])
    const remove = () =>
      app.call('DELETE', `/records/project/${first.id}`, {
        body: { client_version: 3 },
        headers: { 'idempotency-key': `remove-${first.id}` },
      })
    expect([(await remove()).status, (await remove()).status]).toEqual([204, 204])
    let count = 0
    for (let at = cursor; ; ) {
      const { status, body } = await app.call('GET', `/changes?cursor=${at}&limit=100`)
      expect(status).toBe(200)
      if (body.data.length === 0) break
      count += body.data.length
      at = body.cursor
    }
    expect(count).toBe(3 + 3 + 600 + 1 + 1)
  })

  test('pruning leaves no lock behind on a connection that the pooler keeps', async () => {
    const rounds = []
    for (let n = 0; n < POOL_SIZE * 3; n += 1)
      rounds.push(await pruneLog(app.knex, { namedStatements: false }))
    expect(rounds.filter(({ busy }) => busy)).toEqual([])
    const locks = `select from pg_locks l join pg_database d on d.oid = l.database
      where l.mode = 'ShareUpdateExclusiveLock' and d.datname = current_database()`
    await waitFor(async () => (await app.sql(locks)).length === 0, { what: 'the last lock to go' })
  })

  test('the log is made, tables tracked and the commands run through it', async () => {
    const { url } = await freshDatabase({ migrated: false })
    const direct = knex({ client: 'pg', connection: url })
    onTestFinished(() => direct.destroy())
    const out: string[] = []
    const err: string[] = []
    const run = (...args: string[]) =>
      runCommand(args, {
        out: (line) => void out.push(line),
        err: (line) => void err.push(line),
        env: { DATABASE_URL: pooler.urlFor(url) },
        cwd: '/',
        signal: new AbortController().signal,
      })
    expect(await run('doctor', '--repair')).toBe(0)
    await direct.raw('create table things (id integer primary key)')
    expect(await run('track', 'things')).toBe(0)
    await direct.raw('insert into things select generate_series(1, 2500)')
    for (const args of [['status'], ['changes'], ['prune'], ['doctor']]) expect(await run(...args)).toBe(0)
    expect(out.filter((line) => line.includes('public.things 7 v1'))).toHaveLength(1)
    expect(err.filter((line) => !line.startsWith('Go on with --cursor'))).toEqual([])
    await trackTable(direct, 'things', { history: 'values' })
  })
})
