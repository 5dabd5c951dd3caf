// A person is locked out while a statement of theirs waits in PostgreSQL: behind a pooler it is cancelled too, that one and no other,
// though the pooler has given its client another key than PostgreSQL's.
import knex from 'knex'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startApp, trackTables } from '../../support/app.ts'
import { startPooler } from '../../support/pooler.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { isWithout } from '../../support/programs.ts'
import { waitFor } from '../../support/wait-for.ts'

/** It may have to be installed first. */
const INSTALL_MS = 300_000
/** Those of Alice and of Bob wait at once. */
const EACH = 3

/** In session mode each connection of the app's pool keeps one of the pooler's. */
const MODES = [
  { mode: 'session', poolSize: 40 },
  { mode: 'transaction', poolSize: 2 * EACH + 4 },
] as const

describe.skipIf(isWithout('pgbouncer'))('behind PgBouncer', { tags: 'fault:pooler' }, () => {
  test.each(MODES)(
    'in $mode mode a revoked person’s statements are cancelled, and others’ are not',
    async ({ mode, poolSize }) => {
      const pooler = await startPooler({ mode, poolSize })
      const database = await freshDatabase()
      const direct = knex({ client: 'pg', connection: database.url, pool: { min: 0, max: 2 } })
      onTestFinished(() => direct.destroy())
      await trackTables(direct)
      const app = await startApp({
        ...{ database, databaseUrl: pooler.urlFor(database.url) },
        limits: { signInAgeMs: 3_600_000, shortPerPerson: EACH },
      })
      const make = async (as: string) => ({ as, id: (await app.make('project', { name: 'Bridge' })).id })
      const people = ['alice', 'bob']
      const records = await Promise.all(people.flatMap((as) => Array.from({ length: EACH }, () => make(as))))
      const save = ({ as, id }: { as: string; id: string }, name = `By ${as}`) =>
        app.call('PATCH', `/records/project/${id}`, {
          as,
          body: { client_version: 1, changes: { name } },
        })

      const locking = await direct.transaction()
      const answers = []
      try {
        await locking.raw('lock table projects in share mode')
        answers.push(...records.map((record) => save(record).then(({ status }) => ({ ...record, status }))))
        await waitFor(
          async () => {
            const { rows } = await direct.raw(`select count(*)::int as waiting from pg_stat_activity
              where datname = current_database() and wait_event_type = 'Lock'`)
            return rows[0].waiting === records.length
          },
          { what: 'all statements to wait' },
        )
        await app.records.revoke({ tenantId: 'acme', userId: 'alice', disconnect: true })
        const ofAlice = answers.filter((_, at) => records[at]?.as === 'alice')
        expect((await Promise.all(ofAlice)).map(({ status }) => status)).toEqual(Array(EACH).fill(401))
      } finally {
        await locking.rollback()
      }
      for (const { as, id, status } of await Promise.all(answers)) {
        const { rows } = await direct.raw('select name, version from projects where id = ?', [id])
        const expected = as === 'alice' ? [401, 'Bridge', 1] : [200, 'By bob', 2]
        expect([status, rows[0].name, Number(rows[0].version)]).toEqual(expected)
      }
      // The connections are as good as before.
      for (const record of records)
        expect((await save({ ...record, as: 'bob' }, 'Afterwards')).status).toBe(
          record.as === 'alice' ? 200 : 409,
        )
    },
    INSTALL_MS,
  )
})
