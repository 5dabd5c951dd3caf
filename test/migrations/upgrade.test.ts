// A log that an earlier version made: the server says what to do, and `migrate` brings it up to date with its rows.
import knex, { type Knex } from 'knex'
import { migrate, migrationSource, trackTable } from 'noclobber/migrations'
import { createRecordServer, doctor } from 'noclobber/server'
import { expect, test } from 'vitest'
import { TYPES } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'
import { freshDatabase } from '../support/postgres.ts'

const TABLE = 'noclobber_migrations'
const TAG = TYPES.filter(({ name }) => name === 'tag')

const connect = async (): Promise<Knex> => {
  const { url } = await freshDatabase({ migrated: false })
  const connection = knex({ client: 'pg', connection: url })
  atEnd(() => connection.destroy())
  return connection
}
const start = async (connection: Knex) => {
  const records = createRecordServer({ knex: connection, types: TAG, authenticate: async () => null })
  atEnd(() => records.stop())
  await records.start()
  return records
}
const names = async (connection: Knex) =>
  (await connection(TABLE).select('name').orderBy('id')).map(({ name }) => name)

test('a log of the first version is brought up to date, and what it holds stays', async () => {
  const connection = await connect()
  await connection.migrate.up({ migrationSource, tableName: TABLE })
  expect(await names(connection)).toEqual(['001-change-log'])
  await connection.raw(`create table tags (id text primary key, label text not null default '')`)
  await trackTable(connection, 'tags')
  await connection.raw(`insert into tags values ('a', 'one')`)
  await expect(start(connection)).rejects.toThrow(/log is of an older noclobber. Call migrate/)
  expect(await doctor(connection)).toMatchObject({ ok: false, findings: [{ code: 'log_outdated' }] })
  await migrate(connection)
  expect(await names(connection)).toEqual(await migrationSource.getMigrations([]))
  const records = await start(connection)
  const actor = { id: 'a', name: 'A', tenantId: '', role: 'editor' as const }
  expect(await records.history('tag', 'a', { actor })).toMatchObject({ entries: [{ version: 1 }] })
  expect(
    await records.save('tag', 'a', { actor, clientVersion: 1, changes: { label: 'two' } }),
  ).toMatchObject({
    outcome: 'saved',
  })
  expect(await doctor(connection)).toMatchObject({ ok: true })
})

test('where the list of what was run is lost, it is made again from what is there', async () => {
  const connection = await connect()
  await migrate(connection)
  const all = await names(connection)
  await connection.raw(`drop table ${TABLE}`)
  await migrate(connection)
  expect((await names(connection)).sort()).toEqual(all)
  await connection.raw(`drop table ${TABLE}; drop table noclobber.proposals`)
  await migrate(connection)
  expect((await names(connection)).sort()).toEqual(all)
  expect(await doctor(connection)).toMatchObject({ ok: true })
})
