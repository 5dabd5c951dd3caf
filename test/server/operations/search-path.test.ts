// A caller's transaction in which the name that a type declares means another table: nothing of ours goes to a table that
// the caller doesn't mean.
import createKnex, { type Knex } from 'knex'
import { trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { atEnd } from '../../support/at-end.ts'
import { freshDatabase } from '../../support/postgres.ts'

const { url } = await freshDatabase()
const admin = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } })
atEnd(() => admin.destroy())
for (const schema of ['acme', 'globex']) {
  await admin.raw(`create schema ${schema}; create table ${schema}.a (id text primary key, title text)`)
  await trackTable(admin, `${schema}.a`)
  await admin.raw(`insert into ${schema}.a values ('1', 'of ${schema}')`)
}

const open = (max: number, table = 'a') => {
  const knex = createKnex({
    client: 'pg',
    connection: url,
    searchPath: ['acme', 'public'],
    pool: { min: 0, max },
  })
  const records = createRecordServer({
    log: null,
    knex,
    types: [defineRecordType('a', { table, fields: { title: z.string() } })],
    authenticate: () => null,
  })
  atEnd(async () => {
    await records.stop()
    await knex.destroy()
  })
  return { knex, records }
}
type Records = ReturnType<typeof open>['records']

const actor = { id: 'g', name: 'G', tenantId: 't' }
const OPERATIONS: Record<
  string,
  (records: Records, transaction: Knex.Transaction) => Promise<{ outcome: string }>
> = {
  save: (records, transaction) =>
    records.save('a', '1', { actor, clientVersion: 1, changes: { title: 'x' }, transaction }),
  create: (records, transaction) =>
    records.create('a', { actor, id: '9', fields: { title: 'x' }, transaction }),
  remove: (records, transaction) => records.remove('a', '1', { actor, clientVersion: 1, transaction }),
  saveMany: (records, transaction) =>
    records.saveMany('a', {
      actor,
      changes: { title: 'x' },
      records: [{ id: '1', clientVersion: 1 }],
      transaction,
    }),
  import: (records, transaction) =>
    records.import('a', {
      ...{ actor, format: 'csv', key: 'id', transaction },
      input: (async function* () {
        yield Buffer.from('id,title\n1,x\n')
      })(),
    }),
}
const MEANINGS: Record<string, string> = {
  'another schema': 'set local search_path = globex',
  'no schema': `set local search_path = ''`,
  'a temporary table': 'create temporary table a (id text, title text) on commit drop',
}

const contents = async () =>
  (
    await admin.raw(
      `select 'acme' as schema, id, title, version from acme.a union all select 'globex', id, title, version from globex.a`,
    )
  ).rows

for (const [meaning, statement] of Object.entries(MEANINGS))
  describe(`where the name means ${meaning}`, () => {
    test.each(Object.keys(OPERATIONS))(
      '%s is refused with a sentence, and nothing is written',
      async (name) => {
        const { knex, records } = open(3)
        const before = await contents()
        const attempt = knex.transaction(async (transaction) => {
          await transaction.raw(statement)
          return OPERATIONS[name]?.(records, transaction)
        })
        await expect(attempt).rejects.toThrow(/its table is acme\.a, and within this transaction a is/)
        expect(await contents()).toEqual(before)
      },
    )
  })

test('a type that names its schema goes there, whatever the search path', async () => {
  const { knex, records } = open(3, 'acme.a')
  await knex.transaction(async (transaction) => {
    await transaction.raw('set local search_path = globex')
    const { outcome } = await records.create('a', { actor, id: 'named', fields: { title: 'n' }, transaction })
    expect(outcome).toBe('created')
  })
  expect((await contents()).filter(({ id }: { id: string }) => id === 'named')).toMatchObject([
    { schema: 'acme' },
  ])
})

test('what a transaction that holds the only connection looked up counts within it alone', async () => {
  const { knex, records } = open(1)
  const made = await knex.transaction(async (transaction) => {
    await transaction.raw('set local search_path = globex')
    return records.create('a', { actor, id: 'first', fields: { title: 'f' }, transaction })
  })
  expect(made.outcome).toBe('created')
  expect((await records.create('a', { actor, id: 'second', fields: { title: 's' } })).outcome).toBe('created')
  expect((await contents()).filter(({ id }: { id: string }) => /first|second/.test(id))).toMatchObject([
    { schema: 'acme', id: 'second' },
    { schema: 'globex', id: 'first' },
  ])
})
