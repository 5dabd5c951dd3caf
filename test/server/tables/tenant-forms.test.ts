// A tenant that `authenticate` spells otherwise than the database: events, histories and feeds go by the database's text, so nothing
// would arrive. It is said at once instead.

import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { atEnd } from '../../support/at-end.ts'
import { freshDatabase } from '../../support/postgres.ts'

const { url } = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } })
atEnd(() => knex.destroy())
const UUID = '6f9619ff-8b86-d011-b42d-00cf4fc964ff'

const serve = async (table: string, type: string, value: string) => {
  await knex.raw(`create table ${table} (id int primary key, tenant_id ${type} not null, title text)`)
  await trackTable(knex, table, { tenant: 'tenant_id' })
  await knex.raw(`insert into ${table} values (1, ?, 'one')`, [value])
  const records = createRecordServer({
    log: null,
    knex,
    types: [defineRecordType('thing', { table, fields: { title: z.string() } })],
    authenticate: () => null,
  })
  atEnd(() => records.stop())
  await records.start()
  return (tenantId: unknown) =>
    records.history('thing', '1', { actor: { id: 'a', name: 'A', tenantId: tenantId as string } })
}

test.each([
  ['bigint', '7', ['7', 7, 7n], ['07', ' 7', '+7', '7.0', '7e0', '٧', '', 'x', "7' or '1'='1"]],
  ['integer', '-7', ['-7', -7], ['-07', '−7']],
  ['uuid', UUID, [UUID], [UUID.toUpperCase(), `{${UUID}}`, UUID.replaceAll('-', ''), '']],
  ['text', UUID.toUpperCase(), [UUID.toUpperCase()], []],
  ['numeric(10,2)', '42', ['42.00'], ['42', '42.0', '042.00', ' 42.00', '4.2e1']],
  ['numeric(30,0)', '42', ['42', 42], ['42.0', '042', ' 42', '+42']],
  ['char(5)', 'acme', ['acme '], ['acme', 'acme  ', '']],
  ['oid', '42', ['42'], ['042', ' 42']],
])('of a column of type %s', async (type, value, right, wrong) => {
  const history = await serve(`of_${type.replace(/\W/g, '_')}`, type, value)
  for (const tenantId of right)
    expect([tenantId, await history(tenantId)]).toMatchObject([tenantId, { entries: [{ version: 1 }] }])
  for (const tenantId of wrong) await expect(history(tenantId)).rejects.toThrow('as PostgreSQL writes it')
})
