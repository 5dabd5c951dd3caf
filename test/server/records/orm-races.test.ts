// An app's ORM with an optimistic lock of its own on the column `version`, beside the server, all at once: both count one
// number up, and none of what either has counted is lost.
import { randomUUID } from 'node:crypto'
import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import { DataTypes, OptimisticLockError, Sequelize } from 'sequelize'
import { DataSource, EntitySchema } from 'typeorm'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { atEnd } from '../../support/at-end.ts'
import { freshDatabase } from '../../support/postgres.ts'

const COUNTS = 15

const { url } = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 6 } })
atEnd(() => knex.destroy())
await knex.raw(
  'create table counters (id serial primary key, number int not null default 0, version int not null default 1, counted_by text)',
)
await trackTable(knex, 'counters')
const records = createRecordServer({
  log: null,
  knex,
  types: [
    defineRecordType('counter', {
      table: 'counters',
      fields: { number: z.int(), counted_by: z.string().nullable() },
    }),
  ],
  authenticate: () => null,
})
atEnd(() => records.stop())

/** Whether it has counted: `false` where somebody else was first. */
type Count = (id: number) => Promise<boolean>

const sequelizeCount = async (): Promise<Count> => {
  const sequelize = new Sequelize(url, { dialect: 'postgres', logging: false, pool: { max: 3 } })
  atEnd(() => sequelize.close())
  const Counter = sequelize.define(
    'counter',
    {
      number: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 0 },
      version: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 1 },
    },
    { tableName: 'counters', version: true, timestamps: false },
  )
  return async (id) => {
    const counter = await Counter.findByPk(id)
    counter?.set('number', Number(counter.get('number')) + 1)
    return counter
      ? counter.save().then(
          () => true,
          (error) => {
            if (error instanceof OptimisticLockError) return false
            throw error
          },
        )
      : false
  }
}

const typeormCount = async (): Promise<Count> => {
  const Counter = new EntitySchema<{ id: number; number: number; version: number }>({
    name: 'counter',
    tableName: 'counters',
    columns: {
      id: { type: 'int', primary: true, generated: 'increment' },
      number: { type: 'int' },
      version: { type: 'int', version: true, default: 1 },
    },
  })
  const source = await new DataSource({
    type: 'postgres',
    url,
    entities: [Counter],
    poolSize: 3,
  }).initialize()
  atEnd(() => source.destroy())
  return (id) =>
    source.transaction(async (manager) => {
      const counter = await manager.findOne(Counter, { where: { id }, lock: { mode: 'pessimistic_write' } })
      if (!counter) return false
      counter.number += 1
      await manager.save(Counter, counter)
      return true
    })
}

const actor = { id: 'a', name: 'A', tenantId: '' }

const ourCount: Count = async (id) => {
  const found = await records.read('counter', String(id), { actor })
  if (found.outcome !== 'found') return false
  const { version, fields } = found.record
  // Another text each time: a save of what the ORM has just counted to would be no conflict.
  const changes = { number: Number(fields.number) + 1, counted_by: randomUUID() }
  return (
    (await records.save('counter', String(id), { actor, clientVersion: version, changes })).outcome ===
    'saved'
  )
}

const times = async (count: Count, id: number) => {
  for (let done = 0; done < COUNTS; ) if (await count(id)) done += 1
}

test.each([
  ['Sequelize, version: true', sequelizeCount],
  ['TypeORM, a version column', typeormCount],
])('%s: both write, and neither loses', async (_, made) => {
  const orm = await made()
  const { rows } = await knex.raw('insert into counters default values returning id')
  const [{ id }] = rows
  await Promise.all([times(orm, id), times(orm, id), times(ourCount, id), times(ourCount, id)])
  const [row] = (await knex.raw('select number, version::int from counters where id = ?', [id])).rows
  expect(row).toEqual({ number: 4 * COUNTS, version: 4 * COUNTS + 1 })
  const log = await knex.raw(
    'select count(distinct version)::int as versions from noclobber.changes where record_id = ? and table_name = ?',
    [String(id), 'public.counters'],
  )
  expect(log.rows).toEqual([{ versions: 4 * COUNTS + 1 }])
})
