// Mutants of what is written and read: an update that is lost, a right that is passed over, a row of another tenant.
import pg from 'pg'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { RecordCache } from '../../server/tables/record-cache.ts'
import type { TestApp } from '../support/app.ts'
import { bundleMutants, replaceSymbol } from '../support/broken-server.ts'
import { save, testMutants } from '../support/mutants.ts'
import { waitFor } from '../support/wait-for.ts'

const client = async (app: TestApp) => {
  const connection = new pg.Client({ connectionString: app.database.url })
  await connection.connect()
  return connection
}

/** Waits until a statement waits for what this connection has locked. */
const untilBlocked = (holder: pg.Client) => {
  const blocked = 'select from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))'
  return waitFor(async () => (await holder.query(blocked)).rowCount === 1, {
    what: 'a statement to be blocked',
  })
}

testMutants([
  {
    name: 'a guard that forgets the version',
    module: 'server/tables/record-sql.ts',
    symbol: 'isAtVersion',
    broken: () => (_: string, parameter: number) => `$${parameter}::bigint is not null`,
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      await save(app, id, 1, { name: 'B' })
      expect((await save(app, id, 1, { name: 'C' })).status).toBe(409)
    },
  },
  {
    name: 'a bulk edit that forgets the versions',
    module: 'server/records/save-many-sql.ts',
    symbol: 'isAtVersionOf',
    broken: () => () => 'true',
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      const other = await client(app)
      try {
        await other.query(`begin; update projects set name = 'B' where id = ${id}`)
        const body = { changes: { name: 'C' }, records: [{ id, client_version: 1 }] }
        const editing = app.call('PATCH', '/records/project', { body })
        await untilBlocked(other)
        await other.query('commit')
        await editing
        expect(await app.sql(`select name from projects where id = ${id}`)).toEqual([{ name: 'B' }])
      } finally {
        await other.end()
      }
    },
  },
  {
    name: 'a merge over fields that somebody else has changed',
    module: 'server/records/save.ts',
    symbol: 'mergedChanges',
    broken: () => () => ({}),
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      await save(app, id, 1, { name: 'B' })
      const body = { client_version: 1, changes: { name: 'C' }, on_stale: 'merge' }
      expect((await app.call('PATCH', `/records/project/${id}`, { body })).status).toBe(409)
    },
  },
  {
    name: 'a read that forgets the tenant',
    module: 'server/tables/record-sql.ts',
    symbol: 'isOfTenant',
    broken: () => (column: string | null, parameter: number) =>
      column === null ? '' : ` and $${parameter}::text is not null`,
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      expect((await app.call('GET', `/records/project/${id}`, { as: 'gina' })).status).toBe(404)
    },
  },
  {
    name: 'a change feed that goes on silently where changes were pruned',
    module: 'server/log/read-log.ts',
    symbol: 'isExpired',
    broken: () => () => false,
    check: async (app) => {
      const { body } = await app.call('GET', '/changes')
      await app.make('project', { name: 'A' })
      await app.sql(
        'update noclobber.log_horizon set (xid, seq) = (select max(xid), max(seq) from noclobber.changes)',
      )
      expect((await app.call('GET', `/changes?cursor=${body.cursor}`)).body.reset).toBe(true)
    },
  },
  {
    name: 'a body that may write any column',
    module: 'server/records/validate.ts',
    symbol: 'writableSchema',
    broken: () => () => z.any(),
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      const status = (await save(app, id, 1, { tenant_id: 'globex' })).status
      const [row] = await app.sql(`select tenant_id from projects where id = ${id}`)
      expect({ status, ...row }).toEqual({ status: 422, tenant_id: 'acme' })
    },
  },
  {
    name: 'no look at the origin',
    module: 'server/http/origin.ts',
    symbol: 'isOwnOrigin',
    broken: () => () => true,
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      const answer = await save(app, id, 1, { name: 'B' }, { origin: 'https://evil.example' })
      expect(answer.status).toBe(403)
    },
  },
  {
    name: 'a repeated mutation that is made twice',
    module: 'server/records/idempotency.ts',
    symbol: 'storedResponse',
    broken: () => async () => null,
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      const headers = { 'idempotency-key': 'one' }
      await save(app, id, 1, { name: 'B' }, headers)
      const again = await save(app, id, 1, { name: 'B' }, headers)
      expect({ status: again.status, version: again.body.data?.version }).toEqual({ status: 200, version: 2 })
    },
  },
  {
    name: 'another save under a mutation id that was used, answered as if it were written',
    module: 'server/records/idempotency.ts',
    symbol: 'requestHash',
    broken: () => () => 'the same',
    check: async (app) => {
      const { id } = await app.make('project', { name: 'A' })
      const headers = { 'idempotency-key': 'one' }
      await save(app, id, 1, { name: 'B' }, headers)
      expect((await save(app, id, 2, { name: 'C' }, headers)).status).not.toBe(200)
    },
  },
  {
    name: 'a write whose permission is not authorized again right before it',
    module: 'server/base/open-requests.ts',
    symbol: 'checkBeforeWrite',
    broken: () => async () => {},
    check: async (app) => {
      const [{ id }] = await app.sql(
        `insert into notes (tenant_id, owner) values ('acme', 'alice') returning id`,
      )
      const holder = await client(app)
      try {
        await holder.query('begin; lock table notes in access exclusive mode')
        const body = { client_version: 1, changes: { body: 'B' } }
        const saving = app.call('PATCH', `/records/note/${id}`, { body })
        await untilBlocked(holder)
        app.people.delete('alice')
        await app.records.revoke({ tenantId: 'acme', userId: 'alice', disconnect: true })
        await holder.query('commit')
        expect((await saving).status).toBe(401)
      } finally {
        await holder.end()
      }
    },
  },
  {
    name: 'a record cache that outlives the database that it was read from',
    module: 'server/tables/record-cache.ts',
    symbol: 'createRecordCache',
    limits: { recheckMs: 60_000 },
    broken: (real: () => RecordCache) => () => ({ ...real(), clear: () => {} }),
    check: async (app) => {
      const { id } = await app.make('note', { owner: 'alice' })
      const body = { client_version: 1, changes: { body: 'B' } }
      await app.call('PATCH', `/records/note/${id}`, { body })
      const standby = await client(app)
      // What stands there after a failover: the same version of the record is another one.
      await standby.query(
        `set session_replication_role = replica; update notes set owner = 'bob' where id = '${id}'`,
      )
      await standby.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )
      await standby.end()
      const isRefused = async () => {
        const alice = await app.socket({ as: 'alice' })
        return (await alice.watch(['note', id])).records[0]?.ok === false
      }
      await waitFor(isRefused, { what: 'a join to be authorized by the record as it is', deadlineMs: 3_000 })
      const late = { client_version: 2, changes: { body: 'C' } }
      expect((await app.call('PATCH', `/records/note/${id}`, { body: late })).status).toBe(404)
    },
  },
])

test('a symbol that is not there is said, and so is a module that is not there', async () => {
  const mutant = { module: 'server/http/origin.ts', symbol: 'isForeignOrigin', broken: () => () => true }
  await expect(bundleMutants([mutant])).rejects.toThrow(
    'server/http/origin.ts has no function or constant isForeignOrigin at its top level',
  )
  await expect(bundleMutants([{ ...mutant, module: 'server/origin.ts' }])).rejects.toThrow(
    'There is no module server/origin.ts',
  )
})

test('a symbol is replaced however its module is written', () => {
  const forms = [
    'export const a = 1',
    'const a =\n  1\nexport { a }',
    'export function a() {}',
    'async function a () { return a }',
  ]
  for (const code of forms) expect(replaceSymbol(code, 'a', 'broken')).toContain('broken(')
  expect(replaceSymbol('const b = () => { const a = 1 }', 'a', 'broken')).toBe(null)
})
